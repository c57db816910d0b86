"""What a client gets whose request the server cannot answer any more."""

import asyncio

import orjson
import pytest

from app.api.rest.errors import UnexpectedErrors

SCOPE = {"type": "http", "method": "PUT", "path": "/workflows/1", "headers": []}


async def answer_to(app) -> list[dict]:
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    async def receive() -> dict:
        return {"type": "http.disconnect"}

    with pytest.raises(asyncio.CancelledError):
        await UnexpectedErrors(app)(SCOPE, receive, send)
    return sent


async def test_a_request_that_a_stopping_server_cuts_off_is_told_to_ask_again() -> None:
    async def app(scope, receive, send) -> None:
        raise asyncio.CancelledError

    start, body = await answer_to(app)
    assert start["status"] == 503
    assert (b"retry-after", b"1") in start["headers"]
    problem = orjson.loads(body["body"])
    assert (problem["code"], problem["status"]) == ("unavailable", 503)
    assert "it is not known whether it took effect" in problem["detail"]


async def test_an_answer_that_has_begun_is_left_as_it_is() -> None:
    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise asyncio.CancelledError

    assert [message["type"] for message in await answer_to(app)] == ["http.response.start"]
