"""Executions in memory as every process may read, start and control them."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import orjson

from app.domain.actions import Act
from app.domain.documents import workflow_from_document
from app.domain.errors import NotFound
from app.domain.events import Event
from app.domain.executions import Execution
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.domain.states import ExecutionStatus
from app.engine.execution_filter import ExecutionFilter
from app.engine.ports import ControlCommand, HistoryPage, Opening, OwnedRevision
from tests.support.memory.database import MemoryDatabase, StoredExecution
from tests.support.tenant import TENANT, TENANT_ID


class MemoryExecutionStore:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def enqueue(
        self, tenant_id: int, execution_id: UUID, opening: Opening, events: Sequence[Event], act: Act | None = None
    ) -> bool:
        async with self._database.faults.around("enqueue"):
            if self._database.definitions.tenant_of(opening.workflow_id) != tenant_id:
                return False
            if not await self._database.insert(execution_id, opening, None):
                return False
            self._database.grow(execution_id, events)
            return True

    async def get(self, tenant_id: int, execution_id: UUID) -> Execution | None:
        async with self._database.faults.around("get"):
            row = self._row(tenant_id, execution_id)
            return None if row is None else row.execution

    async def find_by_idempotency_key(self, tenant_id: int, workflow_id: int, key: str) -> Execution | None:
        async with self._database.faults.around("find_by_idempotency_key"):
            found = self._database.find_by_key(workflow_id, key)
            return found if found is not None and found.tenant_id == tenant_id else None

    async def list_executions(
        self, tenant_id: int, wanted: ExecutionFilter, before: UUID | None, limit: int
    ) -> Sequence[Execution]:
        async with self._database.faults.around("list_executions"):
            own = (row.execution for row in self._database.executions.values() if row.execution.tenant_id == tenant_id)
            rows = [row for row in own if _matches(row, wanted)]
            if wanted.unresolved:
                rows = [row for row in rows if self._is_unresolved(row)]
            found = sorted((row for row in rows if before is None or row.id < before), key=_id_of, reverse=True)
            return [replace(row, input=Payload("null"), output=None) for row in found[:limit]]

    async def read_history(self, tenant_id: int, execution_id: UUID, after: int, limit: int) -> HistoryPage:
        async with self._database.faults.around("read_history"):
            exists = self._row(tenant_id, execution_id) is not None
            history = self._database.histories[execution_id] if exists else []
            page = [event for event in history if event.sequence > after][:limit]
            last = page[-1:] or history[-1:]
            return HistoryPage(page, bool(last) and last[0].type.is_final, exists)

    async def last_event(self, tenant_id: int, execution_id: UUID) -> Event | None:
        async with self._database.faults.around("last_event"):
            exists = self._row(tenant_id, execution_id) is not None
            history = self._database.histories[execution_id] if exists else None
            return history[-1] if history else None

    async def send_command(self, tenant_id: int, command: ControlCommand, act: Act | None = None) -> None:
        async with self._database.faults.around("send_command"):
            row = self._row(tenant_id, command.execution_id)
            if row is None or not row.is_open:
                return
            row.due_at = min(row.due_at, self._database.now(), row.execution.created_at)
            requested_by = None if act is None else act.caller.recorded
            stored = replace(command, id=next(self._database.command_ids), requested_by=requested_by)
            self._database.commands[stored.id] = stored

    async def cancel_descendants(self, tenant_id: int, execution_id: UUID, reason: str, act: Act | None = None) -> int:
        async with self._database.faults.around("cancel_descendants"):
            if self._row(tenant_id, execution_id) is None:
                return 0
            found = self._database.cancel_below(execution_id, reason)
            self._database.make_due(found)
            return len(found)

    async def count_descendants(self, root_id: UUID, limit: int) -> int:
        async with self._database.faults.around("count_descendants"):
            rows = [row.execution for row in self._database.executions.values()]
            return min(sum(row.root_id == root_id and row.id != root_id for row in rows), limit)

    def _is_unresolved(self, execution: Execution) -> bool:
        failed = execution.status is ExecutionStatus.FAILED
        return failed and execution.parent is None and not self._was_repeated_well(execution.id)

    def _was_repeated_well(self, execution_id: UUID) -> bool:
        rows = [row.execution for row in self._database.executions.values()]
        later = [row for row in rows if row.origin_id == execution_id]
        return any(row.status is ExecutionStatus.COMPLETED or self._was_repeated_well(row.id) for row in later)

    def _row(self, tenant_id: int, execution_id: UUID) -> StoredExecution | None:
        row = self._database.executions.get(execution_id)
        return row if row is not None and row.execution.tenant_id == tenant_id else None


class MemoryDefinitionReader:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def current(self, ref: Ref) -> tuple[int, int] | None:
        async with self._database.faults.around("current"):
            stored = await self._database.definitions.document(ref)
            return None if stored is None else (stored.workflow_id, stored.revision)

    async def revision(self, tenant_id: int, workflow_id: int, revision: int) -> OwnedRevision | None:
        async with self._database.faults.around("revision"):
            try:
                ref = Ref(tenant_id=tenant_id, id=workflow_id)
                document = await self._database.definitions.revision_document(ref, revision)
            except NotFound:
                return None
            return OwnedRevision(tenant_key(tenant_id), workflow_from_document(orjson.loads(document)))


def tenant_key(tenant_id: int) -> str:
    return TENANT if tenant_id == TENANT_ID else f"tenant-{tenant_id}"


def _id_of(execution: Execution) -> UUID:
    return execution.id


def _has_parent(execution: Execution, parent_id: UUID) -> bool:
    parent = execution.parent
    return parent is not None and parent.execution_id == parent_id


def _has_failed(execution: Execution, code: str) -> bool:
    return execution.failure is not None and execution.failure.code == code


def _matches(execution: Execution, wanted: ExecutionFilter) -> bool:
    return (
        wanted.workflow_id in (None, execution.workflow_id)
        and (wanted.workflow_ids is None or execution.workflow_id in wanted.workflow_ids)
        and (not wanted.statuses or execution.status in wanted.statuses)
        and (wanted.error_code is None or _has_failed(execution, wanted.error_code))
        and (wanted.first_id is None or execution.id >= wanted.first_id)
        and (wanted.last_id is None or execution.id <= wanted.last_id)
        and (wanted.parent_id is None or _has_parent(execution, wanted.parent_id))
        and (wanted.root_id is None or (execution.parent is not None and execution.root_id == wanted.root_id))
        and (wanted.created_after is None or execution.created_at > wanted.created_after)
        and (wanted.created_before is None or execution.created_at < wanted.created_before)
    )
