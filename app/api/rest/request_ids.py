"""The ids of requests: in the audit log, in the log of the process, and in the responses.

A request keeps the id that it brings, unless that does not belong into a log. Any other gets one when it is
needed: when the request changes something, or fails. So a read that succeeds costs nothing.
"""

from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.request_ids import given_id

HEADER = "X-Request-ID"

_NAME = HEADER.lower().encode()
_KEY = "request_id"
FIRST_ERROR = 400
_ONLY_READ = frozenset({"GET", "HEAD", "OPTIONS"})


def request_id(scope: Scope) -> str:
    """The id of a request."""
    found: str | None = scope.get(_KEY)
    if found is None:
        found = scope[_KEY] = _given(scope) or uuid4().hex
    return found


class RequestIds:
    """Adds the id to every response to a request that changes something or brings an id. Errors have it anyway."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"] in _ONLY_READ and _given(scope) is None):
            await self._app(scope, receive, send)
            return
        header = (_NAME, request_id(scope).encode())

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < FIRST_ERROR:
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self._app(scope, receive, sending)


def _given(scope: Scope) -> str | None:
    return given_id([value for name, value in scope["headers"] if name == _NAME])
