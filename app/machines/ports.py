"""What machines need from outside: protocols that `adapters/` implement and `wiring/` connects."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from app.domain.actions import Act
from app.domain.refs import Ref
from app.engine.ports import Opening
from app.machines.deciding import Step
from app.machines.entity import Entity, EntityEvent
from app.machines.machine import Machine, MachineDraft

NEW_ENTITIES = "workflow_entities"
"""The channel of wake-ups about entities: a payload is the id of one that has grown."""
NEW_TIMERS = "workflow_entity_timers"
"""The channel of wake-ups about timers that are due soon: a payload is in how many seconds."""


@dataclass(frozen=True, slots=True)
class MachineRevision:
    """One revision of a machine, for lists. `requested_by`: who has made it; None while authentication is off."""

    machine_id: int
    revision: int
    name: str
    created_at: datetime
    requested_by: str | None = None


@dataclass(frozen=True, slots=True)
class MachineFilter:
    """name: a part of the name, ignoring case. key: the whole key."""

    name: str | None = None
    key: str | None = None


MachineEdit = Callable[[Machine], MachineDraft]


class MachineStore(Protocol):
    """Machines of tenants. Each method is one transaction. Unknown refs raise `NotFound("machine")`; all methods raise
    `StoreUnreachable`. An `act` is audited, unless nothing changes.
    """

    async def create(self, act: Act, draft: MachineDraft) -> Machine:
        """Store revision 1. Raise `Conflict` if the key is taken."""

    async def change(self, act: Act, ref: Ref, edit: MachineEdit, expected_revision: int | None) -> Machine:
        """Lock the machine, apply `edit`, store the next revision. Write nothing if nothing changes.

        Raise `RevisionMismatch` and `Conflict`.
        """

    async def delete(self, act: Act, ref: Ref, expected_revision: int | None) -> Machine:
        """Remove the machine; its revisions stay. Raise `MachineInUse` if it has entities."""

    async def get(self, ref: Ref) -> Machine | None:
        """The current revision."""

    async def revision(self, tenant_id: int, machine_id: int, revision: int) -> Machine | None: ...

    async def list(
        self, tenant_id: int, wanted: MachineFilter, skip: int, limit: int
    ) -> tuple[Sequence[Machine], int]: ...

    async def revisions(self, ref: Ref, skip: int, limit: int) -> tuple[Sequence[MachineRevision], int]: ...

    async def note(self, act: Act, machine_id: int, document: Mapping[str, Any]) -> None:
        """Audit an act that is no change of the machine itself."""


@dataclass(frozen=True, slots=True)
class Effect:
    """An execution that is started together with a step.

    id: the execution.
    opening: its row.
    on_completed, on_failed: the transitions that its end fires.
    """

    id: UUID
    opening: Opening
    on_completed: str | None = None
    on_failed: str | None = None


class Stored(StrEnum):
    """What came of a write.

    STORED: all of it is stored.
    MOVED: nothing is: the entity has other events by now.
    EXISTS: nothing is: the thing has an entity already.
    CHANGED: nothing is: a workflow that is to be started has changed.
    """

    STORED = "stored"
    MOVED = "moved"
    EXISTS = "exists"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class EntityFilter:
    """Which entities are listed. None stands for all."""

    machine_id: int | None = None
    state: str | None = None
    table: str | None = None
    key: str | None = None
    is_final: bool | None = None


@dataclass(frozen=True, slots=True)
class EntityPage:
    """A part of a history, and how the entity is at the same moment.

    entity_id, machine_id: the entity.
    events: oldest first; there may be none.
    last: the number of the last event that there is.
    is_final: whether the entity is in a final state.
    """

    entity_id: UUID
    machine_id: int
    events: Sequence[EntityEvent]
    last: int
    is_final: bool


@dataclass(frozen=True, slots=True)
class EndedRun:
    """An execution that an entity has started, and that has ended.

    execution_id: the execution.
    entity_id, tenant_id: the entity.
    transition: what is fired; None for nothing.
    """

    execution_id: UUID
    entity_id: UUID
    tenant_id: int
    transition: str | None


class EntityStore(Protocol):
    """Entities of tenants. What another tenant has is as what does not exist. All methods raise `StoreUnreachable`:
    then it is unknown whether a write took effect.
    """

    async def store(self, tenant_id: int, step: Step, effects: Sequence[Effect] = ()) -> Stored:
        """Store a step, if the entity's last event is the one before it, and start executions, in one commit."""

    async def get(self, tenant_id: int, entity_id: UUID) -> Entity | None: ...

    async def find(self, tenant_id: int, machine_id: int, table: str, key: str) -> Entity | None: ...

    async def answered(self, tenant_id: int, entity_id: UUID, idempotency_key: str) -> EntityEvent | None:
        """The event of the request that had this key."""

    async def last_actors(self, tenant_id: int, entity_id: UUID, names: Collection[str]) -> Mapping[str, str]:
        """Who has made the last transition of each of these names: for whom it was made, if the event says so."""

    async def history(self, tenant_id: int, entity_id: UUID, after: int, limit: int) -> Sequence[EntityEvent]: ...

    async def page(self, tenant_id: int, entity_id: UUID, after: int, limit: int) -> EntityPage | None:
        """At most `limit` events after a number; None if there is no such entity."""

    async def list(self, tenant_id: int, wanted: EntityFilter, before: UUID | None, limit: int) -> Sequence[Entity]:
        """Newest first."""

    async def of_other_revisions(
        self, tenant_id: int, machine_id: int, revision: int, after: UUID | None, limit: int
    ) -> Sequence[Entity]:
        """Entities of other revisions than this one, by id."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What there is to do for entities.

    seconds: in how many the next timer is due that no process holds, by the database's clock; None without any.
    has_ended: whether an execution has ended whose end has had no effect yet.
    has_waits: whether tasks wait for states that no engine has looked for, or are to be told.
    """

    seconds: float | None
    has_ended: bool
    has_waits: bool = False


class EntityTimers(Protocol):
    """What engines find due, of all tenants. All methods raise `StoreUnreachable`."""

    async def outlook(self) -> Outlook:
        """Cheap: engines ask it at each poll."""

    async def due(self, limit: int) -> Sequence[Entity]:
        """Entities whose timers are due, and which no other process holds now; they are held for some seconds."""

    async def ended(self, limit: int) -> Sequence[EndedRun]:
        """Executions of entities whose end was noted, held as above."""

    async def sweep(self, limit: int) -> None:
        """Note ends that were not noted. An execution that was removed counts as failed."""

    async def tell(self, limit: int) -> bool:
        """Look what new waits of tasks wait for, and tell those whose entities have been in such a state. True when any
        was told.
        """

    async def settle(self, execution_id: UUID) -> None:
        """The end of the execution has had its effect."""
