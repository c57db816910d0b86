"""Creating, changing and reading schedules."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.errors import Invalid, NotFound, Unavailable
from app.domain.refs import Ref
from app.domain.stated import NOTHING_STATED, Stated
from app.schedules.cron import HORIZON_YEARS
from app.schedules.ports import ScheduleStore
from app.schedules.schedule import Schedule, ScheduleDraft, Timing

TRIES_WHEN_CHANGED = 5
NEVER_THERE = "{!r} never fires in {}: the clock shows no such time within {} years"

Change = Callable[[Schedule, datetime], Schedule]


class ScheduleService:
    """The schedules of the caller's tenant. `announce()` wakes up engines for a new due time.

    `ref` is a schedule's id or key; unknown ones raise `NotFound`.

    Every method raises `Unavailable` when the database does not respond.
    """

    def __init__(self, store: ScheduleStore, announce: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._announce = announce

    async def create(self, caller: Caller, draft: ScheduleDraft) -> Schedule:
        draft.check()
        if draft.workflow is None:
            raise Invalid.at("workflow", "is required")
        workflow_id, now = await self._workflow_id(draft.workflow), await self._store.now()
        new = Schedule(
            id=0,
            version=0,
            tenant_id=caller.tenant_id,
            workflow_id=workflow_id,
            timing=draft.timing,
            input=draft.input,
            key=draft.key,
            overlap=draft.overlap,
            catch_up_seconds=draft.catch_up_seconds,
            paused=draft.paused or False,
            created_at=now,
            updated_at=now,
            next_fire_at=_first_fire(draft.timing, now),
        )
        stored = await self._store.insert(Act(caller, Action.SCHEDULE_CREATE), new)
        await self._announce()
        return stored

    async def get(self, caller: Caller, ref: Ref) -> Schedule:
        return await self._get(ref)

    async def list_schedules(
        self, caller: Caller, workflow: Ref | None, skip: int, limit: int
    ) -> tuple[Sequence[Schedule], int]:
        """One page ordered by id, and the number of all schedules, or of those of `workflow`."""
        workflow_id = None if workflow is None else await self._workflow_id(workflow)
        return await self._store.list_schedules(caller.tenant_id, workflow_id, skip, limit)

    async def replace(
        self, caller: Caller, ref: Ref, draft: ScheduleDraft, stated: Stated = NOTHING_STATED
    ) -> Schedule:
        """Set every field except the workflow. A start that is due or waits stays, unless the timing changes.

        Raise `Invalid` or `Outdated` unless what is `stated` of fields that only the service sets is true.
        """
        draft.check()
        workflow_id = None if draft.workflow is None else await self._workflow_id(draft.workflow)

        def replaced(current: Schedule, now: datetime) -> Schedule:
            stated.checked(current)
            if workflow_id not in (None, current.workflow_id):
                raise Invalid.at("workflow", f"is {current.workflow_id} and stays so; create another schedule instead")
            paused = current.paused if draft.paused is None else draft.paused
            changed = replace(
                current,
                timing=draft.timing,
                input=draft.input,
                key=draft.key,
                overlap=draft.overlap,
                catch_up_seconds=draft.catch_up_seconds,
            )
            if draft.timing != current.timing:
                changed = replace(changed, next_fire_at=_first_fire(draft.timing, now), waiting_fire_at=None)
            return _with_pause(changed, now, paused=paused)

        return await self._change(Act(caller, Action.SCHEDULE_CHANGE), ref, replaced)

    async def pause(self, caller: Caller, ref: Ref) -> Schedule:
        """Start nothing more, and drop a waiting start. Repeating the call has no effect."""
        act = Act(caller, Action.SCHEDULE_PAUSE)
        return await self._change(act, ref, lambda current, now: _with_pause(current, now, paused=True))

    async def resume(self, caller: Caller, ref: Ref) -> Schedule:
        """Continue with the next start; no effect if the schedule is not paused.

        Starts that came due during the pause are not made up, except a single `at` that is not late by more than
        `catch_up_seconds`.
        """
        act = Act(caller, Action.SCHEDULE_RESUME)
        return await self._change(act, ref, lambda current, now: _with_pause(current, now, paused=False))

    async def delete(self, caller: Caller, ref: Ref) -> Schedule:
        """Delete the schedule; return it as it was. Executions that it has started continue."""
        schedule = await self._get(ref)
        deleted = await self._store.delete(Act(caller, Action.SCHEDULE_DELETE), schedule.id)
        if deleted is None:
            raise NotFound("schedule", ref)
        return deleted

    async def preview(self, caller: Caller, ref: Ref, count: int) -> Sequence[datetime]:
        """The next start times, whether the schedule is paused or not."""
        schedule = await self._get(ref)
        return schedule.timing.preview(await self._store.now(), count)

    async def _change(self, act: Act, ref: Ref, change: Change) -> Schedule:
        for _ in range(TRIES_WHEN_CHANGED):
            current, now = await self._get(ref), await self._store.now()
            wanted = change(current, now)
            if wanted == current:
                return current
            stored = await self._store.change(act, current, replace(wanted, updated_at=now))
            if stored is not None:
                await self._announce()
                return stored
        raise Unavailable(f"schedule {str(ref)!r} keeps changing; try again")

    async def _get(self, ref: Ref) -> Schedule:
        schedule = await self._store.get(ref)
        if schedule is None:
            raise NotFound("schedule", ref)
        return schedule

    async def _workflow_id(self, ref: Ref) -> int:
        workflow_id = await self._store.workflow_id(ref)
        if workflow_id is None:
            raise NotFound("workflow", ref)
        return workflow_id


def _first_fire(timing: Timing, now: datetime) -> datetime:
    first = timing.next_after(now)
    if first is None and timing.at is not None:
        raise Invalid.at("at", f"{timing.at.isoformat()} has passed: it is {now.isoformat(timespec='seconds')}")
    if first is None:
        raise Invalid.at("cron", NEVER_THERE.format(timing.cron, timing.time_zone, HORIZON_YEARS))
    return first


def _with_pause(schedule: Schedule, now: datetime, *, paused: bool) -> Schedule:
    if schedule.paused == paused:
        return schedule
    if paused:
        return replace(schedule, paused=True, waiting_fire_at=None)
    if schedule.timing.cron is None:
        return replace(schedule, paused=False)
    return replace(schedule, paused=False, next_fire_at=schedule.timing.next_after(now))
