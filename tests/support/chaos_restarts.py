"""Trouble of one kind: a database that restarts, and engines that are replaced one after the other."""

import asyncio
import re
import signal
import time
from collections.abc import Sequence
from itertools import count
from typing import Any

import grpc

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.chaos_callers import EXPECTED
from tests.support.chaos_house import House, Kept
from tests.support.chaos_tenants import StartKey
from tests.support.chaos_trouble import Trouble
from tests.support.chaos_verdict import attempts_cut_short
from tests.support.chaos_workflows import SIGNALLED

HINT = re.compile(r"watch it again after (\d+)$")
TRY_AGAIN_SECONDS = 0.2
STARTED = 3
"""The number of the last update of an execution that waits for its signal."""

Updates = list[pb.WorkflowExecutionUpdate]


class PostgresRestarts(Trouble):
    """PostgreSQL restarts `restarts` times, or without end, each time when `attempts` further attempts have run.

    Nothing else happens, so no process may end.
    """

    def __init__(self, house: House, attempts: int, restarts: int | None = None) -> None:
        super().__init__(house)
        self._attempts = attempts
        self._restarts = restarts

    async def rampage(self) -> None:
        for _ in count() if self._restarts is None else range(self._restarts):
            await self.house.ran(self._attempts)
            self.house.signal_postgres(signal.SIGINT)
            self.done["restart PostgreSQL"] += 1
        await self.house.ran(self._attempts)

    async def verdict(self) -> Sequence[str]:
        again = [f"a process was started {kept.starts} times" for kept in self.house.processes if kept.starts > 1]
        return [*self.wrong, *again]


class RollingRestarts(Trouble):
    """SIGTERM for one engine after the other, each once the one before is up again, `rounds` times.

    Before each, somebody watches an execution on the engine that is about to go, and then goes on watching on another.
    That no attempt is cut short is promised to engines that keep their lease: the house must give them a long one.
    """

    def __init__(self, house: House, rounds: int) -> None:
        super().__init__(house)
        self._rounds = rounds
        self._longest = 0.0

    def __str__(self) -> str:
        return f"{dict(self.done)}, each back within {self._longest:.1f} s"

    async def rampage(self) -> None:
        engines = self.house.engines
        for _ in range(self._rounds):
            for going, staying in zip(engines, (*engines[1:], engines[0]), strict=True):
                await self._replace(going, staying)
                self.done["engines replaced"] += 1

    async def verdict(self) -> Sequence[str]:
        wanted = self._rounds * len(self.house.engines)
        few = [] if self.done.total() == wanted else [f"only {self.done.total()} of {wanted} engines were replaced"]
        return [*self.wrong, *few, *await attempts_cut_short(self.house.database_url, self.house.traces)]

    async def _replace(self, going: Kept, staying: Kept) -> None:
        key = StartKey(self.house.tenants[0].name, f"watched-{self.done.total()}")
        call, before = await self._begin(going.server.stub, key.text)
        execution_id = self.accepted[key] = before[0].execution_id
        going.is_up.clear()
        asked = time.monotonic()
        going.kill(signal.SIGTERM, 0)
        rest = await self._go_on(staying.server.stub, execution_id, await self._told_where_to_go_on(call))
        self._compare(before, rest, await self._read(staying.server.stub, execution_id, 0))
        await going.is_up.wait()
        self._longest = max(self._longest, time.monotonic() - asked)
        if going.ends[-1] != 0:
            self.wrong.append(f"a terminated engine ended with {going.ends[-1]}")

    async def _begin(self, stub: Any, key: str) -> tuple[Any, Updates]:
        """An execution that waits for its signal, as far as it has come, and the stream that shows it."""
        request = pb.ExecuteWorkflowRequest(workflow_id=str(SIGNALLED.key), idempotency_key=key)
        while True:
            call = stub.ExecuteWorkflow(request)
            try:
                return call, [await call.read() for _ in range(STARTED)]
            except grpc.aio.AioRpcError as error:
                await _live_with(error)

    async def _told_where_to_go_on(self, call: Any) -> int:
        """How the stream ends: UNAVAILABLE, and from which number to watch again."""
        try:
            update = await call.read()
        except grpc.aio.AioRpcError as error:
            hint = HINT.search(error.details() or "")
            if error.code() is not grpc.StatusCode.UNAVAILABLE or not (hint or _is_overload(error)):
                self.wrong.append(f"a stream ended with {error.code().name}: {error.details()}")
            return int(hint[1]) if hint else STARTED
        self.wrong.append(f"the stream went on with {update} where the engine should have drained")
        return STARTED

    async def _go_on(self, stub: Any, execution_id: str, after: int) -> Updates:
        watching = asyncio.create_task(self._read(stub, execution_id, after))
        while True:
            try:
                await stub.SignalExecution(pb.SignalExecutionRequest(execution_id=execution_id, name="go"))
                return await watching
            except grpc.aio.AioRpcError as error:
                await _live_with(error)

    async def _read(self, stub: Any, execution_id: str, after: int) -> Updates:
        """All updates after that number."""
        updates: Updates = []
        while not updates or updates[-1].status != pb.COMPLETED:
            try:
                async for update in _watch(stub, execution_id, updates[-1].sequence if updates else after):
                    updates.append(update)
            except grpc.aio.AioRpcError as error:
                await _live_with(error)
        return updates

    def _compare(self, before: Updates, rest: Updates, whole: Updates) -> None:
        if [*before, *rest] != whole:
            numbers = [update.sequence for update in (*before, *rest)]
            self.wrong.append(f"{before[0].execution_id}: two streams gave {numbers}, the whole has {len(whole)}")


def _watch(stub: Any, execution_id: str, after: int) -> Any:
    return stub.WatchExecution(pb.WatchExecutionRequest(execution_id=execution_id, after_sequence=after))


def _is_overload(error: grpc.aio.AioRpcError) -> bool:
    """On a machine that is busy enough the database answers too late, restarts or not."""
    return error.code() in EXPECTED and "the database does not answer" in (error.details() or "")


async def _live_with(error: grpc.aio.AioRpcError) -> None:
    if not _is_overload(error):
        raise error
    await asyncio.sleep(TRY_AGAIN_SECONDS)
