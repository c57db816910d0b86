"""The load generator counts whole answers, however they arrive, and refuses to measure others than expected."""

import asyncio

import pytest

from bench.closed_loop import Load
from bench.rest.http_load import UnexpectedAnswer, measure

LOAD = Load(2, 0.0, 0.0, 5.0)


async def answering(*parts: bytes, keep: bool = True):
    """A server that answers each request with these parts, one by one; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            if not keep:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    "parts",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer",),
        (b"HTTP/1.1 200 OK\r\ncont", b"ent-length: 6\r\n", b"\r\n", b"ans", b"wer"),
    ],
)
async def test_answers_are_counted_once_each(parts):
    server, port = await answering(*parts)
    async with server:
        answer = await measure({"port": port, "method": "GET", "paths": ["/"], "status": 200}, LOAD)
    assert answer["operations"] == 2
    assert answer["total"] >= 4


@pytest.mark.parametrize(
    ("part", "keep"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nans", False),
    ],
)
async def test_other_answers_are_not_measured(part, keep):
    server, port = await answering(part, keep=keep)
    async with server:
        with pytest.raises(UnexpectedAnswer):
            await measure({"port": port, "method": "GET", "paths": ["/"], "status": 200}, LOAD)
