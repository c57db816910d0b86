"""The loop that starts executions by schedules. Any number of engines can run it on one database.

A scheduled start (a fire) is decided, stored as `waiting_fire_at`, carried out, and cleared, in this order. The
idempotency key of its execution is made of the schedule and the instant. An engine that finds a stored start carries it
out again, and gets the existing execution if there is one. So each decided start creates exactly one execution.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from app.background.backoff import Backoff
from app.background.loop import Loop, OnDefect
from app.background.wake_up import WakeUp
from app.domain.documents import rfc3339
from app.domain.errors import NotFound, ServiceError, Unavailable
from app.domain.refs import Ref
from app.schedules.ports import DueSchedule, Executions, ScheduleStore
from app.schedules.schedule import Overlap, Schedule

log = structlog.get_logger(__name__)

CLAIMED_AT_ONCE = 20
HOLD_SECONDS = 10.0
"""How long a claimed schedule belongs to one engine. After that, any engine can continue unfinished work."""
REFUSED_SECONDS = 3600.0
"""How long a schedule is left alone if its times cannot be computed. A change of the schedule is handled at once."""
STOP_SECONDS = 2.0
RETRY = Backoff(first_seconds=0.5, longest_seconds=2.0)


class Scheduler:
    """Fires due schedules every `poll_seconds`, and at each wake-up.

    store: where schedules are kept.
    executions: what is started and cancelled.
    wake_up: woken when a schedule has changed.
    poll_seconds: how long to wait for a wake-up before looking anyway.
    hold_seconds: how long a claimed schedule belongs to this engine.
    """

    def __init__(
        self,
        store: ScheduleStore,
        executions: Executions,
        wake_up: WakeUp,
        poll_seconds: float = 0.5,
        hold_seconds: float = HOLD_SECONDS,
    ) -> None:
        self._store = store
        self._executions = executions
        self._hold_seconds = hold_seconds
        self._loop = Loop("schedules", self._fire_some, partial(wake_up.wait, poll_seconds), backoff=RETRY)

    def start(self, on_defect: OnDefect) -> None:
        """Begin. A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """Wait up to `STOP_SECONDS` for starts in progress, then stop. Can be called repeatedly."""
        await self._loop.finish(STOP_SECONDS)

    async def fire_due(self) -> int:
        """Handle the due schedules once; return their number. Raise `Unavailable` when the store does not answer."""
        due = await self._store.claim(CLAIMED_AT_ONCE, self._hold_seconds)
        await asyncio.gather(*map(self._handle, due))
        return len(due)

    async def _fire_some(self) -> bool:
        """True when more may be due."""
        return await self.fire_due() == CLAIMED_AT_ONCE

    async def _handle(self, due: DueSchedule) -> None:
        """Handle one schedule. If it cannot be started, it delays no other and is tried again after the hold."""
        schedule_id = due.schedule.id
        try:
            await self._fire(due)
        except Unavailable as error:
            log.warning("schedule_not_fired", schedule_id=schedule_id, reason=str(error))
        except Exception:
            log.exception("schedule_failed", schedule_id=schedule_id)

    async def _fire(self, due: DueSchedule) -> None:
        schedule: Schedule | None = due.schedule
        if due.schedule.waiting_fire_at is None:
            schedule = await self._decide(due)
        if schedule is not None and schedule.waiting_fire_at is not None:
            await self._carry_out(schedule, schedule.waiting_fire_at, due.now)

    async def _decide(self, due: DueSchedule) -> Schedule | None:
        """Store the start that is due. Return the schedule if the start is to be carried out now, otherwise None."""
        if problem := due.schedule.timing.problem:
            log.error("schedule_refused", schedule_id=due.schedule.id, reason=problem)
            await self._store.save(due.schedule, REFUSED_SECONDS)
            return None
        schedule, moved = due.schedule, due.schedule.moved_on(due.now)
        fire_at = schedule.due_fire(due.now)
        if fire_at is None:
            log.warning("schedule_missed", schedule_id=schedule.id, fire_at=rfc3339(schedule.next_fire_at))
            await self._store.save(moved)
            return None
        if not due.previous_is_running:
            return await self._store.save(replace(moved, waiting_fire_at=fire_at), self._hold_seconds)
        if schedule.overlap is Overlap.SKIP:
            log.info("schedule_skipped", schedule_id=schedule.id, fire_at=rfc3339(fire_at))
            await self._store.save(moved)
            return None
        await self._cancel_previous(schedule)
        await self._store.save(replace(moved, waiting_fire_at=fire_at))
        return None

    async def _cancel_previous(self, schedule: Schedule) -> None:
        """Cancel the previous execution, if the policy says so. This must come before the start is stored: after that,
        the schedule is not claimed until the execution has ended.
        """
        if schedule.overlap is Overlap.CANCEL_PREVIOUS and schedule.last_execution_id is not None:
            reason = f"schedule {schedule.key or schedule.id} fires again"
            await self._executions.cancel(schedule.tenant_id, schedule.last_execution_id, reason)

    async def _carry_out(self, schedule: Schedule, fire_at: datetime, now: datetime) -> None:
        try:
            workflow = Ref(tenant_id=schedule.tenant_id, id=schedule.workflow_id)
            key = schedule.idempotency_key(fire_at)
            execution_id = await self._executions.start(schedule.id, workflow, schedule.input, key)
        except Unavailable:
            raise
        except NotFound:
            return  # the workflow was deleted, and with it the schedule
        except ServiceError as error:
            log.warning("schedule_cannot_start", schedule_id=schedule.id, fire_at=rfc3339(fire_at), reason=str(error))
            await self._write_off(schedule, lambda current: current.dropped(fire_at, now))
            return
        log.info("schedule_fired", schedule_id=schedule.id, fire_at=rfc3339(fire_at), execution_id=str(execution_id))
        await self._write_off(schedule, lambda current: current.started(fire_at, execution_id, now))

    async def _write_off(self, schedule: Schedule, change: Callable[[Schedule], Schedule]) -> None:
        """Apply `change`, also if the schedule was changed concurrently."""
        current: Schedule | None = schedule
        while current is not None and await self._store.save(change(current)) is None:
            current = await self._store.get(Ref(tenant_id=current.tenant_id, id=current.id))
