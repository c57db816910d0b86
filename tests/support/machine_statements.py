"""Every statement about machines and entities that is sent with the login of callers: all methods of their stores."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from app.adapters.database.entities import PostgresEntityStore
from app.adapters.database.listings import PostgresListings
from app.adapters.database.machines import PostgresMachineStore
from app.adapters.database.pool import Pool
from app.domain.refs import Ref
from app.machines.actors import Actor
from app.machines.deciding import Step, TransitionRequest, begin, change_data
from app.machines.entity import Entity
from app.machines.listed import ENTITIES, RESOURCES
from app.machines.listing import Field, Listing, Operator, Term
from app.machines.parsing import parse_machine
from app.machines.plan import compile_machine
from app.machines.ports import EntityFilter, MachineFilter, Stored
from tests.support.acts import act_of
from tests.support.machines import FRAUD

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY = "fraud_detection"
Call = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class MachineThings:
    """What one tenant has: a machine with an entity, and a spare one without."""

    machine_id: int
    spare_id: int
    entity: Entity


class MachineStores:
    def __init__(self, pool: Pool) -> None:
        self.machines = PostgresMachineStore(pool, lambda: NOW)
        self.entities = PostgresEntityStore(pool)
        self.listings = PostgresListings(pool)

    async def fill(self, tenant_id: int) -> MachineThings:
        act = act_of(tenant_id)
        machine = await self.machines.create(act, parse_machine(FRAUD))
        spare = await self.machines.create(act, parse_machine({**FRAUD, "workflow": {"name": "spare"}}))
        request = TransitionRequest(Actor("key:a"), idempotency_key="k")
        times = {"entered_at": NOW, "created_at": NOW, "updated_at": NOW}
        row = Entity(
            uuid.uuid4(), tenant_id, machine.id, 1, "t", "1", "initial_state", 0, is_final=False, data={}, **times
        )
        step = begin(compile_machine(machine), row, request, NOW)
        assert await self.entities.store(tenant_id, step) is Stored.STORED
        return MachineThings(machine.id, spare.id, step.entity)

    def reads(self, tenant_id: int, of: MachineThings) -> Mapping[str, Call]:
        """As `Stores.calls`."""
        m, e, one = self.machines, self.entities, of.entity.id
        by_id, by_key = Ref(tenant_id=tenant_id, id=of.machine_id), Ref(tenant_id=tenant_id, key=KEY)
        name = Term(Field(ENTITIES.columns["workflow_name"]), Operator.EQ, KEY)
        return {
            "machine": lambda: m.get(by_id),
            "revision of a machine": lambda: m.revision(tenant_id, of.machine_id, 1),
            "revisions of a machine": lambda: m.revisions(by_id, 0, 10),
            "entity": lambda: e.get(tenant_id, one),
            "entity of a thing": lambda: e.find(tenant_id, of.machine_id, "t", "1"),
            "first answer": lambda: e.answered(tenant_id, one, "k"),
            "last actors": lambda: e.last_actors(tenant_id, one, ["cancel"]),
            "history of an entity": lambda: e.history(tenant_id, one, 0, 10),
            "page of an entity": lambda: e.page(tenant_id, one, 0, 10),
            "entities of a machine": lambda: e.list(tenant_id, EntityFilter(of.machine_id), None, 10),
            "entities of other revisions": lambda: e.of_other_revisions(tenant_id, of.machine_id, 2, None, 10),
            "* machine by key": lambda: m.get(by_key),
            "* machines": lambda: m.list(tenant_id, MachineFilter(), 0, 10),
            "* entities": lambda: e.list(tenant_id, EntityFilter(), None, 10),
            **{f"* rows of {key}": self._rows(tenant_id, Listing(one, ())) for key, one in RESOURCES.items()},
            **{f"* count of {key}": self._count(tenant_id, Listing(one, ())) for key, one in RESOURCES.items()},
            "* rows of a machine that is named": self._rows(tenant_id, Listing(ENTITIES, (), where=(name,))),
        }

    def writes(self, tenant_id: int, of: MachineThings) -> Mapping[str, Call]:
        m, act = self.machines, act_of(tenant_id)
        by_id, spare = Ref(tenant_id=tenant_id, id=of.machine_id), Ref(tenant_id=tenant_id, id=of.spare_id)
        by_key = Ref(tenant_id=tenant_id, key=KEY)
        step = change_data(of.entity, TransitionRequest(Actor("key:a"), data={"a": 1}), NOW)
        foreign = replace(step, entity=replace(step.entity, tenant_id=tenant_id))
        return {
            "step of an entity": lambda: self._stored(tenant_id, foreign),
            "change a machine": lambda: m.change(act, by_id, lambda current: replace(current, name="again"), None),
            "* change no machine": lambda: m.change(act, by_key, lambda current: current, None),
            "delete a machine": lambda: m.delete(act, spare, None),
        }

    def _rows(self, tenant_id: int, listing: Listing) -> Call:
        return lambda: self.listings.rows(tenant_id, listing)

    def _count(self, tenant_id: int, listing: Listing) -> Call:
        return lambda: self.listings.count(tenant_id, listing)

    async def _stored(self, tenant_id: int, step: Step) -> bool | None:
        return await self.entities.store(tenant_id, step) is Stored.STORED or None
