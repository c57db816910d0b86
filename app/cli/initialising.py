"""`workflow database init`: prepares a server of one's own for the logins that the settings name."""

import asyncio
from urllib.parse import unquote, urlsplit

from app.adapters.database.schema import Revisions
from app.adapters.database.walls.initialising import initialise
from app.adapters.database.walls.rules import API, ENGINE, OWNER
from app.adapters.database_url import StorageError, login_of, place, server_url
from app.cli.errors import CliError
from app.cli.screen.console import results
from app.config import Settings

SETTINGS = {API: "DATABASE_URL", ENGINE: "ENGINE_DATABASE_URL", OWNER: "MIGRATION_DATABASE_URL"}
FORM = "postgresql+asyncpg://{role}:PASSWORD@HOST/DATABASE"


def initialise_database(settings: Settings, admin_url: str | None) -> None:
    """Make the logins, and what belongs to them. Raise `CliError` with what is missing."""
    try:
        urls = _urls(settings)
        passwords = {role: _password(role, url) for role, url in urls.items()}
        database = _one_database(urls)
        if not admin_url:
            raise CliError(
                "give the address of a login that may make roles and databases, as "
                "postgresql://postgres:PASSWORD@HOST/postgres, with --admin-url or in WORKFLOW_ADMIN_DATABASE_URL"
            )
        asyncio.run(initialise(server_url(admin_url, "--admin-url"), database, passwords))
    except StorageError as error:
        raise CliError(str(error).rstrip(".")) from None
    results().say(
        f"{place(urls[API])} is at revision {Revisions.read().head}, and {OWNER}, {API} and {ENGINE} have their rights"
    )


def _urls(settings: Settings) -> dict[str, str]:
    """The addresses by role. That of the owner may be missing: migrations can run with this command alone."""
    found = {}
    for role, name in SETTINGS.items():
        url = getattr(settings, name.lower())
        if url is not None:
            found[role] = server_url(url, name)
        elif role != OWNER:
            raise CliError(f"{name} is not set: this command makes the login in it, {FORM.format(role=role)}")
    return found


def _password(role: str, url: str) -> str | None:
    login = login_of(url)
    if login is None or login.role != role:
        raise CliError(
            f"{SETTINGS[role]} names the login {login.role if login else ''!r}, and this command makes {role}: "
            f"write {FORM.format(role=role)}"
        )
    if not login.password.isascii():
        raise CliError(f"the password in {SETTINGS[role]} has characters other than those of ASCII; choose another")
    return login.password or None


def _one_database(urls: dict[str, str]) -> str:
    names = {unquote(urlsplit(url).path.strip("/")) for url in urls.values()}
    if len(names) != 1 or not all(names):
        raise CliError(f"the addresses in {', '.join(SETTINGS[role] for role in urls)} must name one database")
    return names.pop()
