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
from app.engine.deciding.state import ExecutionState, fold
from app.engine.planning.plan import Plan
from app.engine.planning.plans import Plans
from app.engine.ports import (
    COMMANDS,
    NEW_COMMANDS,
    NEW_WORK,
    Claim,
    ControlCommand,
    Opening,
    Ownership,
    Signals,
    StoreUnreachable,
)
from app.engine.running.collaborators import Collaborators
from app.engine.running.lease import Lease
from app.engine.running.limits import Limits
from app.engine.running.run import Run
from app.engine.waking import Bell

log = structlog.get_logger(__name__)

CLAIMED_AT_ONCE = 100
STRAY_PAUSE_SECONDS = 10.0
"""How long an execution that this engine could not go on with is left alone before any engine tries again."""


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
        self,
        ownership: Ownership,
        plans: Plans,
        shared: Collaborators,
        limits: Limits,
        signals: Signals,
        options: EngineOptions,
    ) -> None:
        self._ownership = ownership
        self._plans = plans
        self._shared = shared
        self._limits = limits
        self._options = options
        self._runs: dict[UUID, Run] = {}
        self._accepting = False
        self._astray = False
        self._expected = 0
        self._look_again_at = 0.0
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
        return self._accepting and self._lease.engine_id is not None and self._room > 0

    @property
    def _room(self) -> int:
        """For further executions, beside those that are just being claimed."""
        return self._options.max_executions + self._shared.attempts.following - self.running - self._expected

    async def start(self) -> None:
        """Raise `StoreUnreachable` when the database does not answer."""
        await self._lease.acquire()
        self._accepting = True
        self._spawn(self._lease.keep(), "lease")
        self._spawn(self._claim_for_ever(), "claims")
        self._spawn(self._obey_for_ever(), "commands")

    async def open(self, execution: Execution, plan: Plan, opening: Opening) -> ExecutionStatus | None:
        """Begin a new execution here; its status once it is stored.

        None when the opening's conditions do not hold, or when this engine has lost its place before it could tell.
        """
        await self._shared.recorder.room()
        if not self.has_room:
            return None
        landed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        run = Run(execution, ExecutionState(plan), self._shared, self._limits, self._forget)
        run.open(opening, partial(_answer, landed))
        self._runs[run.id] = run
        status = run.state.status
        return status if await landed else None

    def held(self, execution_id: UUID) -> tuple[Execution, int] | None:
        """An execution that this engine runs, and the number of its last stored event; None for any other."""
        run = self._runs.get(execution_id)
        return None if run is None or run.is_lost or run.committed == 0 else (run.execution, run.committed)

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
        self._shared.recorder.start(engine_id, self._loop_ended)
        self._work.ring()

    def _drop_all(self) -> None:
        for run in list(self._runs.values()):
            run.abandon()

    def _forget(self, run: Run) -> None:
        """The execution may have been lost and claimed again meanwhile; then another run has its place."""
        if self._runs.get(run.id) is run:
            del self._runs[run.id]
            if self.running == self._options.max_executions - 1:
                self._work.ring()
        self._astray = self._astray or run.is_lost
        if not run.is_busy:
            self._idle.ring()

    # Claims

    async def _claim_for_ever(self) -> None:
        while True:
            if await self._claim() < CLAIMED_AT_ONCE:
                await self._work.wait(self._options.poll_seconds)

    async def _claim(self) -> int:
        """Take and continue what is due; answer how much that was."""
        engine_id = self._lease.engine_id
        if engine_id is None:
            return 0
        try:
            await self._give_back_strays(engine_id)
            await self._shared.recorder.room()
            if not self.has_room:
                return 0
            self._expected = min(self._room, CLAIMED_AT_ONCE)
            claims = await self._ownership.claim(engine_id, self._expected)
            commands = await self._known_commands(engine_id) if claims else ()
            for claim in claims:
                await self._resume(claim, [c for c in commands if c.execution_id == claim.execution.id], engine_id)
        except StoreUnreachable as error:
            log.warning("claim_failed", reason=str(error))
            self._astray = True
            return 0
        finally:
            self._expected = 0
        return len(claims)

    async def _resume(self, claim: Claim, commands: Sequence[ControlCommand], engine_id: int) -> None:
        execution = claim.execution
        try:
            plan = await self._plans.get(execution.workflow_id, execution.revision)
            if self._lease.engine_id != engine_id or not self._accepting:
                return
            run = Run(execution, _state(plan, claim), self._shared, self._limits, self._forget)
        except StoreUnreachable:
            raise
        except Exception:
            log.exception("execution_cannot_be_continued", execution_id=str(execution.id))
            self._astray = True
        else:
            self._runs[run.id] = run
            run.resume(commands)

    async def _give_back_strays(self, engine_id: int) -> None:
        """Free what is this engine's in the database only: claims that were not answered or could not be continued,
        and runs that were dropped. Nobody would ever go on with them.

        Looks at times without being asked: a claim may land long after it was given up.
        """
        now = asyncio.get_running_loop().time()
        if self._astray or now >= self._look_again_at:
            self._astray = False
            self._look_again_at = now + self._options.lease_seconds
            owned = await self._ownership.owned(engine_id)
            strays = [execution_id for execution_id in owned if execution_id not in self._runs]
            if strays:
                log.warning("executions_given_back", executions=len(strays), for_seconds=STRAY_PAUSE_SECONDS)
                await self._ownership.give_back(engine_id, strays, STRAY_PAUSE_SECONDS)

    # Commands

    async def _obey_for_ever(self) -> None:
        while True:
            await self._commands.wait(self._options.poll_seconds)
            engine_id = self._lease.engine_id
            if engine_id is None or not self._runs:
                continue
            try:
                self._obey(await self._known_commands(engine_id))
            except StoreUnreachable as error:
                log.warning("commands_not_read", reason=str(error))

    async def _known_commands(self, engine_id: int) -> Sequence[ControlCommand]:
        """Others stay, for an engine that is newer than this one."""
        return [command for command in await self._ownership.commands(engine_id) if command.type in COMMANDS]

    def _obey(self, commands: Sequence[ControlCommand]) -> None:
        by_run: dict[UUID, list[ControlCommand]] = {}
        for command in commands:
            by_run.setdefault(command.execution_id, []).append(command)
        for execution_id, waiting in by_run.items():
            if (run := self._runs.get(execution_id)) is not None:
                run.apply_commands(waiting)

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
                await self._shared.recorder.drain()
                handed_over = self.running
                await self._lease.release()
                log.info("engine_stopped", handed_over=handed_over)
        except (TimeoutError, StoreUnreachable) as error:
            log.warning("engine_stopped_without_database", reason=str(error))
        finally:
            self._drop_all()
            await self._shared.recorder.stop()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._loop_ended)
        self._loops.append(task)

    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self.failure.done():
            log.critical("engine_loop_died", loop=task.get_name(), exc_info=error)
            self.failure.set_exception(error)


def _state(plan: Plan | None, claim: Claim) -> ExecutionState:
    if plan is None:
        raise LookupError(f"workflow {claim.execution.workflow_id} has no revision {claim.execution.revision}")
    return fold(plan, claim.events)


def _answer(landed: asyncio.Future[bool], arrived: bool) -> None:
    """The caller may have gone away meanwhile; the execution goes on."""
    if not landed.done():
        landed.set_result(arrived)
