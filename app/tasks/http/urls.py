"""Checks the URLs that `http` tasks call, and adds `query` to them."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import quote, urlencode

import httpx

MAX_HOST = 254

# Names that resolve, which includes more than valid host names: underscores, and labels that IDNA does not produce.
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")


def checked_url(text: str) -> httpx.URL:
    """The URL, if it can be called. Otherwise raise ValueError with a sentence that follows the field's name."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(f"is not a URL: {error}{_hint(str(error))}") from None
    if url.scheme not in ("http", "https"):
        raise ValueError("must start with http:// or https://")
    if not _is_host(host_of(url)):
        raise ValueError("must name a host")
    if url.userinfo:
        raise ValueError("must not hold a user name or password; use an Authorization header")
    if url.port is not None and not 1 <= url.port <= 65_535:
        raise ValueError("must have a port from 1 to 65535")
    return url


def host_of(url: httpx.URL) -> str:
    """The host as it is resolved, without brackets. `httpx.URL.host` raises for some names that resolve."""
    return url.raw_host.decode("ascii")


def host_header(url: httpx.URL) -> str:
    """The value of the Host header. It is always set, because httpx's own default reads `httpx.URL.host`."""
    return url.netloc.decode("ascii")


def origin(url: httpx.URL) -> str:
    """The part of a URL that messages may show: paths and queries can contain secrets."""
    return f"{url.scheme}://{host_header(url)}"


def with_query(url: httpx.URL, query: Mapping[str, Any]) -> httpx.URL:
    """The URL with `query` appended to its own query, which is not changed by a byte."""
    added = form_encoded(query)
    if not added:
        return url
    between = b"&" if url.query and not url.query.endswith(b"&") else b""
    return url.copy_with(query=url.query + between + added)


def form_encoded(pairs: Mapping[str, Any]) -> bytes:
    """`a=1&b=x&b=y` for `{"a": 1, "b": ["x", "y"]}`. A space becomes %20, which queries and forms both allow."""
    return urlencode(list(_flat(pairs)), quote_via=quote, safe="").encode("ascii")


def checked_pair(value: Any) -> Any:
    """The value, if a query or a form can contain it. Otherwise raise ValueError."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) for item in values):
        raise ValueError("must be a string, number or boolean, or a list of them")
    return value


def _flat(pairs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in pairs.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, str(item).lower() if isinstance(item, bool) else str(item)


def _is_host(host: str) -> bool:
    """True for an IPv6 address, and for labels that can be resolved."""
    if ":" not in host:
        return len(host) <= MAX_HOST and _HOST.fullmatch(host) is not None
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def _hint(message: str) -> str:
    return "; write the host in its xn-- form" if "IDNA" in message else ""
