"""The config of `http` and `webhook` tasks."""

import re
from ipaddress import IPv6Address
from typing import Annotated, Any, Literal

import httpx
from pydantic import AfterValidator, BeforeValidator, Field

from app.tasks.task_type import TaskConfig

MAX_URL = 8_000
MAX_HOST = 254

_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")
_STATUS_CLASS = re.compile(r"([2-5])xx", re.IGNORECASE)
_OUR_HEADERS = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


def checked_url(text: str) -> httpx.URL:
    """The URL, if it can be called. Otherwise raise ValueError with a sentence that follows the field's name."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(f"is not a URL: {error}") from None
    if url.scheme not in ("http", "https"):
        raise ValueError("must start with http:// or https://")
    if not _is_host(url.raw_host.decode("ascii")):
        raise ValueError("must name a host")
    if url.userinfo:
        raise ValueError("must not hold a user name or password; use an Authorization header")
    if url.port is not None and not 1 <= url.port <= 65_535:
        raise ValueError("must have a port from 1 to 65535")
    return url


def _is_host(host: str) -> bool:
    """True for an IPv6 address, and for labels that can be resolved."""
    if ":" not in host:
        return len(host) <= MAX_HOST and _HOST.fullmatch(host) is not None
    try:
        IPv6Address(host)
    except ValueError:
        return False
    return True


def _url(text: str) -> str:
    checked_url(text)
    return text


def _method(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError("is not a header name")
    if name.lower() in _OUR_HEADERS:
        raise ValueError("is set by the service")
    return name


def _header_value(value: str) -> str:
    if not _HEADER_VALUE.fullmatch(value):
        raise ValueError("must be printable ASCII without spaces at its ends")
    return value


def _query_value(value: Any) -> Any:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) for item in values):
        raise ValueError("must be a string, number or boolean, or a list of them")
    return value


def _statuses(value: Any) -> frozenset[int]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError("must name at least one status")
    return frozenset[int]().union(*map(_status_range, values))


def _status_range(value: Any) -> range:
    if isinstance(value, str) and (matched := _STATUS_CLASS.fullmatch(value)):
        first = int(matched[1]) * 100
        return range(first, first + 100)
    if isinstance(value, int) and not isinstance(value, bool) and 200 <= value <= 599:
        return range(value, value + 1)
    raise ValueError('must be a status from 200 to 599, a class such as "2xx", or a list of them')


Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(_header_value)]


class HttpConfig(TaskConfig):
    """The config of a call.

    body: sent as JSON; None sends no body.
    query: added to the query of the URL; replaces parameters of the same name.
    """

    url: Annotated[str, Field(max_length=MAX_URL), AfterValidator(_url)]
    method: Annotated[Method | None, BeforeValidator(_method)] = None
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    query: dict[str, Annotated[Any, AfterValidator(_query_value)]] = Field(default_factory=dict)
    body: Any = None
    expected_status: Annotated[frozenset[int], BeforeValidator(_statuses)] = frozenset(range(200, 300))
