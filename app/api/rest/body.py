"""Reads request bodies: strict JSON of a bounded size, without values that cannot be stored.

Some bodies may also be YAML.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope

from app.api.rest.error_responses import Refused
from app.api.rest.files.json_documents import places_of
from app.api.rest.files.places import DocumentError, Place
from app.api.rest.files.yaml_documents import load_yaml
from app.domain.errors import Invalid, Problem, TooLarge
from app.domain.json_mistakes import NotJson
from app.domain.json_parsing import parse_json

MAX_DIGITS = 18
MAX_YAML_BYTES = 262_144
"""A text of this size is read within seconds."""

WHOLE = "body"
"""The path of a problem that concerns the whole body."""

YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml"})

LABEL_OF_CURL = "application/x-www-form-urlencoded"
"""The type of what `curl -d` sends, whatever it is."""

_OF_BROWSERS = ("origin", "sec-fetch-site")

Accepts = Callable[[Any], bool]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def takes_bodies_of_curl(accepts: Accepts) -> Callable[[Endpoint], Endpoint]:
    """Marks an endpoint that also takes what `curl -d` sends without a header, where `accepts(value)` is true.

    A browser gets no further with it than before: a page of another site can send this type without being asked, so it
    is not taken from browsers.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__[_MARK] = accepts
        return endpoint

    return mark


_MARK = "takes_bodies_of_curl"
_YAML_MARK = "takes_yaml"


def takes_yaml(endpoint: Endpoint) -> Endpoint:
    """Marks an endpoint whose body may also be YAML, as a definition file has it."""
    endpoint.__dict__[_YAML_MARK] = True
    return endpoint


@dataclass(frozen=True, slots=True)
class Sent:
    """The body of a request, as it was sent; it is in the request's `state`.

    place: that of its value, if it is known already.
    """

    content: bytes
    place: Place | None = None

    def places(self) -> Place | None:
        """Where its values are. None if there is no saying, as for a repeated name."""
        try:
            return self.place or places_of(self.content.decode())
        except DocumentError:
            return None


class JsonRoute(APIRoute):
    """A route whose body, if it has one, is read and checked before the framework validates it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        accepts: Accepts | None = getattr(self.endpoint, _MARK, None)
        yaml_too: bool = getattr(self.endpoint, _YAML_MARK, False)

        async def read_and_handle(request: Request) -> Response:
            return await handle(await _with_body(request, accepts, yaml_too=yaml_too))

        return read_and_handle


class ReadRequest(Request):
    """A request whose body has been read: its bytes and, unless it is empty, its JSON value."""

    def __init__(self, scope: Scope, receive: Receive, content: bytes, value: Any) -> None:
        super().__init__(scope, receive)
        self._content = content
        self._value = value

    async def body(self) -> bytes:
        return self._content

    async def json(self) -> Any:
        return self._value


async def _with_body(request: Request, accepts: Accepts | None, *, yaml_too: bool) -> Request:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        message = f"a body with Content-Encoding {encoding!r} cannot be read; send it as it is"
        raise Refused(415, "unsupported_content_encoding", message)
    content = await read_body(request, request.app.state.services.max_body_bytes)
    if not content:
        return ReadRequest(request.scope, request.receive, content, None)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if yaml_too and media_type in YAML_TYPES:
        value, place = await _yaml_body(content)
        request.state.sent = Sent(content, place)
        return ReadRequest(_labelled_as_json(request.scope), request.receive, content, value)
    if _says_json(media_type):
        value = parse_body(content)
        request.state.sent = Sent(content)
        return ReadRequest(request.scope, request.receive, content, value)
    if accepts is None or not _is_of_curl(request) or not accepts(value := parse_body(content)):
        raise Refused(415, "unsupported_media_type", "the body must be JSON, with Content-Type: application/json")
    return ReadRequest(_labelled_as_json(request.scope), request.receive, content, value)


def _labelled_as_json(scope: Scope) -> Scope:
    """The scope with the type by which the framework knows that the body has a value."""
    others = [header for header in scope["headers"] if header[0] != b"content-type"]
    return dict(scope, headers=[*others, (b"content-type", b"application/json")])


def _is_of_curl(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-type") == LABEL_OF_CURL and not any(name in headers for name in _OF_BROWSERS)


async def read_body(request: Request, limit: int) -> bytes:
    """Raise `TooLarge` as soon as the header Content-Length, or the bytes received so far, are over `limit`."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > MAX_DIGITS or int(declared) > limit):
        raise TooLarge("body", limit)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise TooLarge("body", limit)
    return bytes(content)


async def _yaml_body(content: bytes) -> tuple[Any, Place]:
    if len(content) > MAX_YAML_BYTES:
        raise TooLarge("body in YAML", MAX_YAML_BYTES)
    return await asyncio.to_thread(parse_yaml_body, content)


def parse_yaml_body(content: bytes) -> tuple[Any, Place]:
    """The one document of a text, and its place. Raise `Refused` (400)."""
    try:
        documents = load_yaml(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Refused(400, "malformed_yaml", "the body is not UTF-8") from None
    except DocumentError as error:
        where = {"line": error.line, "column": error.column}
        raise Refused(
            400, "malformed_yaml", f"the body is not usable YAML{_at(error)}: {error.message}", where
        ) from None
    if len(documents) != 1:
        raise Refused(400, "malformed_yaml", f"the body must be one document; it has {len(documents)}")
    return documents[0]


def _at(error: DocumentError) -> str:
    return "" if error.line is None else f" at line {error.line}, column {error.column}"


def _says_json(media_type: str) -> bool:
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def parse_body(content: bytes) -> Any:
    """Raise `Refused` (400) for bytes that are not JSON, `Invalid` for a value that breaks a rule."""
    try:
        return parse_json(content, "")
    except NotJson as error:
        where = {"line": error.line, "column": error.column}
        raise Refused(400, "malformed_json", f"the body {error.problems[0].message}", where) from None
    except Invalid as invalid:
        raise Invalid([Problem(p.path.removeprefix(".") or WHOLE, p.message) for p in invalid.problems]) from None
