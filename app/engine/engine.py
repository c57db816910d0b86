"""The engine of one process: owns a lease, claims executions, runs them, and stops in order.

Stop order: refuse new work, let running attempts end until the deadline, cancel the rest, drain the recorder, give the
lease back. What did not end is continued by whichever engine claims it next.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from app.domain.executions import Execution
from app.domain.states import ExecutionStatus
from app.engine.lease import Lease
from app.engine.plan import Plan, Plans
from app.engine.ports import (
    NEW_COMMANDS,
    NEW_WORK,
    Claim,
    ControlCommand,
    Opening,
    Ownership,
    Signals,
    StoreUnreachable,
)
from app.engine.runner import Run, Tools
from app.engine.state import ExecutionState, IllegalHistory, fold
from app.engine.waking import Bell

log = structlog.get_logger(__name__)

CLAIMED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Relations between these are checked by the settings that they come from."""

    name: str
    max_executions: int = 1_000
    lease_seconds: float = 10.0
    renew_seconds: float = 2.0
    poll_seconds: float = 0.5


class Engine:
    """`failure` is set when a background loop dies of a defect: the process must not go on without it."""

    def __init__(
        self, ownership: Ownership, plans: Plans, tools: Tools, signals: Signals, options: EngineOptions
    ) -> None:
        self._ownership = ownership
        self._plans = plans
        self._tools = tools
        self._options = options
        self._runs: dict[UUID, Run] = {}
        self._accepting = False
        self._work = Bell()
        self._commands = Bell()
        self._idle = Bell()
        self._loops: list[asyncio.Task[None]] = []
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lease = Lease(
            ownership, options.name, options.lease_seconds, options.renew_seconds, self._begin, self._drop_all
        )
        signals.subscribe(NEW_WORK, lambda _: self._work.ring())
        signals.subscribe(NEW_COMMANDS, lambda _: self._commands.ring())

    @property
    def running(self) -> int:
        """How many executions this engine holds."""
        return len(self._runs)

    @property
    def has_room(self) -> bool:
        return self._accepting and self._lease.engine_id is not None and self.running < self._options.max_executions

    async def start(self) -> None:
        """Raise `StoreUnreachable` when the database does not answer."""
        await self._lease.acquire()
        self._accepting = True
        self._spawn(self._lease.keep(), "lease")
        self._spawn(self._claim_for_ever(), "claims")
        self._spawn(self._obey_for_ever(), "commands")

    async def open(self, execution: Execution, plan: Plan, opening: Opening) -> ExecutionStatus | None:
        """Begin a new execution here; its status once stored, None when the opening's conditions do not hold."""
        await self._tools.recorder.room()
        landed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        run = Run(execution, ExecutionState(plan), self._tools, self._forget)
        self._runs[run.id] = run
        run.open(opening, partial(_answer, landed))
        status = run.state.status
        return status if await landed else None

    async def stop(self, deadline_seconds: float) -> None:
        """Hand over within about `deadline_seconds`; harmless when repeated."""
        if not self._accepting:
            return
        self._accepting = False
        for run in self._runs.values():
            run.drain()
        await self._let_attempts_end(deadline_seconds)
        for run in list(self._runs.values()):
            run.stop_attempts()
        await self._end_loops()
        await self._hand_over()

    # Lease

    def _begin(self, engine_id: int) -> None:
        self._tools.recorder.start(engine_id)
        self._work.ring()

    def _drop_all(self) -> None:
        for run in list(self._runs.values()):
            run.abandon()
        self._runs.clear()

    def _forget(self, run: Run) -> None:
        if self._runs.pop(run.id, None) is not None and self.running == self._options.max_executions - 1:
            self._work.ring()
        if not run.is_busy:
            self._idle.ring()

    # Claims

    async def _claim_for_ever(self) -> None:
        while True:
            claimed = await self._claim() if self.has_room else 0
            if claimed < CLAIMED_AT_ONCE:
                await self._work.wait(self._options.poll_seconds)

    async def _claim(self) -> int:
        engine_id = self._lease.engine_id
        if engine_id is None:
            return 0
        room = min(self._options.max_executions - self.running, CLAIMED_AT_ONCE)
        try:
            await self._tools.recorder.room()
            claims = await self._ownership.claim(engine_id, room)
            commands = await self._ownership.commands(engine_id) if claims else ()
            for claim in claims:
                await self._resume(claim, [c for c in commands if c.execution_id == claim.execution.id], engine_id)
        except StoreUnreachable as error:
            log.warning("claim_failed", reason=str(error))
            return 0
        return len(claims)

    async def _resume(self, claim: Claim, commands: Sequence[ControlCommand], engine_id: int) -> None:
        execution = claim.execution
        plan = await self._plans.get(execution.workflow_id, execution.revision)
        if self._lease.engine_id != engine_id or not self._accepting:
            return
        if plan is None:
            log.error("revision_missing", execution_id=str(execution.id), revision=execution.revision)
            return
        try:
            state = fold(plan, claim.events)
        except (IllegalHistory, KeyError, ValueError) as error:
            log.exception("history_cannot_be_continued", execution_id=str(execution.id), reason=repr(error))
            return
        run = Run(execution, state, self._tools, self._forget)
        self._runs[run.id] = run
        run.resume(commands)

    # Commands

    async def _obey_for_ever(self) -> None:
        while True:
            await self._commands.wait(self._options.poll_seconds)
            engine_id = self._lease.engine_id
            if engine_id is None or not self._runs:
                continue
            try:
                self._obey(await self._ownership.commands(engine_id))
            except StoreUnreachable as error:
                log.warning("commands_not_read", reason=str(error))

    def _obey(self, commands: Sequence[ControlCommand]) -> None:
        by_run: dict[UUID, list[ControlCommand]] = {}
        for command in commands:
            by_run.setdefault(command.execution_id, []).append(command)
        for execution_id, waiting in by_run.items():
            if (run := self._runs.get(execution_id)) is not None:
                run.obey(waiting)

    # Stopping

    async def _let_attempts_end(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while any(run.is_busy for run in self._runs.values()):
                    await self._idle.wait(0.1)
        except TimeoutError:
            busy = sum(run.is_busy for run in self._runs.values())
            log.warning("attempts_cut_short", executions=busy, after_seconds=seconds)

    async def _end_loops(self) -> None:
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self._loops.clear()

    async def _hand_over(self) -> None:
        """Bounded: a database that is gone must not keep the process from ending."""
        try:
            async with asyncio.timeout(self._options.lease_seconds):
                await self._tools.recorder.drain()
                handed_over = self.running
                await self._lease.release()
                log.info("engine_stopped", handed_over=handed_over)
        except (TimeoutError, StoreUnreachable) as error:
            log.warning("engine_stopped_without_database", reason=str(error))
        self._drop_all()
        await self._tools.recorder.stop()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._loop_ended)
        self._loops.append(task)

    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self.failure.done():
            log.critical("engine_loop_died", loop=task.get_name(), exc_info=error)
            self.failure.set_exception(error)


def _answer(landed: asyncio.Future[bool], arrived: bool) -> None:
    """The caller may have gone away meanwhile; the execution goes on."""
    if not landed.done():
        landed.set_result(arrived)
