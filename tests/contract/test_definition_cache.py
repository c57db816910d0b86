"""What every definition cache must do, run on each of them; then what only one of them can suffer."""

import asyncio
import logging
from collections.abc import AsyncIterator
from functools import partial

import pytest
import redis.asyncio

from app.adapters.cache import in_process, redis_cache
from app.adapters.cache.entries import pack, unpack
from app.adapters.cache.in_process import InProcessDefinitionCache
from app.adapters.cache.notices import Notice, decode
from app.adapters.cache.redis_cache import RedisDefinitionCache, open_redis_cache, open_redis_link
from app.definitions.ports import Absence, Content, DefinitionCache, StoredDocument, Vacancy
from app.domain.refs import Ref
from tests.support.memory.faults import Gate
from tests.support.redis_server import PROGRAM, running_redis
from tests.support.tcp_proxy import proxy_to
from tests.support.tenant import TENANT_ID

OLD = StoredDocument(7, "k", 1, b'{"revision":1}')
NEW = StoredDocument(7, None, 2, b'{"revision":2,\n"text":"\xc3\xbc"}')
SOON = 0.2
"""Seconds after which a call gives up, where the test wants it to."""
LATE = 60.0
"""The same, where Redis is expected to answer, on a busy machine too."""
ID = Ref(tenant_id=TENANT_ID, id=7)
KEY = Ref(tenant_id=TENANT_ID, key="k")
OTHER = Ref(tenant_id=TENANT_ID, id=8)
THIRD = Ref(tenant_id=TENANT_ID, id=9)


class ManualTime:
    """A clock that moves when it is told to, or when somebody sleeps by it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
async def redis_definitions(redis_url: str) -> AsyncIterator[DefinitionCache]:
    async with open_redis_cache(redis_url, ttl_seconds=60, timeout_seconds=LATE) as cache:
        yield cache


@pytest.fixture
def in_process_definitions() -> DefinitionCache:
    return InProcessDefinitionCache(ttl_seconds=60)


@pytest.fixture(params=["in_process_definitions", pytest.param("redis_definitions", marks=pytest.mark.server)])
def cache(request: pytest.FixtureRequest) -> DefinitionCache:
    return request.getfixturevalue(request.param)


async def miss(cache: DefinitionCache, ref: Ref) -> Vacancy:
    assert await cache.get(ref) is None
    answer = await cache.reserve(ref)
    assert isinstance(answer, Vacancy)
    assert answer.ref == ref
    return answer


async def fill(cache: DefinitionCache, ref: Ref, content: Content) -> None:
    await cache.put(await miss(cache, ref), content)


async def change(cache: DefinitionCache, *refs: Ref) -> None:
    await cache.invalidate(await cache.begin_write(refs), refs)


async def test_a_change_under_no_ref_yet_disturbs_nothing(cache, caplog):
    await fill(cache, KEY, OLD)
    caplog.set_level(logging.WARNING)
    await cache.release(await cache.begin_write(()))
    await cache.invalidate(await cache.begin_write(()), (ID,))
    assert await cache.get(KEY) == OLD
    assert caplog.records == []


async def test_what_was_filled_in_is_served(cache):
    await fill(cache, ID, NEW)
    await fill(cache, KEY, OLD)
    await fill(cache, THIRD, Absence(THIRD))
    assert await cache.get(ID) == NEW
    assert await cache.reserve(ID) == NEW
    assert await cache.get(KEY) == OLD
    assert await cache.get(THIRD) == Absence(THIRD)
    await miss(cache, OTHER)


async def test_what_was_changed_is_not_served_and_may_be_filled_again(cache):
    for ref in (ID, KEY, OTHER):
        await fill(cache, ref, OLD)
    await change(cache, ID, KEY, Ref(tenant_id=TENANT_ID, key="unknown"))
    await miss(cache, KEY)
    assert await cache.get(OTHER) == OLD
    await fill(cache, ID, NEW)
    assert await cache.get(ID) == NEW


async def test_equal_names_of_two_tenants_are_apart(cache):
    other = Ref(tenant_id=TENANT_ID + 1, id=7)
    await fill(cache, ID, OLD)
    await miss(cache, other)
    await fill(cache, other, NEW)
    await change(cache, other)
    assert await cache.get(ID) == OLD
    await miss(cache, other)


async def test_refs_without_a_write_intent_are_invalidated_too(cache):
    await fill(cache, ID, OLD)
    await cache.invalidate(await cache.begin_write([KEY]), [ID, KEY])
    await miss(cache, ID)


async def test_a_reader_slower_than_a_change_fills_nothing_in(cache):
    slow = await miss(cache, ID)
    await change(cache, ID)
    await cache.put(slow, OLD)
    await miss(cache, ID)


async def test_a_reader_slower_than_a_change_and_another_reader_never_wins(cache):
    slow = await miss(cache, ID)
    await change(cache, ID)
    await fill(cache, ID, NEW)
    await cache.put(slow, OLD)
    assert await cache.get(ID) != OLD


async def test_readers_of_one_vacancy_may_both_fill_it_in(cache):
    first, second = await miss(cache, ID), await miss(cache, ID)
    await cache.put(first, NEW)
    await cache.put(second, NEW)
    assert await cache.get(ID) == NEW


async def test_during_a_write_intent_nothing_is_served_or_filled(cache):
    slow = await miss(cache, ID)
    await fill(cache, KEY, OLD)
    intent = await cache.begin_write([ID, KEY])
    await cache.put(slow, OLD)
    for ref in (ID, KEY):
        assert await miss(cache, ref) == Vacancy(ref)
    await cache.put(Vacancy(ID), OLD)
    await cache.invalidate(intent, [ID, KEY])
    await fill(cache, ID, NEW)
    assert await cache.get(ID) == NEW


async def test_a_ref_has_a_write_intent_until_the_last_writer_is_done(cache):
    first, second = await cache.begin_write([ID]), await cache.begin_write([ID])
    await cache.invalidate(first, [ID])
    assert await miss(cache, ID) == Vacancy(ID)
    await cache.release(second)
    await fill(cache, ID, NEW)
    assert await cache.get(ID) == NEW


async def test_the_write_intent_of_a_dead_writer_ends_in_process():
    now = ManualTime()
    cache = InProcessDefinitionCache(ttl_seconds=60, monotonic=now)
    await cache.begin_write([ID])
    now.seconds += in_process.INTENT_SECONDS
    await fill(cache, ID, NEW)
    assert await cache.get(ID) == NEW


async def test_entries_end_with_their_time_in_process_however_late_they_were_filled():
    now = ManualTime()
    cache = InProcessDefinitionCache(ttl_seconds=60, monotonic=now)
    vacancy = await miss(cache, ID)
    now.seconds += 30
    await cache.put(vacancy, OLD)
    now.seconds += 29
    assert await cache.get(ID) == OLD
    now.seconds += 1
    await miss(cache, ID)


async def test_entries_end_with_their_time_in_redis_however_late_they_were_filled(redis_url, redis_definitions):
    """An entry counts only while its token is there, and nothing prolongs that."""
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        vacancy = await miss(redis_definitions, ID)
        await client.pexpire(token := redis_cache.PREFIX + f"{TENANT_ID}:7:t", 20_000)
        await redis_definitions.put(vacancy, OLD)
        assert await redis_definitions.get(ID) == OLD
        assert 0 < await client.pttl(token) <= 20_000
        await client.delete(token)  # as it does itself in the end
    await miss(redis_definitions, ID)


async def test_refs_and_bytes_are_bounded_in_process(monkeypatch):
    monkeypatch.setattr(in_process, "MAX_REFS", 3)
    monkeypatch.setattr(in_process, "MAX_BYTES", 100)
    cache = InProcessDefinitionCache(ttl_seconds=60)
    a, b, c, d, big, too_big = (Ref(tenant_id=TENANT_ID, key=key) for key in ("a", "b", "c", "d", "big", "too-big"))
    for ref in (a, b, c):
        await fill(cache, ref, OLD)
    await cache.get(a)
    await fill(cache, d, OLD)
    await cache.get(a)
    await miss(cache, b)
    await fill(cache, big, StoredDocument(1, None, 1, b"x" * 90))
    await miss(cache, a)
    await fill(cache, too_big, StoredDocument(1, None, 1, b"x" * 101))
    await miss(cache, too_big)


async def test_every_key_in_redis_has_an_end(redis_url, redis_definitions):
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        late = await miss(redis_definitions, ID)
        await fill(redis_definitions, OTHER, OLD)
        await change(redis_definitions, ID)
        await redis_definitions.put(late, OLD)
        await miss(redis_definitions, THIRD)
        await redis_definitions.begin_write([Ref(tenant_id=TENANT_ID, id=10)])
        lifetimes = [await client.ttl(key) for key in await client.keys()]
    assert len(lifetimes) == 5
    assert all(0 < lifetime <= 60 for lifetime in lifetimes)


async def test_what_redis_dropped_cannot_be_filled_by_an_old_reader(redis_url, redis_definitions):
    late = await miss(redis_definitions, ID)
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.flushall()
    await redis_definitions.put(late, OLD)
    await fill(redis_definitions, ID, NEW)
    await redis_definitions.put(late, OLD)
    await miss(redis_definitions, ID)


@pytest.mark.parametrize("entry", [None, b"", b"garbage", b"00 7 1 k\n{}", b"61626", b"6162"])
def test_foreign_entries_are_misses(entry):
    assert unpack(ID, b"ab", entry) is None


@pytest.mark.parametrize("content", [OLD, NEW, Absence(ID)])
def test_entries_unpack_as_they_were_packed(content):
    assert unpack(ID, b"ab", pack(b"ab", content)) == content
    assert unpack(ID, b"ac", pack(b"ab", content)) is None


async def test_a_foreign_value_under_a_key_is_a_miss(redis_url, redis_definitions):
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.hset(redis_cache.PREFIX + f"{TENANT_ID}:7:t", "not a", "string")
    assert await redis_definitions.get(ID) is None


async def test_a_redis_that_never_answered_is_a_cache_that_never_hits():
    async with open_redis_link("redis://127.0.0.1:1", 60) as link:
        now = ManualTime()
        cache = RedisDefinitionCache(link, 60, SOON, now, now.sleep)
        await fill(cache, ID, OLD)
        assert await miss(cache, ID) == Vacancy(ID)


@pytest.mark.parametrize("how", ["stalled", "gone"])
async def test_a_writer_without_redis_waits_until_no_older_entry_is_left(redis_url, redis_definitions, how):
    """Another process reaches Redis all the while, and has the older entry; it lives longer, for a slow machine."""
    now = ManualTime()
    await fill(redis_definitions, ID, OLD)
    async with proxy_to(redis_url) as (proxy, url), open_redis_link(url, 60) as link:
        writer = RedisDefinitionCache(link, 2, 0.05, now, now.sleep)
        await proxy.vanish() if how == "gone" else proxy.stall()
        intent = await writer.begin_write([ID])
        assert await redis_definitions.get(ID) == OLD
        began = now.seconds
        await writer.invalidate(intent, [ID])
        assert now.seconds - began >= 2.5


@pytest.mark.parametrize("how", ["stalled", "gone"])
async def test_a_writer_waits_no_longer_than_until_redis_is_back(redis_url, redis_definitions, how):
    await fill(redis_definitions, ID, OLD)
    pause = Gate()
    async with proxy_to(redis_url) as (proxy, url), open_redis_link(url, 60) as link:
        writer = RedisDefinitionCache(link, 60, SOON, ManualTime(), lambda _: pause.pass_through())
        await proxy.vanish() if how == "gone" else proxy.stall()
        waiting = asyncio.ensure_future(change(writer, ID))
        await pause.reached()
        assert not waiting.done()
        await proxy.start() if how == "gone" else proxy.flow()
        pause.open()
        await waiting
    await miss(redis_definitions, ID)


class Counting(RedisDefinitionCache):
    """`calls` counts how often Redis is asked."""

    calls = 0

    @property
    def patience(self) -> float:
        return self._timeout_seconds

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._timeout_seconds = seconds

    async def _call(self, *arguments, **options):
        self.calls += 1
        return await super()._call(*arguments, **options)


@pytest.mark.parametrize("how", ["stalled", "gone"])
async def test_an_outage_costs_readers_one_timeout(redis_url, redis_definitions, how, caplog):
    await fill(redis_definitions, OTHER, OLD)
    caplog.set_level(logging.INFO)
    now = ManualTime()
    async with proxy_to(redis_url) as (proxy, url), open_redis_link(url, 60) as link:
        cache = Counting(link, 60, SOON, now, now.sleep)
        await proxy.vanish() if how == "gone" else proxy.stall()

        for _ in range(100):
            assert await miss(cache, OTHER) == Vacancy(OTHER)
        assert cache.calls == 1

        now.seconds += redis_cache.PAUSE_SECONDS
        assert await cache.get(OTHER) is None
        assert cache.calls == 2
        await proxy.start() if how == "gone" else proxy.flow()
        assert await cache.get(OTHER) is None

        cache.patience = LATE
        now.seconds += redis_cache.PAUSE_SECONDS
        assert await cache.get(OTHER) == OLD
        assert cache.calls == 3
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("app.")]
    assert len(messages) == 2
    assert messages[0].startswith("Redis does not answer (")
    assert messages[1] == "Redis answers again after 2.0 s"


async def test_calls_during_a_stall_do_not_queue_up_behind_each_other(redis_url):
    """The first that gives up takes all others along, within a few rounds of the event loop."""
    async with proxy_to(redis_url) as (proxy, url), open_redis_link(url, 60) as link:
        await link.session()
        proxy.stall()
        cache = RedisDefinitionCache(link, 60, SOON)
        calls = [asyncio.ensure_future(cache.get(ID)) for _ in range(200)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        for _ in range(20):
            await asyncio.sleep(0)
        assert all(call.done() for call in calls)


class HandTurnedLoop:
    """What a session asks of its loop, on a clock that the test turns. `rung` counts the alarms that went off."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.rung = 0
        self._alarms = []

    def time(self) -> float:
        return self.seconds

    def create_future(self):
        return asyncio.get_running_loop().create_future()

    def call_at(self, when, callback, *arguments):
        handle = asyncio.get_running_loop().call_later(3600, callback, *arguments)
        self._alarms.append((when, handle, partial(callback, *arguments)))
        return handle

    def turn(self, seconds: float) -> None:
        self.seconds += seconds
        due = [alarm for alarm in self._alarms if alarm[0] <= self.seconds]
        self._alarms = [alarm for alarm in self._alarms if alarm not in due]
        for _, handle, callback in due:
            if not handle.cancelled():
                handle.cancel()
                self.rung += 1
                callback()


async def test_a_connection_that_answers_is_kept(redis_url, redis_definitions):
    """Each answer has its own time: when that of the first is over, the second still waits."""
    await fill(redis_definitions, ID, OLD)
    async with proxy_to(redis_url) as (proxy, url), open_redis_link(url, 60) as link:
        cache = RedisDefinitionCache(link, 60, LATE)
        session = await link.session()
        session._loop = clock = HandTurnedLoop()
        for _ in range(3):
            proxy.stall()
            asking = asyncio.ensure_future(cache.get(ID))
            await asyncio.sleep(0)
            clock.turn(LATE * 0.6)
            assert not session.has_ended
            proxy.flow()
            assert await asking == OLD
        assert clock.rung > 0


async def test_callers_that_give_up_do_not_shift_the_answers_of_others(redis_url):
    """All share one connection, on which answers come in the order of the questions."""
    async with open_redis_cache(redis_url, 60, LATE) as cache:
        documents = {Ref(tenant_id=TENANT_ID, id=n): StoredDocument(n, None, 1, b"%d" % n) for n in range(50)}
        for ref, document in documents.items():
            await fill(cache, ref, document)
        calls = {ref: asyncio.ensure_future(cache.get(ref)) for ref in documents}
        await asyncio.sleep(0)
        for ref in list(calls)[::3]:
            calls.pop(ref).cancel()
        assert {ref: await call for ref, call in calls.items()} == {ref: documents[ref] for ref in calls}


@pytest.mark.skipif(PROGRAM is None, reason="needs a redis-server that keeps its data on a disk")
async def test_entries_that_redis_brings_back_from_its_disk_are_not_served(tmp_path):
    """A restart must not undo an invalidation; the server is readable again when its old entries have died."""
    with running_redis(tmp_path) as url:
        async with open_redis_cache(url, 60, LATE) as cache, redis.asyncio.Redis.from_url(url) as client:
            await fill(cache, ID, OLD)
            await client.save()
            await change(cache, ID)
        port = int(url.rpartition(":")[2].partition("/")[0])
    now = ManualTime()
    with running_redis(tmp_path, port):
        async with open_redis_link(url, 60) as link:
            link._monotonic = now
            cache = RedisDefinitionCache(link, 60, LATE, now, now.sleep)
            assert await miss(cache, ID) == Vacancy(ID)
            began = now.seconds
            await change(cache, ID)
            assert now.seconds == began  # a writer need not wait for a server that answers
            now.seconds += 61
            await fill(cache, ID, NEW)
            assert await cache.get(ID) == NEW


class Bus:
    """Carries notices between processes; `down` loses them and says so."""

    def __init__(self) -> None:
        self.caches: list[InProcessDefinitionCache] = []
        self.down = False

    async def announce(self, notice: Notice) -> bool:
        if not self.down:
            for cache in self.caches:
                cache.receive(decode(notice.encode()))
        return not self.down


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def processes(bus: Bus) -> list[InProcessDefinitionCache]:
    time = ManualTime()
    bus.caches = [InProcessDefinitionCache(60, bus.announce, time, time.sleep) for _ in range(2)]
    for cache in bus.caches:
        cache.set_listening(True)
    return bus.caches


async def test_processes_without_redis_tell_each_other_of_changes(processes):
    here, there = processes
    await fill(there, ID, OLD)
    slow = await miss(there, KEY)
    intent = await here.begin_write([ID, KEY])
    await there.put(slow, OLD)
    assert await miss(there, ID) == Vacancy(ID)
    assert await miss(there, KEY) == Vacancy(KEY)
    await here.invalidate(intent, [ID, KEY])
    await fill(there, ID, NEW)
    assert await there.get(ID) == NEW


@pytest.mark.parametrize("text", ["", "{", '["m",true,"Not a key!"]'])
def test_what_is_no_notice_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
        decode(text)


async def test_a_process_that_does_not_hear_the_others_serves_nothing(processes):
    here, _ = processes
    await fill(here, ID, OLD)
    slow = await miss(here, KEY)
    here.set_listening(False)
    await here.put(slow, OLD)
    assert await miss(here, ID) == Vacancy(ID)
    here.set_listening(True)
    await here.put(slow, OLD)
    await miss(here, KEY)
    await miss(here, ID)


async def test_a_change_that_cannot_be_told_waits_until_entries_elsewhere_have_died(bus, processes):
    here, there = processes
    await fill(there, ID, OLD)
    bus.down = True
    await change(here, ID)
    await miss(there, ID)


async def test_a_call_that_comes_after_the_end_opens_nothing(redis_url: str) -> None:
    async with open_redis_cache(redis_url, ttl_seconds=60, timeout_seconds=LATE) as cache:
        vacancy = await miss(cache, KEY)
    await cache.put(vacancy, OLD)
    assert await cache.get(KEY) is None
    assert [task for task in asyncio.all_tasks() if "redis link" in task.get_name()] == []
