"""Checks REDIS_URL when the process starts. An option that the driver refuses later would make every request fail."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from redis.asyncio.connection import parse_url

FORM = (
    "write redis://user:password@host:port/0, rediss:// for TLS or unix:///path?db=0, "
    "with special characters of the password percent-encoded"
)
SCHEMES = ("redis", "rediss", "unix")
OPTIONS = frozenset({"db", "username", "password", "client_name"})
TLS_OPTIONS = frozenset({"ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname",
                         "ssl_keyfile"})  # fmt: skip


def connection_options(url: str) -> Mapping[str, Any]:
    """Return redis-py's options for a connection to `url`.

    Raise `ValueError` with the rest of a sentence that begins with `REDIS_URL`. It never contains the password.
    """
    parts = _parts(url.strip())
    _refuse_unknown_options(parts)
    try:
        options: Mapping[str, Any] = parse_url(url.strip())
    except (ValueError, TypeError):  # their texts may quote a part of the password
        raise ValueError(f"is not a valid address; {FORM}") from None
    return options


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        named = parts.port is None or parts.hostname
    except ValueError:
        raise ValueError(f"is not a valid address; {FORM}") from None
    if not parts.scheme:
        raise ValueError(f"does not say how to connect; {FORM}")
    if parts.scheme not in SCHEMES:
        raise ValueError(f"starts with {parts.scheme!r}, which is not supported; {FORM}")
    if parts.fragment or not named or not (parts.path if parts.scheme == "unix" else parts.hostname):
        raise ValueError(f"names no host; {FORM}")
    if parts.scheme != "unix" and parts.path.strip("/") and not parts.path.strip("/").isdecimal():
        raise ValueError(f"names the database {parts.path.strip('/')!r}, which is not a number; {FORM}")
    return parts


def _refuse_unknown_options(parts: SplitResult) -> None:
    known = OPTIONS | (TLS_OPTIONS if parts.scheme == "rediss" else frozenset())
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known:
            raise ValueError(f"has the option {name!r}, which is not supported; there are {', '.join(sorted(known))}")
        if name == "db" and not value.isdecimal():
            raise ValueError(f"names the database {value!r}, which is not a number; {FORM}")
