"""The engine of one process: owns a lease, runs executions, and stops in order.

Stop order: refuse new work, let running attempts end until the deadline, cancel the rest, drain the recorder, give the
lease back. What did not end is continued by the engine that claims it next.
"""

import asyncio
from functools import partial
from uuid import UUID

import structlog

from app.background.loop import OnDefect
from app.background.wake_up import WakeUp
from app.domain.engines import EngineLoad
from app.domain.executions import Execution
from app.domain.shares import Group
from app.domain.states import ExecutionStatus
from app.engine.deciding.state import ExecutionState
from app.engine.planning.plan import Plan
from app.engine.planning.plans import Plans
from app.engine.ports import NEW_COMMANDS, NEW_WORK, Opening, Signals, StoreUnreachable
from app.engine.running.claiming import Claiming
from app.engine.running.collaborators import Collaborators
from app.engine.running.command_delivery import CommandDelivery
from app.engine.running.held_runs import HeldRuns
from app.engine.running.lease import Lease
from app.engine.running.limits import Limits
from app.engine.running.options import EngineOptions
from app.engine.running.places import Places
from app.engine.running.ports import Ownership, RunningLimits
from app.engine.running.run import Run

log = structlog.get_logger(__name__)


class Engine:
    """Three loops beside the recorder's: one keeps the lease, one claims executions, one delivers commands.

    running_limits: how many executions tenants may run at once; None when no tenant is limited.
    """

    def __init__(
        self,
        ownership: Ownership,
        plans: Plans,
        shared: Collaborators,
        limits: Limits,
        signals: Signals,
        options: EngineOptions,
        running_limits: RunningLimits | None = None,
    ) -> None:
        self._options = options
        self._recorder = shared.recorder
        places = Places(options.max_executions, self._family_changed, self._room_made)
        self._running_limits = running_limits
        self._held = HeldRuns(places, shared, limits, self._forget)
        self._lease = Lease(
            ownership,
            options.profile,
            options.lease_seconds,
            options.renew_seconds,
            on_acquired=self._begin,
            on_lost=self._held.drop_all,
        )
        self._lease.load = self._load
        self._commands = CommandDelivery(ownership, self._held, self._lease, options.poll_seconds)
        self._claiming = Claiming(ownership, plans, self._commands, self._held, self._lease, shared.recorder, options)
        self._idle = WakeUp()
        self._on_defect: OnDefect = _raise
        signals.subscribe(NEW_WORK, lambda _: self._claiming.wake())
        signals.subscribe(NEW_COMMANDS, lambda _: self._commands.wake())

    @property
    def running(self) -> int:
        """How many executions this engine holds."""
        return len(self._held)

    @property
    def room(self) -> int:
        """How many executions more this engine could run; 0 while it takes none."""
        is_ready = self._held.accepting and self._lease.engine_id is not None
        return max(0, self._held.places.room) if is_ready else 0

    def wake(self) -> None:
        """There may be executions to claim."""
        self._claiming.wake()

    def has_room(self, group: Group) -> bool:
        """True when an execution of the workflow can be opened here."""
        return self._held.accepting and self._lease.engine_id is not None and self._held.places.may_open(group)

    async def start(self, on_defect: OnDefect) -> None:
        """Begin. A defect that ends one of the loops is reported to `on_defect(error)`: the process must end then.

        Raise `StoreUnreachable` when the database does not answer.
        """
        self._on_defect = on_defect
        self._apply_limits()
        await self._lease.acquire()
        self._held.accepting = True
        for part in (self._lease, self._claiming, self._commands):
            part.start(on_defect)

    async def open(self, execution: Execution, plan: Plan, opening: Opening) -> ExecutionStatus | None:
        """Begin a new execution here; return its status once it is stored.

        None when the opening's conditions do not hold, or when this engine has lost its lease and cannot tell.
        """
        await self._recorder.wait_for_room()
        if not self.has_room(execution.group):
            return None
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        run = self._held.new_run(execution, ExecutionState(plan))
        run.open(opening, partial(_resolve, stored))
        self._held.add(run)
        # The status of the step that opens it; when the database has acknowledged that, the run may be further on.
        status = run.state.status
        return status if await stored else None

    def held(self, execution_id: UUID) -> tuple[Execution, int] | None:
        """An execution that this engine runs, and the number of its last stored event; None for any other."""
        run = self._held.get(execution_id)
        return None if run is None or run.is_lost or run.committed == 0 else (run.execution, run.committed)

    async def stop(self, deadline_seconds: float) -> None:
        """Hand over within about `deadline_seconds`; harmless when repeated."""
        if not self._held.accepting:
            return
        self._held.accepting = False
        for run in self._held:
            run.drain()
        await self._let_attempts_end(deadline_seconds)
        for run in self._held:
            run.stop_attempts()
        await asyncio.gather(self._claiming.stop(), self._commands.stop())
        await self._hand_over()

    def limits_changed(self) -> None:
        """Tenants may run more executions at once than before, or fewer, or there is more than one now."""
        self._apply_limits()
        self._claiming.wake()

    def _apply_limits(self) -> None:
        if (limits := self._running_limits) is not None:
            self._held.places.limit(limits.most_running(), several=limits.there_are_several)

    def _load(self) -> EngineLoad:
        """What others see of this engine."""
        places = self._held.places
        return EngineLoad(places.working.used, places.waiting.used, draining=not self._held.accepting)

    def _begin(self, engine_id: int) -> None:
        self._recorder.start(engine_id, self._on_defect)
        self._claiming.wake()

    def _forget(self, run: Run) -> None:
        self._held.remove(run)
        if run.is_lost:
            self._claiming.expect_orphans()
        if not run.is_busy:
            self._idle.wake()

    def _room_made(self) -> None:
        self._claiming.wake()

    def _family_changed(self) -> None:
        """There may be new children, or commands for parents and children, that this engine can take."""
        self._claiming.wake()
        self._commands.wake()

    async def _let_attempts_end(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while any(run.is_busy for run in self._held):
                    await self._idle.wait(0.1)
        except TimeoutError:
            busy = sum(run.is_busy for run in self._held)
            log.warning("attempts_cut_short", executions=busy, after_seconds=seconds)

    async def _hand_over(self) -> None:
        """Bounded: a database that is gone must not keep the process from ending.

        The lease is renewed until all outcomes are recorded. If it ended before, another engine would take the
        executions over, and attempts that ended in time would be made again.
        """
        try:
            async with asyncio.timeout(self._options.lease_seconds):
                await self._recorder.drain()
                handed_over = self.running
                await self._lease.stop()
                await self._lease.release()
                log.info("engine_stopped", handed_over=handed_over)
        except (TimeoutError, StoreUnreachable) as error:
            log.warning("engine_stopped_without_database", reason=str(error))
        finally:
            await self._lease.stop()
            self._held.drop_all()
            await self._recorder.stop()


def _raise(error: Exception) -> None:
    raise error


def _resolve(stored: asyncio.Future[bool], value: bool) -> None:
    """The caller may have gone away meanwhile; the execution runs in any case."""
    if not stored.done():
        stored.set_result(value)
