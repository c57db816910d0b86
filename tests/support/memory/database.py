"""The engine's tables in memory. The adapters of all ports share one, as engines share one database."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import orjson

from app.domain.errors import NotFound
from app.domain.events import Event, EventType
from app.domain.executions import Execution, Failure
from app.domain.refs import Ref
from app.domain.states import ExecutionStatus
from app.engine.ports import CANCEL, CHILD_ENDED, SIGNAL, ChildOpening, ControlCommand, Opening, RowChange, Step
from app.machines.entity import Entity, EntityEvent
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.memory.faults import Faults

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class StoredExecution:
    """An execution's row with what only the engines know of it."""

    execution: Execution
    due_at: datetime
    owner_id: int | None = None

    @property
    def is_open(self) -> bool:
        return self.execution.finished_at is None

    def change(self, change: RowChange) -> None:
        """As the database does: the first start stays, a final status releases the owner."""
        self.execution = replace(
            self.execution,
            status=change.status,
            started_at=self.execution.started_at or change.started_at,
            finished_at=change.finished_at,
            output=change.output,
            failure=_failure(change.failure),
        )
        if not self.is_open:
            self.owner_id = None

    def park(self, due_at: datetime) -> None:
        """A command that came meanwhile has made the row due, and it stays due."""
        self.owner_id = None
        self.due_at = min(self.due_at, due_at)


@dataclass
class StoredRun:
    """An execution whose end an entity awaits."""

    entity_id: UUID
    on_completed: str | None
    on_failed: str | None
    ended: str | None = None
    held_until: datetime | None = None


@dataclass
class StoredWait:
    """A task that waits for a state of an entity.

    is_new: no engine has looked again.
    about: the tenant, the machine, the table and the id of the entity; `states` are those that are awaited.
    met: what the task is told.
    """

    is_new: bool = True
    about: tuple[int, int, str, str] | None = None
    states: Sequence[str] = ()
    met: str | None = None


class MemoryDatabase:
    """Between two waits of an adapter nothing else runs, so each of its calls is a transaction by itself.

    `feed` has the entries in the order of their commits; the first `numbered` have positions.

    `now` is the clock of the database: it decides when leases end and executions are due. `stored(step)` is called with
    each step that is stored. `wakes()` is false when an engine dies before it has woken others of a family.
    `waits(execution_id, signal)` is the wait for an entity that a step begins.
    """

    def __init__(self, definitions: MemoryDefinitionStore, now: Callable[[], datetime]) -> None:
        self.definitions = definitions
        self.now = now
        self.faults = Faults()
        self.leases: dict[int, datetime] = {}
        self.executions: dict[UUID, StoredExecution] = {}
        self.histories: dict[UUID, list[Event]] = {}
        self.commands: dict[int, ControlCommand] = {}
        self.entities: dict[UUID, Entity] = {}
        self.entity_histories: dict[UUID, list[EntityEvent]] = {}
        self.entity_runs: dict[UUID, StoredRun] = {}
        self.entity_waits: dict[tuple[UUID, str], StoredWait] = {}
        self.feed: list[tuple[UUID, int, int]] = []
        self.numbered = 0
        self.engine_ids = count(1)
        self.command_ids = count(1)
        self.stored: Callable[[Step], None] = lambda _: None
        self.wakes: Callable[[], bool] = lambda: True
        self.waits: Callable[[UUID, str], StoredWait] = lambda *_: StoredWait()

    async def insert(self, execution_id: UUID, opening: Opening, owner_id: int | None) -> bool:
        """A new row, pending, of the tenant of its workflow; False when the opening's conditions do not hold."""
        tenant_id = self.definitions.tenant_of(opening.workflow_id)
        if not await self.may_run(tenant_id, opening) or self._is_taken(execution_id, opening):
            return False
        row = Execution(
            id=execution_id,
            tenant_id=tenant_id,
            workflow_id=opening.workflow_id,
            revision=opening.revision,
            status=ExecutionStatus.PENDING,
            input=opening.input,
            created_at=opening.created_at,
            idempotency_key=opening.idempotency_key,
            origin_id=opening.origin_id,
            started_by=opening.started_by,
        )
        due_at = min(self.now(), opening.created_at) if owner_id is None else NEVER
        self.executions[execution_id] = StoredExecution(row, due_at, owner_id)
        self.histories[execution_id] = []
        return True

    def bear(self, child: ChildOpening) -> None:
        """A new child, with its first event, whatever has become of its workflow."""
        opening = child.opening
        row = Execution(
            id=child.id,
            tenant_id=self.definitions.tenant_of(opening.workflow_id),
            workflow_id=opening.workflow_id,
            revision=opening.revision,
            status=ExecutionStatus.PENDING,
            input=opening.input,
            created_at=opening.created_at,
            parent=child.parent,
        )
        self.executions[child.id] = StoredExecution(row, min(self.now(), opening.created_at))
        first = Event(1, EventType.EXECUTION_CREATED, opening.created_at, row.status, 0, data=opening.created_data)
        self.histories[child.id] = []
        self.grow(child.id, [first])

    def grow(self, execution_id: UUID, events: Sequence[Event]) -> None:
        """New events, also in the feed."""
        self.histories[execution_id].extend(events)
        if events:
            self.feed.append((execution_id, events[0].sequence, len(events)))

    def grow_entity(self, entity: Entity, events: Sequence[EntityEvent]) -> None:
        """New events of an entity, also in the feed, and its row after them."""
        self.entities[entity.id] = entity
        self.entity_histories.setdefault(entity.id, []).extend(events)
        self.feed.append((entity.id, events[0].sequence, len(events)))

    def tenant_of(self, stream_id: UUID) -> int | None:
        """That of an execution or an entity; None if there is no such thing."""
        if (entity := self.entities.get(stream_id)) is not None:
            return entity.tenant_id
        row = self.executions.get(stream_id)
        return None if row is None else row.execution.tenant_id

    def history_of(self, stream_id: UUID) -> Sequence[Event | EntityEvent]:
        return self.entity_histories[stream_id] if stream_id in self.entities else self.histories[stream_id]

    def leave_command(self, type: str, execution_id: UUID, reason: str = "", name: str = "") -> None:
        """A command that one execution leaves for another of its family; one cancel is enough."""
        row = self.executions[execution_id]
        waiting = (c for c in self.commands.values() if c.execution_id == execution_id)
        if row.is_open and (type != CANCEL or all(c.type != CANCEL for c in waiting)):
            command = ControlCommand(next(self.command_ids), execution_id, type, reason, name)
            self.commands[command.id] = command

    def tell(self, execution_id: UUID, signal: str, payload: str) -> None:
        """A signal of the service itself, which wakes up the execution; nothing once that has ended."""
        row = self.executions.get(execution_id)
        if row is not None and row.is_open:
            row.due_at = min(row.due_at, self.now(), row.execution.created_at)
            number = next(self.command_ids)
            self.commands[number] = ControlCommand(number, execution_id, SIGNAL, "", signal, payload)

    def cancel_below(self, execution_id: UUID, reason: str) -> list[UUID]:
        """Leave a cancel for everything below that has not ended; return the ids of these."""
        found = []
        for child_id in self.children_of(execution_id):
            if self.executions[child_id].is_open:
                found.append(child_id)
                self.leave_command(CANCEL, child_id, reason)
            found += self.cancel_below(child_id, reason)
        return found

    def children_of(self, execution_id: UUID) -> list[UUID]:
        return [row.execution.id for row in self.executions.values() if _is_child(row.execution, execution_id)]

    def make_due(self, execution_ids: Iterable[UUID]) -> None:
        """Those without an owner for which another execution of their family has left a command."""
        called = {c.execution_id for c in self.commands.values() if c.type in (CHILD_ENDED, CANCEL)}
        for execution_id in called.intersection(execution_ids):
            row = self.executions[execution_id]
            if row.owner_id is None and row.is_open:
                row.due_at = min(row.due_at, self.now(), row.execution.created_at)

    def owned_by(self, engine_ids: Iterable[int]) -> list[StoredExecution]:
        wanted = set(engine_ids)
        return [row for row in self.executions.values() if row.owner_id in wanted and row.is_open]

    def find_by_key(self, workflow_id: int, key: str) -> Execution | None:
        wanted = (workflow_id, key)
        rows = (row.execution for row in self.executions.values())
        return next((row for row in rows if (row.workflow_id, row.idempotency_key) == wanted), None)

    async def may_run(self, tenant_id: int, opening: Opening) -> bool:
        """A repetition runs any stored revision, everything else the current one."""
        if opening.origin_id is not None:
            return await self._is_stored(tenant_id, opening)
        stored = await self.definitions.document(Ref(tenant_id=tenant_id, id=opening.workflow_id))
        return stored is not None and stored.revision == opening.revision

    async def _is_stored(self, tenant_id: int, opening: Opening) -> bool:
        try:
            await self.definitions.revision_document(Ref(tenant_id=tenant_id, id=opening.workflow_id), opening.revision)
        except NotFound:
            return False
        return True

    def _is_taken(self, execution_id: UUID, opening: Opening) -> bool:
        key = opening.idempotency_key
        return execution_id in self.executions or (
            key is not None and self.find_by_key(opening.workflow_id, key) is not None
        )


def _is_child(execution: Execution, parent_id: UUID) -> bool:
    return execution.parent is not None and execution.parent.execution_id == parent_id


def _failure(text: str | None) -> Failure | None:
    return None if text is None else Failure(**orjson.loads(text))
