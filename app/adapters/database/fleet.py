"""Engines, and the tasks of many executions at once, in PostgreSQL, for a login that callers are served with."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from asyncpg import Record

from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.database.tenancy import gate_of, in_tenant
from app.adapters.unreachable import reaching
from app.domain.engines import EngineLoad, EngineProfile, EngineStatus, EngineWork, RecentTask, ShownEngine
from app.domain.events import TASK_STATUS_AFTER, EventType
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.fleet.ports import (
    MOST_EVENTS,
    MOST_EVENTS_OF_WORK,
    MOST_EXECUTIONS,
    MOST_TASKS,
    ListedTask,
    NewestExecution,
    TaskFilter,
    TaskPage,
)
from app.engine.identifiers import first_id_at

_SQL = load("fleet")
RECENT = 5


class PostgresFleet:
    """Statements about executions are bound to a tenant. Engines have no data of tenants."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def engines(self, status: EngineStatus | None, skip: int, limit: int) -> tuple[Sequence[ShownEngine], int]:
        wanted = None if status is None else status.value
        with reaching():
            found = await self._pool.read(_of_engines("engine_page"), wanted, skip, limit)
        return [_engine(row) for row in found if row["id"] is not None], found[0]["total"]

    async def engine(self, engine_id: int) -> ShownEngine | None:
        with reaching():
            row = await self._pool.read_row(_of_engines("engine"), engine_id)
        return None if row is None else _engine(row)

    async def free_slots(self) -> tuple[int, int]:
        with reaching():
            row = await self._pool.read_row(_SQL["free_slots"])
        return (0, 0) if row is None else (row["online"], row["free"])

    async def work(self, tenant_id: int, created_after: datetime, ended_after: datetime) -> Mapping[int, EngineWork]:
        numbers = {"tenant_id": f"{tenant_id:d}", "most_events": f"{MOST_EVENTS_OF_WORK:d}", "recent": RECENT}
        work = _SQL["work"].format(gate=gate_of(tenant_id), **numbers)
        statement = ", ".join((_looked(tenant_id, TaskFilter(), MOST_EXECUTIONS, "$2"), _SQL["planned"], work))
        with reaching():
            found = await self._pool.read(statement, ended_after, first_id_at(created_after))
        return {row["engine_id"]: _work(row) for row in found}

    async def tasks(
        self, tenant_id: int, wanted: TaskFilter, created_after: datetime, skip: int, limit: int
    ) -> TaskPage:
        first = wanted.execution_id or first_id_at(created_after)
        arguments: list[Any]
        if wanted.statuses is None:
            name, arguments = "all_tasks", [first]
        elif wanted.only_unfinished:
            name, arguments = "tasks_with_status", [_words(wanted.statuses)]
        else:
            name, arguments = "tasks_with_status", [_words(wanted.statuses), first]
        looked = _looked(tenant_id, wanted, MOST_TASKS + 1, f"${len(arguments)}")
        statement = ", ".join((looked, _SQL["planned"], _SQL[name].format(**_page(tenant_id, skip, limit))))
        with reaching():
            found = await self._pool.read(statement, *arguments)
        total, seen, unread = int(found[0]["total"]), found[0]["seen"], found[0]["unread"]
        is_exact = total <= MOST_TASKS and seen <= MOST_TASKS and unread == 0
        return TaskPage([_task(row) for row in found if row["id"] is not None], min(total, MOST_TASKS), is_exact)

    async def newest(self, tenant_id: int, workflow_ids: Sequence[int]) -> Sequence[NewestExecution]:
        with reaching():
            found = await self._pool.read(_SQL["newest"], tenant_id, workflow_ids)
            of_these = await self._pool.read(_SQL["completed"], tenant_id, [row["id"] for row in found])
        completed = {row["execution_id"]: row["completed"] for row in of_these}
        return [_newest(row, completed.get(row["id"], 0)) for row in found]


def _of_engines(name: str) -> str:
    return f"{_SQL['engines']} {_SQL[name]}"


def _looked(tenant_id: int, wanted: TaskFilter, most: int, first: str) -> str:
    """The executions that are looked at. Ids that narrow them are written into the statement, as in lists of these.

    first: the parameter with the id from which on they are looked at, or that of the only one.
    """
    tenant = in_tenant(tenant_id)
    if wanted.execution_id is not None:
        return _SQL["looked_at_one"].format(tenant=tenant, first=first)
    named = "" if wanted.workflow_id is None else f"AND workflow_id = {wanted.workflow_id:d}"
    of_engine = "true" if wanted.engine_id is None else f"engine_id = {wanted.engine_id:d}"
    name = "looked_at_unfinished" if wanted.only_unfinished else "looked"
    return _SQL[name].format(tenant=tenant, first=first, named=named, of_engine=of_engine, most=f"{most:d}")


def _page(tenant_id: int, skip: int, limit: int) -> Mapping[str, str]:
    """What is written into the statements that return a page. No page leads further than what is counted."""
    end = min(skip + limit, MOST_TASKS)
    numbers = {"tenant_id": tenant_id, "skip": skip, "end": end, "count": max(end - skip, 0)}
    numbers |= {"most": MOST_TASKS + 1, "most_events": MOST_EVENTS}
    return {"gate": gate_of(tenant_id), **{name: f"{number:d}" for name, number in numbers.items()}}


def _words(statuses: frozenset[TaskStatus]) -> list[str]:
    """What the newest event of a task can be that has one of the statuses."""
    words = [event.value for event, status in TASK_STATUS_AFTER.items() if status in statuses]
    return [*words, "pending"] if TaskStatus.PENDING in statuses else words


def _status(row: Record) -> TaskStatus:
    if row["type"] is not None:
        return TASK_STATUS_AFTER[EventType(row["type"])]
    return TaskStatus.PENDING if row["finished_at"] is None else TaskStatus.SKIPPED


def _task(row: Record) -> ListedTask:
    status = _status(row)
    metadata = None if row["metadata"] is None else orjson.loads(row["metadata"])
    return ListedTask(
        execution_id=row["id"],
        task_id=row["task_id"],
        name=row["name"],
        description=row["description"],
        workflow_id=row["workflow_id"],
        engine_id=row["engine_id"],
        status=status,
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["changed_at"] if status.is_final else None,
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _engine(row: Record) -> ShownEngine:
    profile = EngineProfile(
        name=row["name"],
        kind=row["kind"],
        host=row["host"],
        pid=row["pid"],
        version=row["version"],
        capacity=row["capacity"],
        task_types=tuple(row["task_types"]),
        functions=tuple(row["functions"]),
    )
    load_of_it = EngineLoad(row["running"], row["parked"], row["draining"])
    times = (row["started_at"], row["renewed_at"], row["ended_at"])
    return ShownEngine(row["id"], profile, load_of_it, EngineStatus(row["status"]), *times)


def _work(row: Record) -> EngineWork:
    recent = zip(row["recent"], row["recent_started"] or (), row["recent_changed"] or (), strict=True)
    return EngineWork(
        current=row["current"],
        total=row["total"],
        failed=row["failed"],
        succeeded_attempts=row["succeeded_attempts"],
        failed_attempts=row["failed_attempts"],
        recent=[_recent(about, started_at, changed_at) for about, started_at, changed_at in recent],
    )


def _recent(about: Sequence[Any], started_at: datetime, changed_at: datetime) -> RecentTask:
    task, name, workflow_id, event = about
    status = TASK_STATUS_AFTER[EventType(event)]
    return RecentTask(task, name, int(workflow_id), status, started_at, changed_at if status.is_final else None)


def _newest(row: Record, completed: int) -> NewestExecution:
    return NewestExecution(
        workflow_id=row["workflow_id"],
        execution_id=row["id"],
        status=ExecutionStatus(row["status"]),
        progress_percent=row["progress_percent"],
        engine_id=row["engine_id"],
        completed=completed,
    )
