"""Entities in memory. Every call takes a while before its effect and after it, and its answer may be lost."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from app.adapters.database.entities import HELD_SECONDS
from app.engine.ports import Clock, StoreUnreachable
from app.machines.deciding import Step
from app.machines.entity import Entity, EntityEvent
from app.machines.ports import Effect, EndedRun, EntityFilter, Outlook, Stored
from tests.support.memory.database import StoredRun

HELD = timedelta(seconds=HELD_SECONDS)


@dataclass
class MemoryEntities:
    """Both what callers and what engines use.

    trouble: how likely it is that a call fails, before its effect or after it.
    """

    chance: Random
    clock: Clock
    trouble: float = 0.1
    rows: dict[UUID, Entity] = field(default_factory=dict)
    histories: dict[UUID, list[EntityEvent]] = field(default_factory=dict)
    executions: dict[UUID, str | None] = field(default_factory=dict)
    runs: dict[UUID, StoredRun] = field(default_factory=dict)
    held: dict[UUID, datetime] = field(default_factory=dict)

    @asynccontextmanager
    async def trip(self) -> AsyncIterator[None]:
        await asyncio.sleep(self.chance.random() * 0.05)
        self._fail()
        yield
        await asyncio.sleep(self.chance.random() * 0.05)
        self._fail()

    def _fail(self) -> None:
        if self.chance.random() < self.trouble:
            raise StoreUnreachable("the answer is lost")

    # Callers

    async def store(self, tenant_id: int, step: Step, effects: Sequence[Effect] = ()) -> Stored:
        async with self.trip():
            if (refused := self.refused(step)) is None:
                self.write(step)
                await self.start(step, effects)
        return refused or Stored.STORED

    def refused(self, step: Step) -> Stored | None:
        entity, first = step.entity, step.events[0]
        current = self.rows.get(entity.id)
        if first.sequence == 1:
            return Stored.EXISTS if self.named(_name(entity)) is not None else None
        if current is None or current.sequence != first.sequence - 1:
            return Stored.MOVED
        return None

    def write(self, step: Step) -> None:
        self.rows[step.entity.id] = step.entity
        self.histories.setdefault(step.entity.id, []).extend(step.events)
        self.held.pop(step.entity.id, None)

    async def start(self, step: Step, effects: Sequence[Effect]) -> None:
        for effect in effects:
            self.executions[effect.id] = effect.opening.idempotency_key
            self.runs[effect.id] = StoredRun(step.entity.id, effect.on_completed, effect.on_failed)

    async def get(self, tenant_id: int, entity_id: UUID) -> Entity | None:
        async with self.trip():
            return self._of(tenant_id, entity_id)

    async def find(self, tenant_id: int, machine_id: int, table: str, key: str) -> Entity | None:
        async with self.trip():
            return self.named((tenant_id, machine_id, table, key))

    async def answered(self, tenant_id: int, entity_id: UUID, idempotency_key: str) -> EntityEvent | None:
        async with self.trip():
            events = () if self._of(tenant_id, entity_id) is None else self.histories[entity_id]
            return next((event for event in events if event.idempotency_key == idempotency_key), None)

    async def last_actors(self, tenant_id: int, entity_id: UUID, names: Collection[str]) -> Mapping[str, str]:
        return {}

    async def history(self, tenant_id: int, entity_id: UUID, after: int, limit: int) -> Sequence[EntityEvent]:
        return self.histories[entity_id][after : after + limit]

    async def list(self, tenant_id: int, wanted: EntityFilter, before: UUID | None, limit: int) -> Sequence[Entity]:
        return list(self.rows.values())

    async def of_other_revisions(
        self, tenant_id: int, machine_id: int, revision: int, after: UUID | None, limit: int
    ) -> Sequence[Entity]:
        return ()

    def named(self, name: tuple[int, int, str, str]) -> Entity | None:
        return next((one for one in self.rows.values() if _name(one) == name), None)

    def _of(self, tenant_id: int, entity_id: UUID) -> Entity | None:
        found = self.rows.get(entity_id)
        return found if found is not None and found.tenant_id == tenant_id else None

    # Engines

    async def outlook(self) -> Outlook:
        async with self.trip():
            now = self.clock.now()
            times = [one.due.at for one in self.rows.values() if one.due is not None and self.is_free(one.id)]
            has_ended = any(run.ended is not None for run in self.runs.values())
        return Outlook(min((time - now).total_seconds() for time in times) if times else None, has_ended)

    async def due(self, limit: int) -> Sequence[Entity]:
        async with self.trip():
            now = self.clock.now()
            found = [
                one for one in self.rows.values() if one.due is not None and one.due.at <= now and self.is_free(one.id)
            ]
            self.held |= {one.id: now + HELD for one in found[:limit]}
        return found[:limit]

    def is_free(self, entity_id: UUID) -> bool:
        return entity_id not in self.held or self.held[entity_id] <= self.clock.now()

    async def ended(self, limit: int) -> Sequence[EndedRun]:
        async with self.trip():
            now = self.clock.now()
            found = []
            for execution_id, run in self.runs.items():
                if run.ended is not None and (run.held_until is None or run.held_until <= now):
                    run.held_until = now + HELD
                    name = run.on_completed if run.ended == "completed" else run.on_failed
                    found.append(EndedRun(execution_id, run.entity_id, self.rows[run.entity_id].tenant_id, name))
        return found

    async def sweep(self, limit: int) -> None:
        return None

    async def tell(self, limit: int) -> bool:
        return False

    async def settle(self, execution_id: UUID) -> None:
        async with self.trip():
            self.runs.pop(execution_id, None)


def _name(entity: Entity) -> tuple[int, int, str, str]:
    return entity.tenant_id, entity.machine_id, entity.table, entity.key
