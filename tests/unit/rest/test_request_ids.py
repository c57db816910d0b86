"""Which requests have an id, and which one."""

import re

import pytest
from starlette.types import Message

from app.api.rest.error_responses import error_response
from app.api.rest.request_ids import RequestIds, request_id


async def headers_of(method: str, headers: list[tuple[bytes, bytes]], status: int = 200) -> list[bytes]:
    """The ids in the response of an application that returns `status`."""
    sent: list[Message] = []

    async def app(scope, receive, send):
        if status >= 400:
            await error_response(scope, status, "c", "d")(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/", "headers": headers}
    await RequestIds(app)(scope, receive, send)
    return [value for name, value in sent[0]["headers"] if name == b"x-request-id"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_change_gets_an_id(method: str):
    (made,) = await headers_of(method, [])
    assert re.fullmatch(rb"[0-9a-f]{32}", made)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_read_gets_none_unless_it_brings_one(method: str):
    assert await headers_of(method, []) == []
    assert await headers_of(method, [(b"x-request-id", b"a-1")]) == [b"a-1"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_error_has_one_id(method: str):
    assert len(await headers_of(method, [], 404)) == 1
    assert await headers_of(method, [(b"x-request-id", b"a-1")], 404) == [b"a-1"]


@pytest.mark.parametrize(
    "values",
    [(b"",), (b"a b",), (b"a\nb",), (b"\xff",), (b"x" * 129,), (b"a", b"b")],
    ids=["empty", "space", "line break", "no ASCII", "long", "two"],
)
async def test_an_id_that_is_not_sane_is_replaced(values: tuple[bytes, ...]):
    (made,) = await headers_of("POST", [(b"x-request-id", value) for value in values])
    assert re.fullmatch(rb"[0-9a-f]{32}", made)


def test_the_id_of_a_request_stays():
    scope = {"type": "http", "headers": []}
    assert request_id(scope) == request_id(scope)
