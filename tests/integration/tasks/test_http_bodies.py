"""What the `http` type makes of an answer's body: bounded, unpacked, JSON or text, and always fit to be stored."""

import asyncio
import gzip
import tracemalloc
import zlib
from dataclasses import replace

import pytest

from app.masking import Mask
from tests.integration.tasks.site import answer, failure
from tests.support.refused_json import REFUSED

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
    assert error.message.endswith("response is larger than HTTP_TASK_MAX_RESPONSE_BYTES (10000)")


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
    await cut.wait()


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
    [
        ("br", "has the content encoding 'br'; only gzip and deflate are supported"),
        ("zstd", "has the content encoding 'zstd'; only gzip and deflate are supported"),
        ("gzip, gzip", "has the content encoding 'gzip, gzip'; only gzip and deflate are supported"),
        ("gzip", "is not gzip: Error -3"),
        ("deflate", "is not deflate: Error -3"),
    ],
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
        (b'{"a": ', "is not JSON at line 1, column 7: a value is missing here"),
        (b'{"a": "\xff"}', "is not JSON at line 1, column 8: the byte 0xFF is not UTF-8"),
        (b"<html>", "is not JSON at line 1, column 1: a value is missing here"),
        (b'{"a": [{"b": "x\\u0000y"}]}', "cannot be used: body.a[0].b: must not contain the NUL character"),
        (b'{"a": {"b\\u0000": 1}}', "cannot be used: body.a: has a key that contains the NUL character"),
        (b"[" * 5_000, "cannot be used: body: must not be nested deeper than 63 levels"),
        (b"[" * 64 + b"]" * 64, f"cannot be used: body{'[0]' * 63}: must not be nested deeper than 63 levels"),
        *((b'{"v": %b}' % text, f"cannot be used: body.v{path}: {said}") for text, path, said in REFUSED.values()),
    ],
)
async def test_json_that_breaks_a_rule_fails_for_good_and_says_why(site, handler, attempt, body, reason) -> None:
    site.pages["/a"] = answer(body=body, headers=JSON)
    error = await failure(handler(), attempt(url=site.url("/a")))
    assert (error.code, error.retryable) == ("http_body", False)
    assert f"http://127.0.0.1:{site.port}'s response {reason}" in error.message


NO_BODY = {
    "HEAD": (b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n", {"method": "HEAD"}),
    "HEAD, chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", {"method": "HEAD"}),
    "HEAD, both": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n", {"method": "HEAD"}),
    "204": (b"HTTP/1.1 204 No Content\r\n", {"method": "DELETE"}),
    "304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n", {"expected_status": 304}),
    "200 with no bytes": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", {}),
    "200 with no chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", {}),
}


@pytest.mark.parametrize(("head", "config"), NO_BODY.values(), ids=NO_BODY)
@pytest.mark.parametrize("encoding", ["", "gzip", "deflate", "br", "zstd", "no such"])
async def test_an_answer_without_a_body_is_empty_however_it_would_be_packed(
    site, handler, attempt, head, config, encoding
) -> None:
    end = b"0\r\n\r\n" if b"chunked" in head and not config else b""
    site.pages["/a"] = head + f"Content-Encoding: {encoding}\r\n\r\n".encode() + end
    assert (await handler().run(attempt(url=site.url("/a"), **config)))["body"] == ""


PACKED = gzip.compress(bytes(range(256)) * 8, mtime=0)


def cuts(packed: bytes) -> list[bytes]:
    """A packed body cut off behind each of its bytes."""
    return [packed[:length] for length in range(1, len(packed))]


@pytest.mark.parametrize(
    ("encoding", "packed"), [("gzip", PACKED), ("deflate", zlib.compress(b"packed"))], ids=["g", "d"]
)
async def test_a_packed_answer_that_is_cut_off_is_no_body(site, handler, attempt, encoding, packed) -> None:
    one = handler()
    for body in cuts(packed):
        site.pages["/a"] = answer(body=body, headers={"Content-Encoding": encoding})
        error = await failure(one, attempt(url=site.url("/a")))
        assert (error.code, error.retryable) == ("http_body", False)
        assert error.message.endswith(f"response ends before its {encoding} data is complete")


async def test_members_of_gzip_follow_each_other(site, handler, attempt) -> None:
    site.pages["/a"] = answer(
        body=b"".join(gzip.compress(text, mtime=0) for text in (b"first, ", b"", b"second, ", b"third")),
        headers={"Content-Encoding": "x-gzip, identity"},
    )
    site.pages["/b"] = answer(
        body=b"".join(gzip.compress(text, mtime=0) for text in (b"[1,", b"2]", b"")),
        headers={"Content-Encoding": "GZIP"} | JSON,
    )
    assert (await handler().run(attempt(url=site.url("/a"))))["body"] == "first, second, third"
    assert (await handler().run(attempt(url=site.url("/b"))))["body"] == [1, 2]


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", PACKED + b"garbage that is not packed", "is not gzip: Error -3"),
        ("gzip", PACKED + b"\0", "ends before its gzip data is complete"),
        ("gzip", PACKED + PACKED[:-1], "ends before its gzip data is complete"),
        ("gzip", PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "is not gzip: Error -3"),
        ("gzip", PACKED[:-1] + b"\x09", "is not gzip: Error -3"),
        ("gzip", zlib.compress(b"zlib"), "is not gzip: Error -3"),
        ("deflate", PACKED, "is not deflate: Error -3"),
        ("deflate", zlib.compress(b"one") + zlib.compress(b"two"), "has bytes after its deflate data"),
        ("deflate", zlib.compress(b"one")[:-4] + b"\0\0\0\0", "is not deflate: Error -3"),
    ],
)
async def test_a_packed_answer_is_what_its_header_says_from_end_to_end(
    site, handler, attempt, encoding, body, reason
) -> None:
    site.pages["/a"] = answer(body=body, headers={"Content-Encoding": encoding})
    error = await failure(handler(), attempt(url=site.url("/a")))
    assert error.code == "http_body"
    assert reason in error.message


@pytest.mark.parametrize("piece", [gzip.compress(b"", mtime=0), b"\0\0\0\xff\xff"], ids=["members", "blocks"])
async def test_packed_bytes_that_come_to_nothing_are_bounded_too(site, handler, attempt, piece) -> None:
    head = b"" if piece.startswith(b"\x1f") else gzip.compress(b"", mtime=0)[:10]
    site.pages["/a"] = answer(body=head + piece * 10_000, headers={"Content-Encoding": "gzip"})
    assert (await failure(handler(), attempt(url=site.url("/a")))).code == "http_too_large"


async def test_an_error_page_that_is_packed_is_read_for_its_beginning(site, handler, attempt) -> None:
    site.pages["/a"] = answer(400, gzip.compress(b"why " * 5_000), {"Content-Encoding": "gzip"})
    site.pages["/b"] = answer(400, PACKED[:20], {"Content-Encoding": "gzip"})
    assert (await failure(handler(), attempt(url=site.url("/a")))).message.endswith(f": {'why ' * 49}why…")
    assert (await failure(handler(), attempt(url=site.url("/b")))).message.endswith("answered 400 Some Reason")


@pytest.mark.parametrize("start", [0, 195, 230])
async def test_a_secret_in_an_error_page_is_hidden_before_the_page_is_cut(site, handler, attempt, start) -> None:
    """A part of a secret is not found any more, nor is one whose line breaks are gone."""
    secret = "s3cr3t one\ns3cr3t two"
    site.pages["/a"] = answer(400, b"x" * start + secret.encode() + b" the end" * 10_000)
    hiding = replace(attempt(url=site.url("/a")), masked=Mask([secret]).text)
    message = (await failure(handler(), hiding)).message
    assert "s3cr3t" not in message
    assert message.endswith(("x" * start + "***" + " the end" * 30)[:200].rstrip() + "…")
