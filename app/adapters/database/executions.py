"""Reads, starts and controls executions and their histories. Any process may do this, not only an engine.

All statements are bound to the tenant of a caller, or of an execution that was read before.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from app.adapters.database import rows
from app.adapters.database.audit import append
from app.adapters.database.families import make_due
from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.database.tenancy import in_tenant
from app.adapters.unreachable import reaching
from app.audit.entry import UNMASKED, Entries, Entry
from app.domain.actions import Act
from app.domain.documents import workflow_from_document
from app.domain.events import Event
from app.domain.executions import Execution
from app.domain.refs import Ref
from app.engine.identifiers import first_id_at
from app.engine.ports import ControlCommand, ExecutionFilter, HistoryPage, Opening, OwnedRevision
from app.engine.triggering.ports import Storing

_SQL = load("executions")
_FAMILIES = load("families")
_ID_TOLERANCE = 600_000 << 80
"""Ten minutes, as a distance between ids.

The time in an id and `created_at` come from two readings of a clock, which may be adjusted between them.
"""
_LISTED = (
    "SELECT id, tenant_id, workflow_id, revision, status, 'null'::json AS input, created_at, started_at, finished_at,"
    " NULL AS output, failure, idempotency_key, origin_id, parent_id, parent_task_id, parent_element, root_id, depth,"
    " started_by"
    " FROM executions"
)
_FEW = (
    "WITH few AS MATERIALIZED (SELECT id, tenant_id, workflow_id, status, created_at FROM executions WHERE {}),"
    " page AS MATERIALIZED (SELECT id FROM few"
)
"""Find few executions by a partial index first, then select from them.

Without `MATERIALIZED` the planner scans from the newest execution, because it expects to find enough matches soon. But
those that match may be old, and the scan then reads the whole table.
"""
_IS_ACTIVE = "finished_at IS NULL"


class PostgresExecutionStore:
    """Stores executions.

    pool: the connections.
    entries: makes the entries of the audit log.
    """

    def __init__(self, pool: Pool, entries: Entries = UNMASKED) -> None:
        self._pool = pool
        self._entries = entries

    async def enqueue(
        self, tenant_id: int, execution_id: UUID, opening: Opening, events: Sequence[Event], act: Act | None = None
    ) -> bool:
        arguments = (
            tenant_id,
            *rows.opening_values(execution_id, opening),
            opening.origin_id,
            *zip(*events, strict=True),
            opening.started_by,
        )
        with reaching():
            if act is None:
                return bool(await self._pool.fetchval(_SQL["enqueue"], *arguments))
            async with self._pool.transaction(tenant_id) as connection:
                is_stored = bool(await connection.fetchval(_SQL["enqueue"], *arguments))
                if is_stored:
                    await append(connection, self._repetition(act, execution_id, opening, events[0]))
        return is_stored

    async def store_run(self, tenant_id: int, run_id: UUID, opening: Opening, delay_seconds: float) -> Storing:
        values = rows.opening_values(run_id, opening)
        more = (opening.created_data, opening.started_by, delay_seconds)
        with reaching():
            return Storing[await self._pool.fetchval(_SQL["start_run"], tenant_id, *values, *more)]

    async def get(self, tenant_id: int, execution_id: UUID) -> Execution | None:
        with reaching():
            row = await self._pool.read_row(_SQL["get"], tenant_id, execution_id)
        return None if row is None else rows.execution(row)

    async def find_by_idempotency_key(self, tenant_id: int, workflow_id: int, key: str) -> Execution | None:
        with reaching():
            row = await self._pool.read_row(_SQL["find_by_idempotency_key"], tenant_id, workflow_id, key)
        return None if row is None else rows.execution(row)

    async def list_executions(
        self, tenant_id: int, wanted: ExecutionFilter, before: UUID | None, limit: int
    ) -> Sequence[Execution]:
        statement, arguments = _listing(tenant_id, wanted, before, limit)
        with reaching():
            found = await self._pool.read(statement, *arguments)
        return [rows.execution(row) for row in found]

    async def read_history(self, tenant_id: int, execution_id: UUID, after: int, limit: int) -> HistoryPage:
        with reaching():
            found = await self._pool.read(_SQL["read_history"], tenant_id, execution_id, after, limit)
        if found:
            events = [rows.event(row) for row in found]
            return HistoryPage(events, events[-1].type.is_final)
        last = await self.last_event(tenant_id, execution_id)
        if last is None:
            return HistoryPage((), ended=False, exists=False)
        return HistoryPage((), last.type.is_final and last.sequence <= after)

    async def last_event(self, tenant_id: int, execution_id: UUID) -> Event | None:
        with reaching():
            row = await self._pool.read_row(_SQL["last_event"], tenant_id, execution_id)
        return None if row is None else rows.event(row)

    async def send_command(self, tenant_id: int, command: ControlCommand, act: Act | None = None) -> None:
        fields = (command.execution_id, command.type, command.reason, command.name, command.payload)
        with reaching():
            if act is None:
                await self._pool.fetchval(_SQL["send_command"], tenant_id, *fields, None)
                return
            entry = self._control(act, command.execution_id, {"reason": command.reason, "name": command.name})
            async with self._pool.transaction(tenant_id) as connection:
                if await connection.fetchval(_SQL["send_command"], tenant_id, *fields, act.caller.recorded):
                    await append(connection, entry)

    async def cancel_descendants(self, tenant_id: int, execution_id: UUID, reason: str, act: Act | None = None) -> int:
        statement = _FAMILIES["cancel_descendants"]
        with reaching():
            if act is None:
                found = await self._pool.fetch(statement, tenant_id, execution_id, reason, None)
            else:
                async with self._pool.transaction(tenant_id) as connection:
                    found = await connection.fetch(statement, tenant_id, execution_id, reason, act.caller.recorded)
                    if found:
                        below = {"reason": reason, "below": len(found)}
                        await append(connection, self._control(act, execution_id, below))
        if found:
            await make_due(self._pool, [row["id"] for row in found], tenant_id)
        return len(found)

    def _control(self, act: Act, execution_id: UUID, asked: Mapping[str, Any]) -> Entry:
        """The entry of a control. Fields that are empty are left out."""
        after = {name: value for name, value in asked.items() if value}
        return self._entries.of(act.caller, act.action, f"execution:{execution_id}", after=after)

    def _repetition(self, act: Act, execution_id: UUID, opening: Opening, created: Event) -> Entry:
        after = {"execution_id": str(execution_id), "revision": opening.revision}
        after |= {"from_task": orjson.loads(created.data or "{}").get("from_task")}
        return self._entries.of(act.caller, act.action, f"execution:{opening.origin_id}", after=after)

    async def count_descendants(self, root_id: UUID, limit: int) -> int:
        with reaching():
            return int(await self._pool.read_value(_FAMILIES["descendants"], root_id, limit))


def _listing(tenant_id: int, wanted: ExecutionFilter, before: UUID | None, limit: int) -> tuple[str, list[Any]]:
    """Return the statement with only those conditions that `wanted` has, so that each combination can use its index.

    Tenant, workflow id, status and limit are written into the statement, not passed as parameters. A generic plan for
    all workflows would suit neither the one with the most executions nor the one with the fewest. Ids sort by time, so
    a range of times is also given as a range of ids, for which there are indexes.
    """
    conditions = [in_tenant(tenant_id)]
    arguments: list[Any] = []
    for condition, value in (
        ("id < {}", before),
        ("created_at > {}", wanted.created_after),
        ("id > {}", _id_near(wanted.created_after, -_ID_TOLERANCE)),
        ("created_at < {}", wanted.created_before),
        ("id < {}", _id_near(wanted.created_before, _ID_TOLERANCE)),
    ):
        if value is not None:
            arguments.append(value)
            conditions.append(condition.format(f"${len(arguments)}"))
    if wanted.workflow_id is not None:
        conditions.append(f"workflow_id = {wanted.workflow_id:d}")
    if wanted.status is not None:
        conditions.append(f"status = '{wanted.status.value}'")
    page = f" WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT {limit:d}"
    if wanted.parent_id is not None or wanted.root_id is not None:
        few = " AND ".join(_in_family(wanted, arguments))
    elif wanted.status is not None and not wanted.status.is_final:
        few = _IS_ACTIVE
    else:
        return f"{_LISTED}{page}", arguments
    # Also in the outermost WHERE: a plan may read the rows of a join before those of the common table expression.
    of_page = f"JOIN page USING (id) WHERE {in_tenant(tenant_id)} ORDER BY id DESC"
    return f"{_FEW.format(few)}{page}) {_LISTED} {of_page}", arguments


def _in_family(wanted: ExecutionFilter, arguments: list[Any]) -> Iterator[str]:
    """The conditions for members of a family; what they compare with is added to the arguments."""
    for column, value in (("parent_id", wanted.parent_id), ("root_id", wanted.root_id)):
        if value is not None:
            arguments.append(value)
            yield f"{column} = ${len(arguments)}"


def _id_near(instant: datetime | None, tolerance: int) -> UUID | None:
    """The id at `instant`, moved by `tolerance`: a bound for the ids of executions created before or after it."""
    return None if instant is None else UUID(int=max(first_id_at(instant).int + tolerance, 0))


class PostgresDefinitionReader:
    """Reads for the engine which revision is current, and the workflow as it was at a revision."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def current(self, ref: Ref) -> tuple[int, int] | None:
        with reaching():
            if ref.id is None:
                row = await self._pool.read_row(_SQL["current_revision_by_key"], ref.tenant_id, ref.key)
            else:
                row = await self._pool.read_row(_SQL["current_revision_by_id"], ref.tenant_id, ref.id)
        return None if row is None else (row["id"], row["revision"])

    async def revision(self, tenant_id: int, workflow_id: int, revision: int) -> OwnedRevision | None:
        with reaching():
            row = await self._pool.read_row(_SQL["revision_snapshot"], tenant_id, workflow_id, revision)
        if row is None:
            return None
        return OwnedRevision(row["tenant"], workflow_from_document(orjson.loads(row["snapshot"])))
