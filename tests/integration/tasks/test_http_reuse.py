"""Reuse of connections: when the server closes one, when a request ends early, and the limits of the pool."""

import asyncio
from dataclasses import replace

import pytest

from app.tasks.http.pool import PoolLimits
from tests.integration.tasks.site import Call, answer, failure, read_call

REST = PoolLimits().cooldown_seconds


class Closing:
    """Responds to the first request of each connection; at the second it sends `last` and closes."""

    def __init__(self, last: bytes = b"", answered: int = 1) -> None:
        self._last = last
        self._answered = answered
        self.calls: list[Call] = []
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        for served in range(self._answered + 1):
            if (call := await read_call(reader)) is None:
                return
            call.connection = number
            self.calls.append(call)
            writer.write(answer(body=f"response {number}".encode()) if served < self._answered else self._last)
            await writer.drain()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_request_on_a_connection_that_was_just_closed_is_sent_once_more(
    raw_site, handler, attempt, clock, method
) -> None:
    server, one = Closing(), handler(clock=clock)
    url = await raw_site(server)
    config = {"url": f"{url}/a", "method": method, "body": {"n": 1}}
    assert (await one.run(attempt(**config)))["body"] == "response 1"
    clock.now += REST
    assert (await one.run(attempt(**config)))["body"] == "response 2"
    assert [(call.connection, call.method, call.target, call.body) for call in server.calls] == [
        (1, method, "/a", b'{"n":1}'),
        (1, method, "/a", b'{"n":1}'),
        (2, method, "/a", b'{"n":1}'),
    ]
    assert len({call.headers["idempotency-key"] for call in server.calls}) == 1


async def test_a_request_on_a_new_connection_is_sent_only_once(raw_site, handler, attempt) -> None:
    server = Closing(answered=0)
    error = await failure(handler(), attempt(url=await raw_site(server)))
    assert (error.code, error.retryable) == ("http_connection", True)
    assert error.message.endswith("the server closed the connection without a response")
    assert len(server.calls) == 1


@pytest.mark.parametrize("last", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"\r\n"])
async def test_a_request_is_not_sent_again_once_a_byte_of_a_response_has_come(
    raw_site, handler, attempt, clock, last
) -> None:
    server, one = Closing(last), handler(clock=clock)
    url = await raw_site(server)
    await one.run(attempt(url=url))
    clock.now += REST
    assert (await failure(one, attempt(url=url))).code == "http_connection"
    assert [call.connection for call in server.calls] == [1, 1]


async def test_a_request_is_sent_at_most_twice(raw_site, handler, attempt, clock) -> None:
    async def serve(reader, writer) -> None:
        connections.append(writer)
        if len(connections) == 1:
            await read_call(reader)
            writer.write(answer(body=b"x"))
        await read_call(reader)

    connections: list[asyncio.StreamWriter] = []
    one, url = handler(clock=clock), await raw_site(serve)
    await one.run(attempt(url=url))
    clock.now += REST
    assert (await failure(one, attempt(url=url))).code == "http_connection"
    assert len(connections) == 2


async def test_a_connection_that_was_closed_while_idle_gets_no_request(raw_site, handler, attempt, clock) -> None:
    server, one = Closing(answered=1), handler(clock=clock)
    closed = asyncio.Event()

    async def serve(reader, writer) -> None:
        server.connections += 1
        server.calls.append(await read_call(reader))
        writer.write(answer(body=b"x"))
        await writer.drain()
        writer.close()
        closed.set()

    url = await raw_site(serve)
    for number in (1, 2):
        closed.clear()
        await one.run(attempt(url=url))
        await closed.wait()
        clock.now += REST
        assert (server.connections, len(server.calls)) == (number, number)


async def test_a_connection_is_not_reused_when_it_is_old(site, handler, attempt, clock) -> None:
    site.pages["/a"] = answer()
    one = handler(clock=clock)
    for seconds in (0.0, PoolLimits().idle_seconds, PoolLimits().idle_seconds + 0.1):
        clock.now += seconds
        await one.run(attempt(url=site.url("/a")))
    assert [call.connection for call in site.calls] == [1, 1, 2]


async def test_an_idle_connection_is_closed_in_time(raw_site, handler, attempt) -> None:
    gone = asyncio.Event()

    async def serve(reader, writer) -> None:
        await read_call(reader)
        writer.write(answer())
        assert await reader.read() == b""
        gone.set()

    await handler(limits=PoolLimits(idle_seconds=0.0)).run(attempt(url=await raw_site(serve)))
    await gone.wait()


async def test_the_connection_of_a_cancelled_request_is_not_reused(site, handler, attempt, clock) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def late(call, writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        arrived.set()
        await go_on.wait()
        writer.write(b"cancelled")

    site.pages["/late"], site.pages["/own"] = late, answer(body=b"my own")
    one = handler(clock=clock)
    running = asyncio.create_task(one.run(attempt(url=site.url("/late"))))
    await arrived.wait()
    running.cancel()
    await asyncio.wait([running])
    go_on.set()
    clock.now += REST
    assert (await one.run(attempt(url=site.url("/own"))))["body"] == "my own"
    assert [call.connection for call in site.calls] == [1, 2]


async def test_the_connection_of_a_redirect_and_of_an_error_is_reused(site, handler, attempt, clock) -> None:
    site.pages["/old"] = answer(302, b"moved", {"Location": "/wrong"})
    site.pages["/wrong"] = answer(400, b"x" * 1_000)
    one = handler(clock=clock)
    for _ in range(3):
        await failure(one, attempt(url=site.url("/old")))
        clock.now += REST
    assert [call.connection for call in site.calls] == [1, 2] * 3


async def test_origins_do_not_share_connections(site, handler, attempt, clock) -> None:
    site.pages["/a"] = answer()
    one = handler(clock=clock)
    for host in ("127.0.0.1", "localhost", "127.0.0.1"):
        await one.run(attempt(url=site.url("/a", host=host)))
        clock.now += REST
    assert [call.connection for call in site.calls] == [1, 2, 1]


async def test_more_requests_than_allowed_wait(site, handler, attempt) -> None:
    async def hold(call, writer) -> None:
        arrived.release()
        await go_on.wait()
        writer.write(answer(body=b"done"))

    arrived, go_on = asyncio.Semaphore(0), asyncio.Event()
    site.pages["/a"] = hold
    one = handler(limits=PoolLimits(max_requests=2))
    running = [asyncio.create_task(one.run(attempt(url=site.url("/a")))) for _ in range(5)]
    for _ in range(2):
        await arrived.acquire()
    running.pop().cancel()
    assert len(site.calls) == 2
    go_on.set()
    assert [output["body"] for output in await asyncio.gather(*running)] == ["done"] * 4


async def test_one_workflow_cannot_make_all_the_requests(site, handler, attempt) -> None:
    async def hold(call, writer) -> None:
        arrived.release()
        await go_on.wait()
        writer.write(answer(body=b"done"))

    arrived, go_on = asyncio.Semaphore(0), asyncio.Event()
    site.pages["/hold"], site.pages["/a"] = hold, answer(body=b"x")
    one = handler(limits=PoolLimits(max_requests=9))
    running = [asyncio.create_task(one.run(attempt(url=site.url("/hold")))) for _ in range(20)]
    for _ in range(8):
        await arrived.acquire()
    assert (await one.run(replace(attempt(url=site.url("/a")), workflow_id=99)))["body"] == "x"
    assert len(site.calls) == 9
    go_on.set()
    await asyncio.gather(*running)


async def test_a_failed_connect_frees_its_slot(handler, attempt, site) -> None:
    site.pages["/a"] = answer(body=b"x")
    one = handler(limits=PoolLimits(max_requests=1))
    for _ in range(3):
        assert (await failure(one, attempt(url="http://127.0.0.1:1/"))).code == "http_connection"
    assert (await one.run(attempt(url=site.url("/a"))))["body"] == "x"


async def test_no_more_connections_are_kept_than_allowed(site, handler, attempt, clock) -> None:
    site.pages["/a"] = answer()
    one = handler(clock=clock, limits=PoolLimits(max_idle=2))
    for _ in range(2):
        await asyncio.gather(*(one.run(attempt(url=site.url("/a"))) for _ in range(5)))
        clock.now += REST
    assert site.connections == 5 + 3
