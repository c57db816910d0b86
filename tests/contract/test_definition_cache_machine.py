"""Any order of steps of any readers and writers: no read is older than what was acknowledged before it began.

Each step is one call of the port, or of the store behind it, so readers fill in as late, and writers die as early, as
they possibly can. As long as nothing is lost, the write intent of a dead writer even hides what was there before its
commit.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
import redis.asyncio
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule, run_state_machine_as_test

from app.adapters.cache.in_process import InProcessDefinitionCache
from app.adapters.cache.redis_cache import open_redis_cache
from app.definitions.ports import DefinitionCache, StoredDocument, Vacancy, WriteIntent
from app.domain.refs import Ref
from tests.support.tenant import TENANT_ID

PROCESSES = 3
SETTINGS = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)

processes = st.integers(0, PROCESSES - 1)
refs = st.just(Ref(tenant_id=TENANT_ID, id=7))


class Caches:
    """A cache per process."""

    each: list[DefinitionCache]

    async def lose(self, process: int) -> None:
        """What the cache of this process may forget, it forgets."""
        raise NotImplementedError


class RedisCaches(Caches):
    def __init__(self, url: str, each: list[DefinitionCache]) -> None:
        self.each = each
        self._url = url

    async def lose(self, process: int) -> None:
        async with redis.asyncio.Redis.from_url(self._url) as client:
            await client.flushall()


class InProcessCaches(Caches):
    """They receive each other's notices at once, except the one that is `deaf`."""

    def __init__(self) -> None:
        self.each = [InProcessDefinitionCache(60, self._announce) for _ in range(PROCESSES)]
        for cache in self.each:
            cache.set_listening(True)
        self._deaf: InProcessDefinitionCache | None = None

    async def lose(self, process: int) -> None:
        """One process loses its notifications, or the one that did has them again."""
        if self._deaf is None:
            self._deaf = self.each[process]
            self._deaf.set_listening(False)
        else:
            self._deaf.set_listening(True)
            self._deaf = None

    async def _announce(self, notice) -> bool:
        for cache in self.each:
            if cache is not self._deaf:
                cache.receive(notice)
        return True


@dataclass
class Reader:
    cache: DefinitionCache
    vacancy: Vacancy
    found: StoredDocument | None = None


@dataclass
class Writer:
    """`committed` is the revision that its change made, 0 before. One that never finishes has died."""

    cache: DefinitionCache
    intent: WriteIntent
    ref: Ref
    committed: int = 0


class CacheMachine(RuleBasedStateMachine):
    """The store is a revision under each ref."""

    readers = Bundle("readers")
    writers = Bundle("writers")
    opened: Callable[[], AbstractAsyncContextManager[Caches]]
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.stored = {Ref(tenant_id=TENANT_ID, id=7): 1}
        self.acknowledged = dict(self.stored)
        self.has_lost = False
        self.stack = AsyncExitStack()
        self.caches = self.run(self.stack.enter_async_context(type(self).opened()))

    def run(self, awaitable):
        async def awaited():
            return await awaitable

        return self.runner.run(awaited())

    def teardown(self) -> None:
        self.run(self.stack.aclose())

    @rule(target=readers, process=processes, ref=refs)
    def read(self, process: int, ref: Ref):
        cache = self.caches.each[process]
        found = self.run(cache.get(ref)) or self.run(cache.reserve(ref))
        if isinstance(found, Vacancy):
            return Reader(cache, found)
        assert found.revision >= (self.acknowledged if self.has_lost else self.stored)[ref]
        return multiple()

    @rule(reader=readers)
    def load(self, reader: Reader) -> None:
        reader.found = StoredDocument(7, None, self.stored[reader.vacancy.ref], b"{}")

    @rule(reader=consumes(readers))
    def fill(self, reader: Reader) -> None:
        if reader.found is None:
            self.load(reader)
        self.run(reader.cache.put(reader.vacancy, reader.found))

    @rule(process=processes, ref=refs)
    def change(self, process: int, ref: Ref) -> None:
        writer = self.begin(process, ref)
        self.commit(writer)
        self.finish(writer)

    @rule(target=writers, process=processes, ref=refs)
    def begin(self, process: int, ref: Ref) -> Writer:
        cache = self.caches.each[process]
        return Writer(cache, self.run(cache.begin_write([ref])), ref)

    @rule(writer=writers)
    def commit(self, writer: Writer) -> None:
        if not writer.committed:
            self.stored[writer.ref] += 1
            writer.committed = self.stored[writer.ref]

    @rule(writer=consumes(writers))
    def finish(self, writer: Writer) -> None:
        if writer.committed:
            self.run(writer.cache.invalidate(writer.intent, [writer.ref]))
            self.acknowledged[writer.ref] = max(self.acknowledged[writer.ref], writer.committed)
        else:
            self.run(writer.cache.release(writer.intent))

    @rule(process=processes, chance=st.integers(1, 8))
    def lose(self, process: int, chance: int) -> None:
        if chance == 1:
            self.has_lost = True
            self.run(self.caches.lose(process))


@asynccontextmanager
async def in_redis(url: str) -> AsyncIterator[Caches]:
    async with AsyncExitStack() as stack:
        async with redis.asyncio.Redis.from_url(url) as client:
            await client.flushall()
        each = [await stack.enter_async_context(open_redis_cache(url, 60, 5)) for _ in range(PROCESSES)]
        yield RedisCaches(url, each)


@asynccontextmanager
async def in_processes(_: str) -> AsyncIterator[Caches]:
    yield InProcessCaches()


@pytest.mark.slow
@pytest.mark.parametrize("opened", [in_redis, in_processes])
def test_no_order_of_steps_makes_a_read_stale(redis_url, opened):
    run_machine(lambda: opened(redis_url))


class Careless(InProcessDefinitionCache):
    """Takes whatever is filled in."""

    async def put(self, vacancy, content):
        current = await self.reserve(vacancy.ref)
        await super().put(current if isinstance(current, Vacancy) else vacancy, content)


@pytest.mark.slow
def test_the_machine_finds_a_cache_that_takes_whatever_is_filled_in():
    @asynccontextmanager
    async def careless() -> AsyncIterator[Caches]:
        caches = InProcessCaches()
        caches.each = [Careless(60)] * PROCESSES
        yield caches

    with pytest.raises(AssertionError):
        run_machine(careless, settings(SETTINGS, phases=[Phase.generate], max_examples=1000))


def run_machine(opened: Callable[[], AbstractAsyncContextManager[Caches]], chosen: settings = SETTINGS) -> None:
    with asyncio.Runner() as runner:
        machine = type("Machine", (CacheMachine,), {"runner": runner, "opened": staticmethod(opened)})
        run_state_machine_as_test(machine, settings=chosen)
