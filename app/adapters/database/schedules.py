"""Schedules in PostgreSQL. All times are the database's clock."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from app.adapters.database.audit import Session, append
from app.adapters.database.audited_documents import schedule_fields
from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.audit.entry import UNMASKED, Entries
from app.domain.actions import Act
from app.domain.errors import Conflict, NotFound
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.schedules.ports import DueSchedule
from app.schedules.schedule import Overlap, Schedule, Timing

log = structlog.get_logger(__name__)

_SQL = load("schedules")


class PostgresScheduleStore:
    """Stores schedules.

    pool: the connections.
    entries: makes the entries of the audit log.
    """

    def __init__(self, pool: Pool, entries: Entries = UNMASKED) -> None:
        self._pool = pool
        self._entries = entries

    async def now(self) -> datetime:
        with reaching():
            now: datetime = await self._pool.read_value(_SQL["now"])
        return now

    async def workflow_id(self, ref: Ref) -> int | None:
        statement, named = _by_id_or_key("workflow", ref)
        with reaching():
            found: int | None = await self._pool.read_value(statement, ref.tenant_id, named)
        return found

    async def insert(self, act: Act, schedule: Schedule) -> Schedule:
        values = (schedule.tenant_id, *_values(schedule), schedule.workflow_id, schedule.created_at)
        with reaching(), _constraints(schedule):
            async with self._pool.transaction(act.caller.tenant_id) as connection:
                row = await connection.fetchrow(_SQL["insert"], *values)
                if row is None:
                    raise NotFound("workflow", schedule.workflow_id)
                stored = _schedule(row)
                await self._audit(connection, act, None, stored)
        return stored

    async def get(self, ref: Ref) -> Schedule | None:
        statement, named = _by_id_or_key("get", ref)
        with reaching():
            row = await self._pool.read_row(statement, ref.tenant_id, named)
        return None if row is None else _schedule(row)

    async def list_schedules(
        self, tenant_id: int, workflow_id: int | None, skip: int, limit: int
    ) -> tuple[Sequence[Schedule], int]:
        with reaching():
            total = await self._pool.read_value(_SQL["count"], tenant_id, workflow_id)
            rows = await self._pool.read(_SQL["list"], tenant_id, workflow_id, skip, limit)
        return [_schedule(row) for row in rows], total

    async def save(self, schedule: Schedule, hold_seconds: float | None = None) -> Schedule | None:
        with reaching(), _constraints(schedule):
            row = await self._pool.fetchrow(_SQL["save"], *_saved_values(schedule), hold_seconds)
        return None if row is None else _schedule(row)

    async def change(self, act: Act, before: Schedule, after: Schedule) -> Schedule | None:
        with reaching(), _constraints(after):
            async with self._pool.transaction(act.caller.tenant_id) as connection:
                row = await connection.fetchrow(_SQL["save"], *_saved_values(after), None)
                if row is None:
                    return None
                stored = _schedule(row)
                await self._audit(connection, act, before, stored)
        return stored

    async def delete(self, act: Act, schedule_id: int) -> Schedule | None:
        with reaching():
            async with self._pool.transaction(act.caller.tenant_id) as connection:
                row = await connection.fetchrow(_SQL["delete"], act.caller.tenant_id, schedule_id)
                if row is None:
                    return None
                deleted = _schedule(row)
                await self._audit(connection, act, deleted, None)
        return deleted

    async def _audit(self, session: Session, act: Act, before: Schedule | None, after: Schedule | None) -> None:
        known = before or after
        assert known is not None
        documents = (None if one is None else schedule_fields(one) for one in (before, after))
        await append(session, self._entries.of(act.caller, act.action, f"schedule:{known.id}", *documents))

    async def claim(self, limit: int, hold_seconds: float) -> Sequence[DueSchedule]:
        with reaching():
            rows = await self._pool.fetch(_SQL["claim"], limit, hold_seconds)
        return [due for row in rows if (due := _due_schedule(row)) is not None]


def _due_schedule(row: asyncpg.Record) -> DueSchedule | None:
    """None for a schedule that a newer version of this program has stored and this one cannot read.

    It stays claimed until its hold ends, and then an engine of the newer version can claim it.
    """
    try:
        return DueSchedule(_schedule(row), row["now"], row["is_running"])
    except ValueError:
        log.exception("schedule_not_understood", schedule_id=row["id"])
        return None


def _by_id_or_key(statement: str, ref: Ref) -> tuple[str, int | str | None]:
    """The form of the statement for `ref`, and its parameter."""
    return (_SQL[f"{statement}_by_key"], ref.key) if ref.id is None else (_SQL[f"{statement}_by_id"], ref.id)


@contextmanager
def _constraints(schedule: Schedule) -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError:
        raise Conflict("key", "this key belongs to another schedule") from None
    except asyncpg.ForeignKeyViolationError:
        raise NotFound("workflow", schedule.workflow_id) from None


def _saved_values(schedule: Schedule) -> tuple[Any, ...]:
    """The parameters of `save`, without the last one."""
    return schedule.tenant_id, *_values(schedule), schedule.id, schedule.version


def _values(schedule: Schedule) -> tuple[Any, ...]:
    """The values of the columns that both `insert` and `save` write, in their order."""
    return (
        schedule.key,
        schedule.timing.cron,
        schedule.timing.time_zone,
        schedule.timing.at,
        schedule.input.text,
        schedule.overlap.value,
        schedule.catch_up_seconds,
        schedule.paused,
        schedule.next_fire_at,
        schedule.waiting_fire_at,
        schedule.last_fire_at,
        schedule.last_execution_id,
        schedule.updated_at,
        schedule.due_at,
    )


def _schedule(row: asyncpg.Record) -> Schedule:
    return Schedule(
        id=row["id"],
        version=row["version"],
        tenant_id=row["tenant_id"],
        workflow_id=row["workflow_id"],
        timing=Timing(row["cron"], row["time_zone"], row["at"]),
        input=Payload(row["input"]),
        key=row["key"],
        overlap=Overlap(row["overlap"]),
        catch_up_seconds=row["catch_up_seconds"],
        paused=row["paused"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        next_fire_at=row["next_fire_at"],
        waiting_fire_at=row["waiting_fire_at"],
        last_fire_at=row["last_fire_at"],
        last_execution_id=row["last_execution_id"],
    )
