"""The service that is attacked: PostgreSQL of its own, and engines that each reach it through a proxy of their own."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.adapters.database.migrations import migrate
from app.adapters.embedded import open_storage
from app.domain.definitions import RetryPolicy
from tests.support.databases import answers_again
from tests.support.engine_process import parallel, store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.tcp_proxy import TcpProxy, proxy_to

ENGINES = 3
START_AGAIN_SECONDS = 0.2
QUICK = RetryPolicy(max_attempts=3, initial_interval_seconds=0.05)


def _python(function: str, **arguments: object) -> dict[str, object]:
    return {"function": f"chaos.{function}", "arguments": arguments}


WORKFLOWS = (
    workflow(
        "chaos-mixed",
        (
            sync("a", 1, "python", config=_python("in_thread", seconds=0.01)),
            sync("b", 1),
            parallel("c", 2, "python", config=_python("in_loop", seconds=0.1)),
            parallel("d", 2, "delay", config={"seconds": 0.2}),
            sync("e", 3, "python", config=_python("in_loop")),
        ),
    ),
    workflow(
        "chaos-flaky",
        (
            sync("a", 1, "python", config=_python("fails_at_first"), retry=QUICK),
            sync("b", 2, "python", config=_python("in_thread")),
        ),
    ),
    workflow(
        "chaos-failing",
        (
            parallel("a", 1, "python", config=_python("fails"), retry=QUICK),
            parallel("b", 1, "delay", config={"seconds": 5}),
            sync("never", 2, "python", config=_python("in_loop")),
        ),
    ),
    workflow(
        "chaos-slow",
        (
            sync("a", 1, "delay", config={"seconds": 2}),
            sync("b", 2, "python", config=_python("in_loop", seconds=0.5)),
        ),
    ),
)

SIGNALLED = "chaos-signalled"
"""The key of a workflow that waits until it gets the signal `go`."""


@dataclass
class Engine:
    """One engine process, started again whenever it ends. `deaths` are ends that nobody caused."""

    server: GrpcServerProcess
    proxy: TcpProxy
    rest_seconds: float = START_AGAIN_SECONDS
    was_told_to_end: bool = False
    starts: int = 0
    is_up: asyncio.Event = field(default_factory=asyncio.Event)
    deaths: list[int] = field(default_factory=list)

    def kill(self, number: signal.Signals, rest_seconds: float) -> None:
        self.was_told_to_end, self.rest_seconds = True, rest_seconds
        self.server.send(number)

    async def keep_up(self) -> None:
        while True:
            await self._start()
            self.is_up.set()
            code = await self.server.ended()
            self.is_up.clear()
            if not self.was_told_to_end:
                self.deaths.append(code)
            await asyncio.sleep(self.rest_seconds)

    async def _start(self) -> None:
        """Again and again: without its database a server does not start."""
        while True:
            self.was_told_to_end, self.starts = False, self.starts + 1
            try:
                await self.server.start()
            except (AssertionError, TimeoutError):
                self.server.send(signal.SIGKILL)
                await asyncio.sleep(START_AGAIN_SECONDS)
            else:
                return


@dataclass
class House:
    database_url: str
    folder: Path
    engines: list[Engine]
    traces: Path

    def signal_postgres(self, number: signal.Signals) -> None:
        """Whoever holds the database open starts it again."""
        with suppress(FileNotFoundError, ProcessLookupError, ValueError, IndexError):
            os.kill(int((self.folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]), number)

    async def heal(self, seconds: float) -> None:
        """Everything runs and everything is connected again."""
        for engine in self.engines:
            engine.server.send(signal.SIGCONT)
            engine.proxy.flow()
            engine.proxy.delay_seconds = 0
            await engine.proxy.vanish()
            await engine.proxy.start()
        await answers_again(self.database_url, seconds)
        async with asyncio.timeout(seconds):
            for engine in self.engines:
                await engine.is_up.wait()


@asynccontextmanager
async def open_house(folder: Path, lease_seconds: float) -> AsyncIterator[House]:
    data = folder / "database"
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(open_storage(f"file:{data}"))
        await migrate(url)
        waiting = sync("a", 1, "signal", config={"name": "go"})
        last = sync("b", 2, "python", config=_python("in_loop"))
        for draft in (*WORKFLOWS, workflow(SIGNALLED, (waiting, last))):
            await store_workflow(url, draft)
        house = House(url, data, [], folder / "traces")
        house.traces.touch()
        for number in range(ENGINES):
            house.engines.append(await _engine(stack, house, folder / f"engine-{number}.log", lease_seconds))
        async with asyncio.TaskGroup() as keepers:
            tasks = [keepers.create_task(engine.keep_up()) for engine in house.engines]
            try:
                yield house
            finally:
                for task in tasks:
                    task.cancel()


async def _engine(stack: AsyncExitStack, house: House, log: Path, lease_seconds: float) -> Engine:
    proxy, url = await stack.enter_async_context(proxy_to(house.database_url))
    server = GrpcServerProcess(
        url,
        log,
        PYTHON_MODULES="tests.support.chaos_tasks",
        CHAOS_TRACES=str(house.traces),
        ENGINE_LEASE_SECONDS=str(lease_seconds),
        ENGINE_RENEW_SECONDS=str(lease_seconds / 4),
        ENGINE_PARK_SECONDS="1",
        SHUTDOWN_SECONDS="2",
        LOG_LEVEL="warning",
    )
    stack.push_async_callback(server.close)
    return Engine(server, proxy)
