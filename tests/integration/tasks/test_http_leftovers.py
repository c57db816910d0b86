"""Bytes in excess of a response never become part of another response; the connection is not reused."""

import asyncio
import ssl

import pytest

from app.tasks.http.pool import PoolLimits
from app.tasks.task_type import HttpOptions
from tests.integration.tasks.site import Call, allowed, answer, answers, rights

REST = PoolLimits().cooldown_seconds

SECOND = answer(body=b"of another call")
TOO_MUCH = {
    "a second response": (answer(body=b"first"), SECOND, {}),
    "a body behind 204": (answer(204, headers={"Content-Length": "5"}), b"extra", {}),
    "chunks behind 204": (b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n", {}),
    "a response behind 204": (b"HTTP/1.1 204 No\r\n\r\n", SECOND, {}),
    "a body behind HEAD": (answer(headers={"Content-Length": "5"}), b"extra", {"method": "HEAD"}),
    "a response behind HEAD": (answer(headers={"Content-Length": "5"}), SECOND, {"method": "HEAD"}),
    "a body behind 304": (answer(304, headers={"Content-Length": "5"}), b"extra", {"expected_status": 304}),
    "more than its length": (answer(body=b"abc"), b"def", {}),
    "a response behind its length": (answer(body=b"abc"), SECOND, {}),
    "more than its chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"5\r\nextra\r\n0\r\n\r\n",
        {},
    ),
    "half a head": (answer(body=b"abc"), b"HTTP/1.1 200 OK\r\nX-Of: another call", {}),
    "a line end": (answer(body=b"abc"), b"\r\n", {}),
    "an interim response": (answer(body=b"abc"), b"HTTP/1.1 100 Continue\r\n\r\n", {}),
    "a request timeout": (answer(body=b"abc"), answer(408, headers={"Connection": "close"}), {}),
    "more than fits into one read": (answer(body=b"a" * 20_000), SECOND, {}),
    "an error and more": (answer(404, b"no"), SECOND, {"expected_status": [404]}),
    "a redirect and more": (answer(302, headers={"Location": "/own"}), SECOND, {}),
}


@pytest.fixture
def one(handler, clock):
    return handler(HttpOptions(rights(allow_private=True), max_response_bytes=100_000), clock=clock)


@pytest.mark.parametrize(("right", "more", "config"), TOO_MUCH.values(), ids=TOO_MUCH)
async def test_bytes_that_come_with_a_response_reach_no_other_request(
    site, one, attempt, clock, right, more, config
) -> None:
    site.pages["/wrong"] = right + more
    site.pages["/own"] = answer(body=b"my own")
    await one.run(attempt(url=site.url("/wrong"), **config))
    clock.now += REST
    assert (await one.run(attempt(url=site.url("/own"))))["body"] == "my own"
    assert site.calls[-1].connection != 1


@pytest.mark.parametrize(("right", "more", "config"), TOO_MUCH.values(), ids=TOO_MUCH)
async def test_bytes_that_come_soon_after_a_response_reach_no_other_request(
    site, one, attempt, clock, right, more, config
) -> None:
    answered, sent = asyncio.Event(), asyncio.Event()

    async def send_more(writer: asyncio.StreamWriter) -> None:
        await answered.wait()
        writer.write(more)
        await writer.drain()
        sent.set()

    async def wrong(call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(right)
        sending.append(asyncio.create_task(send_more(writer)))

    sending: list[asyncio.Task[None]] = []
    site.pages["/wrong"] = wrong
    site.pages["/own"] = answer(body=b"my own")
    await one.run(attempt(url=site.url("/wrong"), **config))
    answered.set()
    await sent.wait()
    clock.now += REST
    assert (await one.run(attempt(url=site.url("/own"))))["body"] == "my own"
    assert site.calls[-1].connection != 1


async def test_bytes_in_the_tls_layer_reach_no_other_request(open_site, handler, attempt, clock, certificate) -> None:
    """The second record was received with the first, so the socket itself has nothing to read."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    site = await open_site(server)

    async def wrong(call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body=b"first"))
        writer.write(SECOND)

    site.pages["/wrong"] = wrong
    site.pages["/own"] = answer(body=b"my own")
    one = handler(
        allowed("inside.example"),
        resolve=answers(inside=["127.0.0.1"]),
        make_tls=lambda: ssl.create_default_context(cafile=str(certificate)),
        clock=clock,
    )
    for path, body in (("/wrong", "first"), ("/own", "my own"), ("/own", "my own")):
        clock.now += REST
        assert (await one.run(attempt(url=site.url(path, "inside.example", "https"))))["body"] == body


async def test_a_connection_is_reused_after_a_cooldown(site, one, attempt, clock) -> None:
    site.pages["/own"] = answer(body=b"my own")
    for seconds in (0.0, REST / 2, REST, REST):
        clock.now += seconds
        await one.run(attempt(url=site.url("/own")))
    assert [call.connection for call in site.calls] == [1, 2, 1, 2]


async def test_connections_to_a_server_that_sent_excess_bytes_are_not_reused_for_a_while(
    site, open_site, one, attempt, clock
) -> None:
    other = await open_site()
    site.pages["/wrong"] = answer(body=b"first") + SECOND
    site.pages["/own"] = other.pages["/own"] = answer(body=b"my own")

    async def connections(called) -> list[int]:
        del called.calls[:]
        for _ in range(3):
            clock.now += REST
            await one.run(attempt(url=called.url("/own")))
        return [call.connection for call in called.calls]

    assert await connections(site) == [1, 1, 1]
    await one.run(attempt(url=site.url("/wrong")))
    assert await connections(site) == [3, 4, 5]
    assert await connections(other) == [1, 1, 1]
    clock.now += PoolLimits().no_reuse_seconds
    assert await connections(site) == [6, 6, 6]
