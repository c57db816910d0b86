"""Where a response ends, and what comes before it: interim responses, contradicting lengths, chunks, trailers."""

import asyncio

import pytest

from app.tasks.http.connection import MAX_HEAD_BYTES, MAX_INFORMATIONAL_RESPONSES
from app.tasks.http.pool import PoolLimits
from app.tasks.task_type import HttpOptions
from tests.integration.tasks.site import answer, failure, read_call, rights

REST = PoolLimits().cooldown_seconds
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"

COMPLETE = {
    "chunks": (CHUNKED + b"\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde", True),
    "trailers": (CHUNKED + b"\r\n5\r\nabcde\r\n0\r\nX-T: 1\r\nContent-Length: 9\r\n\r\n", "abcde", True),
    "extensions of chunks": (CHUNKED + b"\r\n5;a=b\r\nabcde\r\n0\r\n\r\n", "abcde", True),
    "chunks, and the length that they have": (
        CHUNKED + b"Content-Length: 5\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        "abcde",
        False,
    ),
    "one length twice": (OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "abc", True),
    "one length twice in one": (OK + b"Content-Length: 3, 3\r\n\r\nabc", "abc", True),
    "a folded header": (OK + b"X-A: one\r\n two\r\nContent-Length: 3\r\n\r\nabc", "abc", True),
    "bare line ends": (b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "abc", True),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", "abc", True),
    "an interim response": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 3\r\n\r\nabc", "abc", True),
    "early hints": (
        b"HTTP/1.1 103 Early\r\nX: y\r\n\r\n" * 5 + OK + b"Content-Length: 3\r\n\r\nabc",
        "abc",
        True,
    ),
    "a large head": (OK + b"X-A: " + b"a" * 60_000 + b"\r\nContent-Length: 3\r\n\r\nabc", "abc", True),
    "its wish to close": (OK + b"Connection: close\r\nContent-Length: 3\r\n\r\nabc", "abc", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", False),
}


@pytest.mark.parametrize(("page", "body", "is_kept"), COMPLETE.values(), ids=COMPLETE)
@pytest.mark.parametrize("step", [1, 7, 1_000_000], ids=["byte by byte", "in pieces", "at once"])
async def test_a_response_ends_where_its_framing_says(site, handler, attempt, clock, page, body, is_kept, step) -> None:
    async def piecemeal(call, writer) -> None:
        for start in range(0, len(page), step):
            writer.write(page[start : start + step])
            await asyncio.sleep(0)

    site.pages["/a"] = page if len(page) > 1_000 else piecemeal
    one = handler(HttpOptions(rights(allow_private=True)), clock=clock)
    for _ in range(2):
        assert (await one.run(attempt(url=site.url("/a"))))["body"] == body
        clock.now += REST
    assert site.connections == (1 if is_kept else 2)


async def test_a_folded_header_is_one_line(site, handler, attempt) -> None:
    site.pages["/a"] = OK + b"X-A: one\r\n   two\r\nContent-Length: 0\r\n\r\n"
    assert (await handler().run(attempt(url=site.url("/a"))))["headers"]["x-a"] == "one two"


async def test_a_response_without_a_length_ends_with_its_connection(raw_site, handler, attempt) -> None:
    async def until_close(reader, writer) -> None:
        await read_call(reader)
        writer.write(OK + b"\r\nuntil the end")

    assert (await handler().run(attempt(url=await raw_site(until_close))))["body"] == "until the end"


NOT_HTTP = {
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
    "two lengths in one": OK + b"Content-Length: 3, 5\r\n\r\nabcde",
    "a length that is none": OK + b"Content-Length: +3\r\n\r\nabc",
    "another transfer coding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk without a length": CHUNKED + b"\r\nxyz\r\n0\r\n\r\n",
    "a chunk that goes on": CHUNKED + b"\r\n3\r\nabcdef\r\n0\r\n\r\n",
    "a space in a name": OK + b"Content-Length : 3\r\n\r\nabc",
    "a fold at the start": OK + b" X-A: 1\r\nContent-Length: 3\r\n\r\nabc",
    "a change of protocol": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "a head without an end": OK + b"X-A: " + b"a" * (2 * MAX_HEAD_BYTES),
    "trailers without an end": CHUNKED + b"\r\n0\r\nX-A: " + b"a" * (2 * MAX_HEAD_BYTES),
    "interim responses without an end": b"HTTP/1.1 102 Processing\r\n\r\n" * (MAX_INFORMATIONAL_RESPONSES + 1),
}


@pytest.mark.parametrize("page", NOT_HTTP.values(), ids=NOT_HTTP)
async def test_what_is_not_http_fails_and_ends_its_connection(site, handler, attempt, clock, page) -> None:
    site.pages["/a"] = page
    site.pages["/own"] = answer(body=b"my own")
    one = handler(clock=clock)
    error = await failure(one, attempt(url=site.url("/a")))
    assert (error.code, error.retryable) == ("http_connection", True)
    clock.now += REST
    assert (await one.run(attempt(url=site.url("/own"))))["body"] == "my own"
    assert [call.connection for call in site.calls] == [1, 2]


@pytest.mark.parametrize("length", [0, 3, 9])
async def test_chunks_that_contradict_the_length_are_no_body(site, handler, attempt, length) -> None:
    site.pages["/a"] = CHUNKED + b"Content-Length: %d\r\n\r\n5\r\nabcde\r\n0\r\n\r\n" % length
    error = await failure(handler(), attempt(url=site.url("/a")))
    assert (error.code, error.retryable) == ("http_body", False)
    assert error.message.endswith(f"response has 5 bytes in its chunks, and {length} by its Content-Length")


@pytest.mark.parametrize(
    "beginning",
    [
        b"HTTP/1.1 2",
        OK + b"Content-Length: 9\r\n",
        OK + b"Content-Length: 9\r\n\r\nabc",
        CHUNKED + b"\r\n5\r\nabc",
        CHUNKED + b"\r\n5\r\nabcde\r\n",
        CHUNKED + b"\r\n5\r\nabcde\r\n0\r\n",
        CHUNKED + b"\r\n5\r\nabcde\r\n0\r\nX-T: 1\r\n",
    ],
)
async def test_a_response_that_is_cut_off_fails(raw_site, handler, attempt, beginning) -> None:
    async def cut(reader, writer) -> None:
        await read_call(reader)
        writer.write(beginning)

    error = await failure(handler(), attempt(url=await raw_site(cut)))
    assert (error.code, error.retryable) == ("http_connection", True)


async def test_a_response_that_ends_with_a_reset_fails(raw_site, handler, attempt) -> None:
    """It has no length, so a proper close would be its end. What a server leaves unread makes its close a reset."""

    async def reset(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()
        writer.write(OK + b"\r\nuntil the")
        await writer.drain()
        writer.transport.abort()

    error = await failure(handler(), attempt(url=await raw_site(reset), method="POST", body="x" * 5_000_000))
    assert (error.code, error.retryable) == ("http_connection", True)


@pytest.mark.parametrize("closes", [True, False])
async def test_an_early_response_is_taken_while_the_request_is_being_sent(
    raw_site, handler, attempt, clock, closes
) -> None:
    """The server does not read the body, which is more than the kernel takes, so sending it would never end."""
    connections, may_end = 0, asyncio.Event()

    async def early(reader, writer) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()
        writer.write(answer(413, b"too much", {"Connection": "close"} if closes else {}))
        await writer.drain()
        await may_end.wait()

    one, url = handler(clock=clock), await raw_site(early)
    for _ in range(2):
        error = await failure(one, attempt(url=url, method="POST", body="x" * 20_000_000))
        assert (error.code, error.retryable) == ("http_status", False)
        assert error.message.endswith("answered 413 Some Reason: too much")
        clock.now += REST
    may_end.set()
    assert connections == 2


async def test_a_request_that_waits_for_100_is_sent_whole(site, handler, attempt) -> None:
    async def go_on(call, writer) -> None:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(body=call.body))

    site.pages["/a"] = go_on
    config = {"method": "POST", "body": "whole", "headers": {"Expect": "100-continue"}}
    assert (await handler().run(attempt(url=site.url("/a"), **config)))["body"] == '"whole"'


async def test_a_large_response_comes_whole(site, handler, attempt) -> None:
    body = bytes(range(32, 127)) * 50_000
    site.pages["/a"] = answer(body=body)
    options = HttpOptions(rights(allow_private=True), max_response_bytes=len(body))
    assert (await handler(options).run(attempt(url=site.url("/a"))))["body"].encode() == body
