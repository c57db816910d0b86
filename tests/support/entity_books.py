"""The stored history of one entity, which grows as a test wants, without a database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.engine.ports import StoreUnreachable
from app.machines.entity import EntityEvent, EntityEventType
from app.machines.ports import EntityPage
from tests.support.memory.faults import Gate
from tests.support.tenant import TENANT_ID

ENTITY, MACHINE_ID = UUID(int=9), 3
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def moved(sequence: int, **fields: Any) -> EntityEvent:
    given = {"transition": "go", "from_state": "a", "to_state": "b"} | fields
    return EntityEvent(sequence, EntityEventType.TRANSITIONED, NOON, "anonymous", **given)


class EntityBook:
    """Counts how often it is read.

    is_final: whether the entity is in a final state.
    """

    def __init__(self, events: int = 1) -> None:
        self.events: list[EntityEvent] = []
        self.is_final = False
        self.is_failing = False
        self.reads = 0
        self._gates: list[Gate] = []
        self.write(events)

    def write(self, count: int = 1, **fields: Any) -> None:
        self.events += [moved(len(self.events) + number, **fields) for number in range(1, count + 1)]

    def hold(self) -> Gate:
        """The next read sees what is written now, and waits with it."""
        self._gates.append(Gate())
        return self._gates[-1]

    async def page(self, tenant_id: int, entity_id: UUID, after: int, limit: int) -> EntityPage | None:
        self.reads += 1
        if self.is_failing:
            raise StoreUnreachable("no answer")
        if (tenant_id, entity_id) != (TENANT_ID, ENTITY):
            return None
        found: Sequence[EntityEvent] = self.events[after : after + limit]
        page = EntityPage(ENTITY, MACHINE_ID, found, len(self.events), self.is_final)
        if self._gates:
            await self._gates.pop(0).pass_through()
        return page
