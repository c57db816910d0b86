"""Entities beside the executions of engines, in one database in memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from random import Random
from uuid import UUID

import orjson

from app.domain.events import Event, EventType
from app.domain.refs import Ref, parse_ref
from app.domain.states import ExecutionStatus
from app.domain.waiting import ENTITY_SIGNALS
from app.machines.deciding import Step
from app.machines.entity import Entity
from app.machines.machine import Machine
from app.machines.ports import Effect, Outlook, Stored
from tests.support.memory.database import MemoryDatabase, StoredRun, StoredWait
from tests.support.memory.entities import MemoryEntities


@dataclass(frozen=True, slots=True)
class MemoryMachines:
    """machines: the only one of each tenant, which does not change."""

    machines: dict[int, Machine]

    async def get(self, ref: Ref) -> Machine | None:
        machine = self.machines.get(ref.tenant_id)
        return machine if machine is not None and (ref.id == machine.id or ref.key == machine.key) else None

    async def revision(self, tenant_id: int, machine_id: int, revision: int) -> Machine | None:
        machine = self.machines.get(tenant_id)
        return machine if machine is not None and (machine.id, machine.revision) == (machine_id, revision) else None


@dataclass(frozen=True, slots=True)
class DatabaseClock:
    database: MemoryDatabase

    def now(self) -> datetime:
        return self.database.now()


class EntitiesOfEngines(MemoryEntities):
    """No call waits: what lies between a process and its database is for others to simulate."""

    def __init__(self, database: MemoryDatabase, machines: MemoryMachines) -> None:
        super().__init__(Random(0), DatabaseClock(database), 0.0, database.entities, database.entity_histories)
        self.runs = database.entity_runs
        self._database = database
        self._machines = machines
        database.waits = self._begin

    @asynccontextmanager
    async def trip(self) -> AsyncIterator[None]:
        yield

    async def store(self, tenant_id: int, step: Step, effects: Sequence[Effect] = ()) -> Stored:
        """Nothing of it if a workflow has changed."""
        if (refused := self.refused(step)) is not None:
            return refused
        for effect in effects:
            if not await self._database.may_run(tenant_id, effect.opening):
                return Stored.CHANGED
        return await super().store(tenant_id, step, effects)

    def write(self, step: Step) -> None:
        self._database.grow_entity(step.entity, step.events)
        self.held.pop(step.entity.id, None)
        for wait in self._database.entity_waits.values():
            self._meet(wait, step.entity)

    async def start(self, step: Step, effects: Sequence[Effect]) -> None:
        for effect in effects:
            opening = effect.opening
            assert await self._database.insert(effect.id, opening, None)
            pending = (ExecutionStatus.PENDING, 0)
            first = Event(1, EventType.EXECUTION_CREATED, opening.created_at, *pending, data=opening.created_data)
            self._database.grow(effect.id, [first])
            if effect.on_completed is not None or effect.on_failed is not None:
                self.runs[effect.id] = StoredRun(step.entity.id, effect.on_completed, effect.on_failed)

    async def outlook(self) -> Outlook:
        outlook = await super().outlook()
        waits = self._database.entity_waits.values()
        return Outlook(outlook.seconds, outlook.has_ended, any(one.is_new or one.met is not None for one in waits))

    async def tell(self, limit: int) -> bool:
        """Ends of executions are not swept: each is noted by the step that is the end."""
        waits = self._database.entity_waits
        for wait in waits.values():
            wait.is_new = False
        met = [(key, wait.met) for key, wait in waits.items() if wait.met is not None]
        for (execution_id, signal), payload in met:
            del waits[execution_id, signal]
            self._database.tell(execution_id, signal, payload)
        return bool(met)

    def _begin(self, execution_id: UUID, signal: str) -> StoredWait:
        tenant_id = self._database.executions[execution_id].execution.tenant_id
        machine, table, key, states = orjson.loads(signal.removeprefix(ENTITY_SIGNALS))
        found = self._machines.machines[tenant_id]
        assert parse_ref(machine, tenant_id).key == found.key
        wait = StoredWait(about=(tenant_id, found.id, table, key), states=states)
        if (entity := self.named((tenant_id, found.id, table, key))) is not None:
            self._meet(wait, entity)
        return wait

    def _meet(self, wait: StoredWait, entity: Entity) -> None:
        name = (entity.tenant_id, entity.machine_id, entity.table, entity.key)
        if wait.met is None and wait.about == name and entity.state in wait.states:
            told = {"entity_id": str(entity.id), "state": entity.state, "sequence": entity.sequence}
            wait.met = orjson.dumps(told).decode()
