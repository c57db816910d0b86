"""What the `http` type makes of an answer's body: bounded, unpacked, JSON or text, and always fit to be stored."""

import asyncio
import gzip
import tracemalloc
import zlib

import pytest

from tests.integration.tasks.site import answer, failure

JSON = {"Content-Type": "application/json"}


def chunked(total: int) -> bytes:
    pieces = b"".join(b"400\r\n" + b"x" * 1024 + b"\r\n" for _ in range(total // 1024))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"


@pytest.mark.parametrize(
    "page",
    [
        answer(body=b"x" * 10_001),
        chunked(20_480),
        answer(body=gzip.compress(b"x" * 1_000_000), headers={"Content-Encoding": "gzip"}),
    ],
    ids=["with a length", "chunked", "packed"],
)
async def test_an_answer_over_the_limit_fails_for_good_and_names_it(site, handler, attempt, page) -> None:
    site.pages["/a"] = page
    error = await failure(handler(), attempt(url=site.url("/a")))
    assert (error.code, error.retryable) == ("http_too_large", False)
    assert error.message.endswith("answer is larger than HTTP_TASK_MAX_RESPONSE_BYTES (10000)")


async def test_a_huge_answer_is_not_read_to_its_end(site, handler, attempt) -> None:
    cut = asyncio.Event()

    async def endless(call, writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while not writer.transport.is_closing():
            writer.write(b"x" * 10_000)
            await asyncio.sleep(0)
        cut.set()

    site.pages["/a"] = endless
    assert (await failure(handler(), attempt(url=site.url("/a")))).code == "http_too_large"
    await asyncio.wait_for(cut.wait(), 5)


async def test_a_small_answer_that_unpacks_to_a_huge_one_is_not_unpacked(site, handler, attempt) -> None:
    site.pages["/a"] = answer(body=gzip.compress(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        error = await failure(handler(), attempt(url=site.url("/a")))
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert error.code == "http_too_large"
    assert most_bytes < 10_000_000


async def test_an_error_with_a_huge_body_is_still_that_error(site, handler, attempt) -> None:
    site.pages["/a"] = answer(503, b"x" * 100_000)
    error = await failure(handler(), attempt(url=site.url("/a")))
    assert (error.code, error.retryable) == ("http_status", True)
    assert error.message.endswith(f"503 Some Reason: {'x' * 200}…")


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress(b"packed")), ("deflate", zlib.compress(b"packed")), ("identity", b"packed")],
    ids=[
        "gzip",
        "deflate",
        "identity",
    ],  # gzip's bytes tell the time, and a name must not
)
async def test_a_packed_answer_is_unpacked(site, handler, attempt, encoding, packed) -> None:
    site.pages["/a"] = answer(body=packed, headers={"Content-Encoding": encoding})
    assert (await handler().run(attempt(url=site.url("/a"))))["body"] == "packed"
    assert site.calls[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("encoding", "reason"),
    [("br", "has the content encoding 'br'; only gzip is supported"), ("gzip", "is not gzip: Error -3")],
)
async def test_an_answer_that_cannot_be_unpacked_fails_for_good(site, handler, attempt, encoding, reason) -> None:
    site.pages["/a"] = answer(body=b"not packed", headers={"Content-Encoding": encoding})
    error = await failure(handler(), attempt(url=site.url("/a")))
    assert (error.code, error.retryable) == ("http_body", False)
    assert reason in error.message


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        ("application/json", b"null", None),
        ("application/json", b"", None),
        ("application/json; charset=utf-8", b"\xef\xbb\xbf[1]", [1]),
        ("application/problem+json", b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),
        ("APPLICATION/JSON", b"2.5", 2.5),
        ("text/plain", b'{"a": 1}', '{"a": 1}'),
        ("text/plain; charset=latin-1", b"Zo\xeb", "Zoë"),
        ("text/plain; charset=punycode", b"Zo\xc3\xab", "Zoë"),
        ("text/plain; charset=hex", b"6a", "6a"),
        ("text/plain; charset=no-such", b"a\xffb", "a\ufffdb"),
        ("application/octet-stream", b"a\x00b\xff", "a\ufffdb\ufffd"),
        ("", b"plain", "plain"),
        ("", b"", ""),
    ],
)
async def test_a_body_is_json_where_it_says_so_and_text_otherwise(
    site, handler, attempt, content_type, body, value
) -> None:
    site.pages["/a"] = answer(body=body, headers={"Content-Type": content_type})
    assert (await handler().run(attempt(url=site.url("/a"))))["body"] == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a": NaN}', "is not valid JSON"),
        (b'{"a": Infinity}', "is not valid JSON"),
        (b'{"a": 1e999}', "is not valid JSON"),
        (b'{"a": ', "is not valid JSON"),
        (b'{"a": "\xff"}', "is not valid JSON"),
        (b'{"a": "\\ud800"}', "is not valid JSON"),
        (b"[" * 5_000, "is not valid JSON"),
        (b"<html>", "is not valid JSON"),
        (b'{"a": [{"b": "x\\u0000y"}]}', "cannot be stored: body.a[0].b must not contain the NUL character"),
        (b'{"a": {"b\\u0000": 1}}', "cannot be stored: body.a has a key that contains the NUL character"),
    ],
)
async def test_json_that_cannot_be_stored_fails_for_good_and_says_why(site, handler, attempt, body, reason) -> None:
    site.pages["/a"] = answer(body=body, headers=JSON)
    error = await failure(handler(), attempt(url=site.url("/a")))
    assert (error.code, error.retryable) == ("http_body", False)
    assert f"http://127.0.0.1:{site.port}'s answer {reason}" in error.message


async def test_a_head_and_an_empty_answer_have_no_body(site, handler, attempt) -> None:
    site.pages["/head"] = b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\nContent-Encoding: gzip\r\n\r\n"
    site.pages["/none"] = b"HTTP/1.1 204 No Content\r\n\r\n"
    head = await handler().run(attempt(url=site.url("/head"), method="HEAD"))
    none = await handler().run(attempt(url=site.url("/none"), method="DELETE"))
    assert (head["body"], none["body"], none["status"]) == ("", "", 204)
