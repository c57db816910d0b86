"""Several REST processes on one PostgreSQL and one Redis, each of which reaches Redis through a proxy of its own.

What makes a process here is what no two share: a service, a cache with its connection and clock, a pool. It dies
between commit and invalidation when it is told to: whoever called it never hears from it again.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis.asyncio

from app.adapters.cache.redis_cache import RedisDefinitionCache, open_redis_link
from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.sessions import create_engine
from app.adapters.embedded.child_processes import end
from app.adapters.system_clock import SystemClock
from app.definitions.rules import Rules
from app.definitions.service import DefinitionService
from tests.support.inline_evaluator import inline_evaluations
from tests.support.ports import free_port
from tests.support.redis_server import start_redis
from tests.support.tcp_proxy import TcpProxy, proxy_to

TTL_SECONDS = 0.4
TIMEOUT_SECONDS = 0.25
SLOW_FILL_SECONDS = 0.3


class AnyConfig:
    def config_problems(self, task, path="", tenant=""):
        return []


class MortalStore(PostgresDefinitionStore):
    """Some reads take their time on the way back; a doomed process gets no further than the commit of a change.

    way_back: what reads wait for after the database has returned, once it is cleared.
    has_read: set when a read waits for it.
    """

    def __init__(self, engine, rng: random.Random) -> None:
        super().__init__(engine, SystemClock().now)
        self._rng = rng
        self.doomed = False
        self.died = asyncio.Event()
        self.closed = False
        self.active = 0
        self.way_back = asyncio.Event()
        self.way_back.set()
        self.has_read = asyncio.Event()

    async def document(self, ref):
        found = await super().document(ref)
        self.has_read.set()
        await self.way_back.wait()
        if self._rng.random() < 0.05:
            await asyncio.sleep(self._rng.uniform(0, SLOW_FILL_SECONDS))
        return found

    async def create(self, act, draft):
        return await self._unless_doomed(super().create(act, draft))

    async def change(self, act, ref, edit, expected_revision=None):
        return await self._unless_doomed(super().change(act, ref, edit, expected_revision))

    async def delete(self, act, ref, expected_revision=None):
        return await self._unless_doomed(super().delete(act, ref, expected_revision))

    async def _unless_doomed(self, change: Coroutine[Any, Any, Any]) -> Any:
        result = await change
        if self.doomed:
            self.died.set()
        if self.died.is_set():
            await asyncio.Event().wait()
        return result

    @asynccontextmanager
    async def _reading(self):
        with self._active():
            async with super()._reading() as connection:
                yield connection

    @asynccontextmanager
    async def _writing(self, tenant_id):
        with self._active():
            async with super()._writing(tenant_id) as session:
                yield session

    @contextmanager
    def _active(self) -> Iterator[None]:
        if self.closed:
            raise ConnectionError("the process is dead")
        self.active += 1
        try:
            yield
        finally:
            self.active -= 1


@dataclass
class Process:
    service: DefinitionService
    store: MortalStore
    proxy: TcpProxy
    stack: AsyncExitStack
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    calls: set[asyncio.Future[Any]] = field(default_factory=set)

    async def call(self, work: Callable[[DefinitionService], Awaitable[Any]]) -> Any:
        """Raise `ConnectionError` when the process dies meanwhile, as a client would see it."""
        working = asyncio.ensure_future(work(self.service))
        self.calls.add(working)
        working.add_done_callback(self.calls.discard)
        dying = asyncio.ensure_future(self.store.died.wait())
        try:
            await asyncio.wait([working, dying], return_when=asyncio.FIRST_COMPLETED)
            if self.store.died.is_set():
                raise ConnectionError("the process is dead")
            return await working
        finally:
            dying.cancel()

    async def close(self) -> None:
        """A statement that is under way ends first, since a connection that is dropped in the middle makes noise."""
        for call in self.calls:
            call.add_done_callback(_ignore_outcome)
        self.store.closed = True
        while self.store.active:
            await asyncio.sleep(0.01)
        for call in list(self.calls):
            call.cancel()
        await asyncio.gather(*self.calls, return_exceptions=True)
        await self.stack.aclose()
        self.closed.set()


def _ignore_outcome(call: asyncio.Future[Any]) -> None:
    if not call.cancelled():
        call.exception()


@dataclass
class CacheHouse:
    database_url: str
    folder: Path
    rng: random.Random
    ttl_seconds: float = TTL_SECONDS
    timeout_seconds: float = TIMEOUT_SECONDS
    port: int = field(default_factory=free_port)
    processes: list[Process] = field(default_factory=list)
    hits: int = 0

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start_redis(self) -> None:
        self._server, _ = await asyncio.to_thread(start_redis, self.folder, self.port)

    def stop_redis(self) -> None:
        end(self._server)

    def signal_redis(self, number: signal.Signals) -> None:
        os.kill(self._server.pid, number)

    async def ask_redis(self, command: str) -> None:
        async with redis.asyncio.Redis.from_url(self.redis_url, socket_timeout=60) as client:
            await client.execute_command(command)

    async def start_process(self) -> Process:
        async with AsyncExitStack() as stack:
            proxy, url = await stack.enter_async_context(proxy_to(self.redis_url))
            link = await stack.enter_async_context(open_redis_link(url, self.ttl_seconds))
            engine = create_engine(self.database_url, 4)
            stack.push_async_callback(engine.dispose)
            offset = self.rng.uniform(-1e6, 1e6)
            seconds = self.ttl_seconds, self.timeout_seconds
            cache = RedisDefinitionCache(link, *seconds, lambda: time.monotonic() + offset)
            store = MortalStore(engine, self.rng)
            service = DefinitionService(store, cache, Rules(AnyConfig(), max_tasks=10), inline_evaluations())
            return Process(service, store, proxy, stack.pop_all())

    async def replace(self, process: Process) -> None:
        self.processes[self.processes.index(process)] = await self.start_process()
        self.hits += process.service.cache_statistics.hits
        await process.close()


@asynccontextmanager
async def cache_house(
    database_url: str, folder: Path, seed: int, size: int = 4, **seconds: float
) -> AsyncIterator[CacheHouse]:
    """`seconds`: the `ttl_seconds` and `timeout_seconds` of all processes."""
    house = CacheHouse(database_url, folder, random.Random(seed), **seconds)
    await house.start_redis()
    try:
        house.processes = [await house.start_process() for _ in range(size)]
        yield house
    finally:
        for process in house.processes:
            await process.close()
        house.stop_redis()
