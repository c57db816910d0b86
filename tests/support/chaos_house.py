"""The service that is attacked: PostgreSQL and Redis of its own, and engines and REST processes that reach them through
proxies of their own. Three tenants have the same workflows."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from app.adapters.database.migrations import migrate
from app.adapters.database.walls.providing import provide_walls
from app.adapters.embedded import open_storage
from app.adapters.embedded.logins import ROUNDS, password_of
from tests.support.chaos_tenants import ENVIRONMENT, ChaosTenant, settle
from tests.support.chaos_workflows import EDITED, SIGNALLED, WORKFLOWS
from tests.support.databases import answers_again
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.redis_process import RedisProcess
from tests.support.rest_server_process import RestServerProcess
from tests.support.server_process import ServerProcess
from tests.support.tcp_proxy import TcpProxy, proxy_to
from tests.support.tenant import add_tenant

ENGINES, RESTS, REDIS = "engine to PostgreSQL", "REST to PostgreSQL", "REST to Redis"
START_AGAIN_SECONDS = 0.2
REST_POOL_SIZE = 4
CACHE_TTL_SECONDS = 2.0
PATIENCE_SECONDS = 240.0
"""More than any process needs to come up on a busy machine."""
POLL_SECONDS = 0.1
LOG_LINES = 40


@dataclass
class Kept:
    """A process that is started again whenever it ends.

    deaths: the exit codes of ends that nobody caused.
    refusal: why the latest start failed; None when it did not.
    """

    server: ServerProcess
    rest_seconds: float = START_AGAIN_SECONDS
    was_told_to_end: bool = False
    starts: int = 0
    refusal: BaseException | None = None
    is_up: asyncio.Event = field(default_factory=asyncio.Event)
    deaths: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def kill(self, number: signal.Signals, rest_seconds: float) -> None:
        self.was_told_to_end, self.rest_seconds = True, rest_seconds
        self.server.send(number)

    async def keep_up(self) -> None:
        while True:
            await self._start()
            self.is_up.set()
            code = await self.server.ended()
            self.is_up.clear()
            self.ends.append(code)
            if not self.was_told_to_end:
                self.deaths.append(code)
            await asyncio.sleep(self.rest_seconds)

    async def _start(self) -> None:
        """Again and again: without its database a server does not start."""
        while True:
            self.was_told_to_end, self.starts = False, self.starts + 1
            try:
                await self.server.start()
            except (AssertionError, TimeoutError) as refusal:
                self.refusal = refusal
                self.server.send(signal.SIGKILL)
                await asyncio.sleep(START_AGAIN_SECONDS)
            else:
                self.refusal = None
                return


@dataclass
class House:
    """`ways` are the proxies by what they connect, one for each process."""

    database_url: str
    folder: Path
    tenants: Sequence[ChaosTenant]
    redis: Kept
    engines: list[Kept] = field(default_factory=list)
    rests: list[Kept] = field(default_factory=list)
    ways: dict[str, list[TcpProxy]] = field(default_factory=lambda: {ENGINES: [], RESTS: [], REDIS: []})

    @property
    def processes(self) -> Sequence[Kept]:
        return [kept for kind in self.kinds.values() for kept in kind]

    @property
    def kinds(self) -> Mapping[str, Sequence[Kept]]:
        return {"engine": self.engines, "REST": self.rests, "Redis": [self.redis]}

    @property
    def traces(self) -> Path:
        return self.folder / "traces"

    def signal_postgres(self, number: signal.Signals) -> None:
        """Whoever holds the database open starts it again."""
        with suppress(FileNotFoundError, ProcessLookupError, ValueError, IndexError):
            os.kill(int((self.folder / "database/postgres/postmaster.pid").read_text().splitlines()[0]), number)

    async def ran(self, attempts: int) -> None:
        """Return when so many further attempts have run."""
        wanted = self._attempts() + attempts
        while self._attempts() < wanted:
            await asyncio.sleep(POLL_SECONDS)

    def _attempts(self) -> int:
        return self.traces.read_bytes().count(b"\n")

    async def heal(self) -> None:
        """Everything runs and everything is connected again."""
        for process in self.processes:
            process.server.send(signal.SIGCONT)
        for proxy in [proxy for ways in self.ways.values() for proxy in ways]:
            proxy.flow()
            proxy.delay_seconds = 0
            await proxy.vanish()
            await proxy.start()
        await answers_again(self.database_url, PATIENCE_SECONDS)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                for process in self.processes:
                    await process.is_up.wait()
        except TimeoutError as late:
            raise AssertionError("\n".join(self._not_up())) from late

    def _not_up(self) -> Sequence[str]:
        return [
            f"a {kind} process on port {kept.server.port} is not up after {kept.starts} starts: {kept.refusal!r}; "
            f"its log ends with\n{kept.server.log_tail(LOG_LINES)}"
            for kind, processes in self.kinds.items()
            for kept in processes
            if not kept.is_up.is_set()
        ]


@asynccontextmanager
async def open_house(
    folder: Path, lease_seconds: float, shutdown_seconds: float, engines: int, rests: int
) -> AsyncIterator[House]:
    leases = {
        "ENGINE_LEASE_SECONDS": str(lease_seconds),
        "ENGINE_RENEW_SECONDS": str(lease_seconds / 4),
        # All engines are killed again and again; no task is the reason.
        "ENGINE_MAX_LOST_ATTEMPTS": "1000",
        "SHUTDOWN_SECONDS": str(shutdown_seconds),
    }
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(open_storage(f"file:{folder / 'database'}"))
        await migrate(url)
        await provide_walls(url, partial(password_of, url), ROUNDS)
        await add_tenant(url)
        tenants = await settle(url, (*WORKFLOWS, SIGNALLED, *EDITED))
        house = House(url, folder, tenants, _kept(stack, RedisProcess(folder / "redis.log")))
        house.traces.touch()
        for number in range(engines):
            house.engines.append(await _engine(stack, house, folder / f"engine-{number}.log", leases))
        for number in range(rests):
            house.rests.append(await _rest(stack, house, folder / f"rest-{number}.log"))
        async with asyncio.TaskGroup() as keepers:
            tasks = [keepers.create_task(process.keep_up()) for process in house.processes]
            try:
                yield house
            finally:
                for task in tasks:
                    task.cancel()


async def _engine(stack: AsyncExitStack, house: House, log: Path, leases: Mapping[str, str]) -> Kept:
    server = GrpcServerProcess(
        await _way(stack, house.database_url, house.ways[ENGINES]),
        log,
        key=house.tenants[0].credential,
        CHAOS_TRACES=str(house.traces),
        ENGINE_PARK_SECONDS="1",
        LOG_LEVEL="warning",
        **ENVIRONMENT,
        **leases,
    )
    return _kept(stack, server)


async def _rest(stack: AsyncExitStack, house: House, log: Path) -> Kept:
    server = RestServerProcess(
        await _way(stack, house.database_url, house.ways[RESTS]),
        await _way(stack, f"redis://127.0.0.1:{house.redis.server.port}/0", house.ways[REDIS]),
        log,
        DATABASE_POOL_SIZE=str(REST_POOL_SIZE),
        CACHE_TTL_SECONDS=str(CACHE_TTL_SECONDS),
        SHUTDOWN_SECONDS="2",
        LOG_LEVEL="warning",
        **ENVIRONMENT,
    )
    return _kept(stack, server)


async def _way(stack: AsyncExitStack, url: str, ways: list[TcpProxy]) -> str:
    """`url` through a proxy of its own, which is added to `ways`."""
    proxy, through = await stack.enter_async_context(proxy_to(url))
    ways.append(proxy)
    return through


def _kept(stack: AsyncExitStack, server: ServerProcess) -> Kept:
    stack.push_async_callback(server.close)
    return Kept(server)
