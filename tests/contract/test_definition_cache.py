"""What every definition cache must do, run on each of them; then what only Redis can suffer."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from app.adapters.cache import in_process, redis_cache
from app.adapters.cache.in_process import InProcessDefinitionCache
from app.adapters.cache.redis_cache import RedisDefinitionCache, open_redis_cache, pack, unpack
from app.definitions.ports import DefinitionCache, StoredDocument, Vacancy
from tests.support.tcp_proxy import proxy_to

OLD = StoredDocument(7, "k", 1, b'{"revision":1}')
NEW = StoredDocument(7, None, 2, b'{"revision":2,\n"text":"\xc3\xbc"}')
TIMEOUT = 0.2


class ManualTime:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def redis_definitions(redis_url: str) -> AsyncIterator[DefinitionCache]:
    async with open_redis_cache(redis_url, ttl_seconds=60, timeout_seconds=2) as cache:
        yield cache


@pytest.fixture
def in_process_definitions() -> DefinitionCache:
    return InProcessDefinitionCache(ttl_seconds=60)


@pytest.fixture(params=["in_process_definitions", "redis_definitions"])
def cache(request: pytest.FixtureRequest) -> DefinitionCache:
    return request.getfixturevalue(request.param)


async def miss(cache: DefinitionCache, ref: str) -> Vacancy:
    answer = await cache.get(ref)
    assert isinstance(answer, Vacancy)
    assert answer.ref == ref
    return answer


async def fill(cache: DefinitionCache, ref: str, document: StoredDocument) -> None:
    await cache.put(await miss(cache, ref), document)


async def test_what_was_filled_in_is_served(cache):
    await fill(cache, "7", NEW)
    await fill(cache, "k", OLD)
    assert await cache.get("7") == NEW
    assert await cache.get("k") == OLD
    await miss(cache, "8")


async def test_what_was_invalidated_is_not_served_and_may_be_filled_again(cache):
    await fill(cache, "7", OLD)
    await fill(cache, "k", OLD)
    await fill(cache, "8", OLD)
    await cache.invalidate(["7", "k", "unknown"])
    await miss(cache, "k")
    assert await cache.get("8") == OLD
    await fill(cache, "7", NEW)
    assert await cache.get("7") == NEW


async def test_a_reader_slower_than_an_invalidation_fills_nothing_in(cache):
    slow = await miss(cache, "7")
    await cache.invalidate(["7"])
    await cache.put(slow, OLD)
    await miss(cache, "7")


async def test_a_reader_slower_than_an_invalidation_and_another_reader_never_wins(cache):
    slow = await miss(cache, "7")
    await cache.invalidate(["7"])
    await fill(cache, "7", NEW)
    await cache.put(slow, OLD)
    assert await cache.get("7") != OLD


async def test_readers_of_one_vacancy_may_both_fill_it_in(cache):
    first, second = await miss(cache, "7"), await miss(cache, "7")
    await cache.put(first, NEW)
    await cache.put(second, NEW)
    assert await cache.get("7") == NEW


async def test_a_vacancy_without_a_token_fills_nothing(cache):
    await cache.put(Vacancy("7"), OLD)
    await miss(cache, "7")


async def test_entries_end_with_their_time_in_process():
    now = ManualTime()
    cache = InProcessDefinitionCache(ttl_seconds=60, monotonic=now)
    await fill(cache, "7", OLD)
    now.seconds += 59
    assert await cache.get("7") == OLD
    now.seconds += 1
    await miss(cache, "7")


async def test_refs_and_bytes_are_bounded_in_process(monkeypatch):
    monkeypatch.setattr(in_process, "MAX_REFS", 3)
    monkeypatch.setattr(in_process, "MAX_BYTES", 100)
    cache = InProcessDefinitionCache(ttl_seconds=60)
    for ref in ("a", "b", "c"):
        await fill(cache, ref, OLD)
    await cache.get("a")
    await fill(cache, "d", OLD)
    await cache.get("a")
    await miss(cache, "b")
    await fill(cache, "big", StoredDocument(1, None, 1, b"x" * 90))
    await miss(cache, "a")
    await fill(cache, "too big", StoredDocument(1, None, 1, b"x" * 101))
    await miss(cache, "too big")


async def test_every_key_in_redis_has_an_end(redis_url, redis_definitions):
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        late = await miss(redis_definitions, "7")
        await fill(redis_definitions, "8", OLD)
        await redis_definitions.invalidate(["7"])
        await redis_definitions.put(late, OLD)
        await miss(redis_definitions, "9")
        lifetimes = [await client.ttl(key) for key in await client.keys()]
    assert len(lifetimes) == 3
    assert all(0 < lifetime <= 60 for lifetime in lifetimes)


async def test_a_hash_that_redis_dropped_cannot_be_filled_by_an_old_reader(redis_url, redis_definitions):
    late = await miss(redis_definitions, "7")
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.flushall()
    await redis_definitions.put(late, OLD)
    await miss(redis_definitions, "7")


@pytest.mark.parametrize("entry", [None, b"", b"garbage", b"00 7 1 k\n{}", b"61626"])
def test_foreign_entries_are_misses(entry):
    assert unpack(b"ab", entry) is None


@pytest.mark.parametrize("document", [OLD, NEW])
def test_entries_unpack_as_they_were_packed(document):
    assert unpack(b"ab", pack(b"ab", document)) == document


async def test_a_redis_that_never_answered_is_a_cache_that_never_hits():
    async with open_redis_cache("redis://127.0.0.1:1", ttl_seconds=60, timeout_seconds=TIMEOUT) as cache:
        await cache.invalidate(["7"])
        await fill(cache, "7", OLD)
        assert await cache.get("7") == Vacancy("7")


async def test_a_foreign_value_under_a_key_is_a_miss(redis_url, redis_definitions):
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.set(redis_cache.PREFIX + "7", "not a hash")
    assert await redis_definitions.get("7") == Vacancy("7")


@pytest.mark.parametrize("how", ["stalled", "gone"])
async def test_an_outage_costs_one_timeout_and_leaves_nothing_outdated(redis_url, how, caplog):
    caplog.set_level(logging.INFO)
    now = ManualTime()
    async with (
        proxy_to(redis_url) as (proxy, url),
        redis.asyncio.Redis.from_url(url, socket_timeout=TIMEOUT, retry=None) as client,
    ):
        cache = RedisDefinitionCache(client, ttl_seconds=60, timeout_seconds=TIMEOUT, monotonic=now)
        await fill(cache, "7", OLD)
        await fill(cache, "8", OLD)
        await proxy.vanish() if how == "gone" else proxy.stall()

        began = time.monotonic()
        await cache.invalidate(["7"])
        for _ in range(100):
            assert await cache.get("7") == Vacancy("7")
            assert await cache.get("8") == Vacancy("8")
        assert time.monotonic() - began < 2 * TIMEOUT

        now.seconds += redis_cache.PAUSE_SECONDS
        assert await cache.get("8") == Vacancy("8")
        await proxy.start() if how == "gone" else proxy.flow()
        assert await cache.get("8") == Vacancy("8")

        now.seconds += redis_cache.PAUSE_SECONDS
        assert await cache.get("8") == OLD
        await fill(cache, "7", NEW)
        assert await cache.get("7") == NEW
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("app.")]
    assert len(messages) == 2
    assert messages[0].startswith("Redis does not answer (")
    assert messages[1] == "Redis answers again after 2.0 s"


async def test_more_outdated_refs_than_can_be_remembered_turn_the_cache_off_for_a_lifetime(redis_url, monkeypatch):
    monkeypatch.setattr(redis_cache, "MAX_REMEMBERED", 3)
    now = ManualTime()
    async with proxy_to(redis_url) as (proxy, url), redis.asyncio.Redis.from_url(url, retry=None) as client:
        cache = RedisDefinitionCache(client, ttl_seconds=60, timeout_seconds=TIMEOUT, monotonic=now)
        await fill(cache, "1", OLD)
        await proxy.vanish()
        await cache.invalidate(["1", "2", "3"])
        await cache.invalidate(["4"])
        await proxy.start()
        now.seconds += 59
        assert await cache.get("1") == Vacancy("1")
        now.seconds += 1
        assert await cache.get("1") == OLD  # In truth it would have expired by now.


async def test_calls_during_a_stall_do_not_queue_up_behind_each_other(redis_url):
    async with proxy_to(redis_url) as (proxy, url), open_redis_cache(url, 60, TIMEOUT) as cache:
        await miss(cache, "7")
        proxy.stall()
        began = time.monotonic()
        await asyncio.gather(*(cache.get("7") for _ in range(200)))
        assert time.monotonic() - began < 3 * TIMEOUT
