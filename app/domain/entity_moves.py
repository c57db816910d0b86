"""What tasks ask of entities. Machines do it, and the engine's process joins the two."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class EntityMove:
    """What a `transition` task asks for.

    tenant_id: the tenant of the execution.
    execution_id: the execution, which is the actor.
    key: the same for all attempts of the task, so that they move the entity once.
    machine: the id or the key of the machine.
    table, entity: what the entity is called outside.
    to: the name of the target; None if `transition` says enough.
    transition: the name of the transition.
    context, notes: stored with the event.
    data: changes of the entity's data, a merge patch.
    start: whether an entity that does not exist is started.
    retries: whether it is tried again when the state or a condition does not allow it.
    """

    tenant_id: int
    execution_id: UUID
    key: str
    machine: str
    table: str
    entity: str
    to: str | None = None
    transition: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    notes: str | None = None
    data: Mapping[str, Any] | None = None
    start: bool = False
    retries: bool = False


class EntityMoves(Protocol):
    """Moves entities for tasks."""

    async def move(self, wanted: EntityMove) -> Mapping[str, Any]:
        """`{"entity_id", "sequence", "from_state", "to_state", "state"}`. Raise `TaskError`."""
