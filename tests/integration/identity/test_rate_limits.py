"""Limits on how often one may call, on real processes that share a Redis, which is killed and frozen in the middle."""

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import grpc
import httpx
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_status import rpc_status

from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.permissions import Role
from app.identity.api_keys import Grant, new_key_text
from tests.support.callers import Keys, bearer, metadata
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.redis_process import RedisProcess
from tests.support.redis_server import PROGRAM
from tests.support.rest_server_process import RestServerProcess
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

ANONYMOUS, CALLERS, OWN = 20, 300, 150
_numbers = count(10)
"""Of addresses: each test has its own, since all tests call the same processes."""


@dataclass
class Service:
    """Two REST processes and a gRPC process, which believe a proxy on this machine, and their Redis."""

    rest: tuple[httpx.AsyncClient, httpx.AsyncClient]
    grpc: GrpcServerProcess
    redis: RedisProcess
    keys: Keys
    logs: list[Path]

    async def statuses(self, times: int, process: int = 0, path: str = "/me", **headers: str) -> list[int]:
        """The statuses of so many requests, one after the other."""
        return [(await self.rest[process].get(path, headers=headers)).status_code for _ in range(times)]

    async def key(self, rate_limit: int | None = None) -> str:
        return await self.keys.add(Grant(Role.VIEWER), rate_limit=rate_limit)

    async def codes(self, times: int, *sent: tuple[str, str]) -> list[grpc.StatusCode]:
        """The codes of so many calls, one after the other."""
        found = []
        for _ in range(times):
            try:
                await self.grpc.stub.ListExecutions(pb.ListExecutionsRequest(), metadata=sent)
            except grpc.aio.AioRpcError as error:
                found.append(error.code())
            else:
                found.append(grpc.StatusCode.OK)
        return found


def outages(log: Path) -> list[str]:
    """What a process has said about the outages of Redis. A busy machine may have some of its own."""
    said = {"Redis (rate limits) does not answer": "begun", "Redis (rate limits) answers again": "ended"}
    lines = log.read_text().splitlines()
    return [word for line in lines for sentence, word in said.items() if sentence in line]


@pytest.fixture
def client() -> str:
    """The address of somebody who has not called yet."""
    return f"203.0.113.{next(_numbers)}"


@pytest.fixture
def other() -> str:
    """The address of somebody else."""
    return f"203.0.113.{next(_numbers)}"


@pytest.fixture(scope="module")
async def service(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    database_url, folder = module_database_url, tmp_path_factory.mktemp("rate_limits")
    redis, logs = RedisProcess(), [folder / f"{name}.log" for name in ("one", "two", "grpc")]
    on = {"AUTH": "on", "TRUSTED_PROXIES": "127.0.0.1", "AUTH_DOCUMENTATION": "open"}
    on |= {"RATE_LIMIT_ANONYMOUS": str(ANONYMOUS), "RATE_LIMIT_KEYS": str(CALLERS)}
    rest = [RestServerProcess(database_url, redis.url, log, **on) for log in logs[:2]]
    server = GrpcServerProcess(database_url, logs[2], REDIS_URL=redis.url, **on)
    async with AsyncExitStack() as stack:
        for process in (redis, *rest, server):
            stack.push_async_callback(process.close)
        await redis.start()
        await asyncio.gather(*(process.start() for process in (*rest, server)))
        clients = [await stack.enter_async_context(httpx.AsyncClient(base_url=one.url, timeout=60)) for one in rest]
        yield Service((clients[0], clients[1]), server, redis, Keys(database_url), logs)


def forwarded(*hops: str) -> dict[str, str]:
    return {"X-Forwarded-For": ", ".join(hops)}


def through(address: str) -> tuple[str, str]:
    return ("x-forwarded-for", address)


def few_more_than(limit: int) -> range:
    """How many are allowed where the limit is counted in one place. A request that Redis does not answer within 5 ms is
    counted in its process, which happens on a busy machine."""
    return range(limit, limit + limit // 2 + 1)


async def test_requests_without_a_key_are_counted_by_address_in_all_processes(
    service: Service, client: str, other: str
):
    await asyncio.gather(*(until_shared(service, process) for process in (0, 1)))
    counted = Counter(await service.statuses(ANONYMOUS, 0, **forwarded(client)))
    counted += Counter(await service.statuses(ANONYMOUS, 1, **forwarded("10.9.8.7", client)))
    codes = Counter(await service.codes(ANONYMOUS, through(client)))
    assert set(counted) == {401, 429}
    assert set(codes) <= {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert counted[401] + codes[grpc.StatusCode.UNAUTHENTICATED] in few_more_than(ANONYMOUS)
    for process in (0, 1):
        assert await service.statuses(1, process, **forwarded(other)) == [401]
    assert await service.statuses(3 * ANONYMOUS) == [401] * 3 * ANONYMOUS, "loopback has no limit"


async def test_a_refusal_says_which_limit_and_when_to_come_back(service: Service, client: str):
    await service.statuses(2 * ANONYMOUS, **forwarded(client))
    refused = await service.rest[0].get("/workflows", headers=forwarded(client))
    seconds = int(refused.headers["Retry-After"])
    assert (refused.status_code, refused.headers["Content-Type"]) == (429, "application/problem+json")
    assert (refused.json()["code"], refused.json()["title"]) == ("rate_limited", "Too Many Requests")
    assert f"from {client} in a minute; the limit is {ANONYMOUS}; try again in {seconds} s" in refused.json()["detail"]
    assert 1 <= seconds <= 60
    assert refused.headers["RateLimit-Policy"] == f'"address";q={ANONYMOUS};w=60'
    assert refused.headers["RateLimit"] == f'"address";r=0;t={seconds}'
    root = service.rest[0].base_url.copy_with(path="/")
    assert (await service.rest[0].get(f"{root}healthz", headers=forwarded(client))).status_code == 200

    await service.codes(2 * ANONYMOUS, through(client))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.grpc.stub.ListExecutions(pb.ListExecutionsRequest(), metadata=[through(client)])
    status, info, retry = rpc_status.from_call(caught.value), ErrorInfo(), RetryInfo()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert [detail.Unpack(message) for detail, message in zip(status.details, (info, retry), strict=True)] == [True] * 2
    assert (info.reason, info.metadata["policy"]) == ("rate_limited", "address")
    assert 1 <= retry.retry_delay.seconds <= 60


async def test_keys_have_the_limit_of_the_settings_or_their_own_in_all_processes(service: Service):
    await asyncio.gather(*(until_shared(service, process) for process in (0, 1)))
    for rate_limit, expected in ((None, CALLERS), (OWN, OWN)):
        key = await service.key(rate_limit)
        counted = Counter(await service.statuses(expected // 3, 0, **bearer(key)))
        counted += Counter(await service.statuses(expected // 3, 1, **bearer(key)))
        codes = Counter(await service.codes(expected, *metadata(key)))
        allowed = counted[200] + codes[grpc.StatusCode.OK]
        assert set(counted) == {200}
        assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert allowed in range(expected * 9 // 10, expected * 3 // 2), "what a process has taken and not spent is lost"


async def test_guesses_are_limited_and_others_at_the_address_go_on(service: Service, client: str, other: str):
    key = await service.key()
    assert await service.statuses(1, **bearer(key), **forwarded(client)) == [200]
    guesses = [
        await service.statuses(1, **bearer(new_key_text().text), **forwarded(client)) for _ in range(2 * ANONYMOUS + 1)
    ]
    assert guesses[:ANONYMOUS] == [[401]] * ANONYMOUS
    assert guesses[-1] == [429]
    assert await service.statuses(3, **bearer(key), **forwarded(client)) == [200] * 3
    assert await service.statuses(1, **bearer(await service.key()), **forwarded(other)) == [200]


HOSTILE = [
    "unknown",
    "\xff\xfe",
    "1.2.3.4.5",
    "[::1",
    ", , ,",
    "203.0.113.7:99999999",
    "::ffff:203.0.113.7",
    "9" * 4_000,
    "127.0.0.1," * 2_000,
]


async def test_no_header_is_an_error(service: Service):
    for value in HOSTILE:
        sent = [(b"X-Forwarded-For", value.encode("latin-1"))]
        assert (await service.rest[0].get("/me", headers=sent)).status_code == 401, value
        if value.isascii() and len(value) < 8_000:
            assert await service.codes(1, through(value)) == [grpc.StatusCode.UNAUTHENTICATED], value


@pytest.mark.slow
async def test_redis_is_killed_and_comes_back(service: Service, client: str, other: str):
    key = await service.key()
    before = Counter(await service.statuses(2 * ANONYMOUS, 0, **forwarded(client)))
    assert before[401] in few_more_than(ANONYMOUS)
    await service.redis.kill()
    for process in (0, 1):
        during = Counter(await service.statuses(2 * ANONYMOUS, process, **forwarded(other)))
        assert during[401] in few_more_than(ANONYMOUS)
        assert during[429] == 2 * ANONYMOUS - during[401]
        assert await service.statuses(20, process, **bearer(key)) == [200] * 20
    codes = Counter(await service.codes(2 * ANONYMOUS, through(other)))
    assert codes[grpc.StatusCode.UNAUTHENTICATED] in few_more_than(ANONYMOUS)
    assert len(codes) == 2
    for log in service.logs:
        assert re.fullmatch("(begun ended )*begun", " ".join(outages(log))), "each process says once that one has begun"
    await service.redis.start()
    await asyncio.gather(*(until_shared(service, process) for process in (0, 1)))
    assert set(await service.statuses(20, 1, **bearer(key))) == {200}


async def until_shared(service: Service, process: int) -> None:
    """Wait until the counts of a process are in Redis again."""
    import redis.asyncio

    async with redis.asyncio.Redis.from_url(service.redis.url) as client:
        for number in islice(_numbers, 10_000):
            address = f"198.51.{process}.{number % 250}"
            await service.statuses(1, process, **forwarded(address))
            if await client.keys(f"*address:{address}/*"):
                return
    raise AssertionError("the counts are not in Redis")


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="needs a redis-server to freeze")
async def test_a_frozen_redis_delays_nobody_for_long(service: Service, client: str):
    key = await service.key()
    os.kill(service.redis.pid, signal.SIGSTOP)
    try:
        assert await service.statuses(50, **bearer(key)) == [200] * 50
        during = Counter(await service.statuses(2 * ANONYMOUS, **forwarded(client)))
        assert during[401] in few_more_than(ANONYMOUS)
        assert await service.codes(20, *metadata(key)) == [grpc.StatusCode.OK] * 20
    finally:
        os.kill(service.redis.pid, signal.SIGCONT)
