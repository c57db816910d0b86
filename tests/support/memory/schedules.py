"""Schedules in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

from app.domain.actions import Act
from app.domain.errors import Conflict, NotFound
from app.domain.refs import Ref
from app.schedules.ports import DueSchedule
from app.schedules.schedule import Schedule
from tests.support.memory.database import MemoryDatabase


@dataclass(slots=True)
class _Row:
    schedule: Schedule
    due_at: datetime | None


class MemoryScheduleStore:
    """Between two waits of a method nothing else runs, so that each is a transaction by itself."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._ids = count(1)
        self._rows: dict[int, _Row] = {}

    async def now(self) -> datetime:
        return self._database.now()

    async def workflow_id(self, ref: Ref) -> int | None:
        stored = await self._database.definitions.document(ref)
        return None if stored is None else stored.workflow_id

    async def insert(self, act: Act, schedule: Schedule) -> Schedule:
        async with self._database.faults.around("insert_schedule"):
            if await self.workflow_id(_workflow_of(schedule)) is None:
                raise NotFound("workflow", schedule.workflow_id)
            self._check_key(schedule)
            stored = replace(schedule, id=next(self._ids), version=1)
            self._rows[stored.id] = _Row(stored, stored.due_at)
            return stored

    async def get(self, ref: Ref) -> Schedule | None:
        await self._cascade()
        named = ref.key if ref.id is None else ref.id
        found = (schedule for schedule in self._of(ref.tenant_id) if named in (schedule.id, schedule.key))
        return next(found, None)

    async def list_schedules(
        self, tenant_id: int, workflow_id: int | None, skip: int, limit: int
    ) -> tuple[Sequence[Schedule], int]:
        await self._cascade()
        found = [schedule for schedule in self._of(tenant_id) if workflow_id in (None, schedule.workflow_id)]
        return found[skip : skip + limit], len(found)

    async def save(self, schedule: Schedule, hold_seconds: float | None = None) -> Schedule | None:
        async with self._database.faults.around("save_schedule"):
            await self._cascade()
            row = self._rows.get(schedule.id)
            known = None if row is None else (row.schedule.version, row.schedule.tenant_id)
            if row is None or known != (schedule.version, schedule.tenant_id):
                return None
            self._check_key(schedule)
            row.schedule = replace(schedule, version=schedule.version + 1)
            row.due_at = schedule.due_at if hold_seconds is None else self._later(hold_seconds)
            return row.schedule

    async def change(self, act: Act, before: Schedule, after: Schedule) -> Schedule | None:
        return await self.save(after)

    async def delete(self, act: Act, schedule_id: int) -> Schedule | None:
        if not any(schedule.id == schedule_id for schedule in self._of(act.caller.tenant_id)):
            return None
        return self._rows.pop(schedule_id).schedule

    async def claim(self, limit: int, hold_seconds: float) -> Sequence[DueSchedule]:
        async with self._database.faults.around("claim_schedules"):
            await self._cascade()
            now = self._database.now()
            due = [row for row in self._rows.values() if self._is_due(row, now)][:limit]
            for row in due:
                row.due_at = self._later(hold_seconds)
            return [DueSchedule(row.schedule, now, self._is_running(row)) for row in due]

    def _is_due(self, row: _Row, now: datetime) -> bool:
        if row.due_at is None or row.due_at > now:
            return False
        return row.schedule.waiting_fire_at is None or not self._is_running(row)

    def _is_running(self, row: _Row) -> bool:
        execution_id = row.schedule.last_execution_id
        execution = None if execution_id is None else self._database.executions.get(execution_id)
        return execution is not None and execution.is_open

    def _later(self, seconds: float) -> datetime:
        return self._database.now() + timedelta(seconds=seconds)

    def _check_key(self, schedule: Schedule) -> None:
        others = (other for other in self._of(schedule.tenant_id) if other.id != schedule.id)
        if schedule.key is not None and any(other.key == schedule.key for other in others):
            raise Conflict("key", "this key belongs to another schedule")

    async def _cascade(self) -> None:
        for row in list(self._rows.values()):
            if await self._database.definitions.document(_workflow_of(row.schedule)) is None:
                self._rows.pop(row.schedule.id, None)

    def _of(self, tenant_id: int) -> list[Schedule]:
        return [row.schedule for row in self._rows.values() if row.schedule.tenant_id == tenant_id]


def _workflow_of(schedule: Schedule) -> Ref:
    return Ref(tenant_id=schedule.tenant_id, id=schedule.workflow_id)
