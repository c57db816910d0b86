"""Reads, starts and controls executions and their histories. Any process may do this, not only an engine.

All statements are bound to the tenant of a caller, or of an execution that was read before.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from app.adapters.database import rows
from app.adapters.database.audit import append
from app.adapters.database.execution_lists import listing
from app.adapters.database.families import make_due
from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.audit.entry import UNMASKED, Entries, Entry
from app.domain.actions import Act
from app.domain.documents import workflow_from_document
from app.domain.events import Event
from app.domain.executions import Execution
from app.domain.refs import Ref
from app.engine.execution_filter import ExecutionFilter
from app.engine.ports import ControlCommand, HistoryPage, Opening, OwnedRevision
from app.engine.triggering.ports import Storing

_SQL = load("executions")
_FAMILIES = load("families")


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
        statement, arguments = listing(tenant_id, wanted, before, limit)
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
