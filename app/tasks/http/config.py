"""The config of `http` and `webhook` tasks."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from app.domain.errors import Problem
from app.tasks.http.body import BodyError, encoded_body
from app.tasks.http.urls import checked_pair, checked_url
from app.tasks.task_type import TaskConfig

MAX_URL = 8_000

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")
_STATUS_CLASS = re.compile(r"([2-5])xx", re.IGNORECASE)
_OUR_HEADERS = frozenset(
    {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


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
    """The config of a request.

    query: appended to the query of the URL.
    body: encoded as the header `Content-Type` says, as JSON without one; None sends no body.
    """

    url: Annotated[str, Field(max_length=MAX_URL), AfterValidator(_url)]
    method: Annotated[Method | None, BeforeValidator(_method)] = None
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    query: dict[str, Annotated[Any, AfterValidator(checked_pair)]] = Field(default_factory=dict)
    body: Any = None
    expected_status: Annotated[frozenset[int], BeforeValidator(_statuses)] = frozenset(range(200, 300))


def body_problems(config: HttpConfig) -> list[Problem]:
    """Why the body does not fit its `Content-Type`."""
    try:
        sent_body(config)
    except BodyError as error:
        return [error.problem]
    return []


def sent_body(config: HttpConfig) -> bytes | None:
    """Raise `BodyError`."""
    return None if config.body is None else encoded_body(config.body, config.headers)
