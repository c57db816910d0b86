"""The logins of the embedded server. Its own, a superuser, passes every wall; the processes use others.

Their passwords follow from the superuser's, so that every process that may read that knows them, and no file has more.
"""

import hashlib

from app.adapters.database_url import Login, login_of, with_login

ROUNDS = 1
"""Of the hashes of these passwords, which have 192 random bits."""


def password_of(main_url: str, role: str) -> str:
    """The password of `role`. main_url: the address with the login of the superuser."""
    main = login_of(main_url)
    return hashlib.sha256(f"{main.password if main else ''}\n{role}".encode()).hexdigest()[:48]


def login_url(main_url: str, role: str) -> str:
    """The same database for the login of `role`."""
    return with_login(main_url, Login(role, password_of(main_url, role)))
