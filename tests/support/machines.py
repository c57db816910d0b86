"""A house for machines: the services on a real database, and short ways to define and move."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.adapters.database.entities import PostgresEntityStore, PostgresEntityTimers
from app.adapters.database.executions import PostgresDefinitionReader
from app.adapters.database.machines import PostgresMachineStore
from app.adapters.database.pool import Pool, open_pool
from app.background.turns import Turns
from app.domain.callers import Caller
from app.domain.payloads import Payloads
from app.domain.refs import Ref
from app.engine.evaluating.evaluations import Evaluations
from app.engine.planning.plans import Plans
from app.machines.actors import actor_of
from app.machines.deciding import TransitionRequest
from app.machines.effects import Effects
from app.machines.entities import EntityService, EntityStart
from app.machines.machine import Machine
from app.machines.migrating import MigrationService
from app.machines.parsing import parse_machine
from app.machines.plans import MachinePlans
from app.machines.service import MachineService
from app.machines.timers import EntityTimerLoop
from app.machines.writing import EntityWriter, Moved
from tests.support.inline_evaluator import InlineEvaluator
from tests.support.tenant import CALLER
from tests.support.walls import api_url, engine_url

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)

FRAUD: dict[str, Any] = {
    "workflow": {"name": "fraud_detection", "version": "1.0", "metadata": {"category": "risk"}},
    "states": [
        {"name": "initial_state", "initial": True, "metadata": {"color": "#orange"}},
        {"name": "processing"},
        {"name": "completed", "final": True},
        {"name": "cancelled", "final": True},
    ],
    "transitions": [
        {
            "from": "initial_state",
            "to": "processing",
            "name": "start_processing",
            "conditions": {"field_required": "approval_code"},
        },
        {"from": "processing", "to": "completed", "name": "complete"},
        {"from": "*", "to": "cancelled", "name": "cancel"},
    ],
}


@dataclass
class MovingClock:
    """A clock that a test sets."""

    instant: datetime = NOON

    def now(self) -> datetime:
        return self.instant

    def pass_by(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


@dataclass
class NoSignals:
    """Wake-ups that reach nothing, but are noted."""

    announced: list[tuple[str, str]] = field(default_factory=list)

    async def announce(self, channel: str, payload: str) -> None:
        self.announced.append((channel, payload))

    def subscribe(self, channel: str, listener: Any) -> None:
        return None


@dataclass
class MachineHouse:
    """The services of machines.

    clock: theirs; the database has its own, by which timers are due.
    """

    clock: MovingClock
    machines: MachineService
    entities: EntityService
    migrations: MigrationService
    store: PostgresEntityStore
    writer: EntityWriter
    loop: EntityTimerLoop

    async def define(self, document: dict[str, Any], caller: Caller = CALLER) -> Machine:
        return (await self.machines.create(caller, parse_machine(document))).machine

    def request(self, caller: Caller = CALLER, **fields: Any) -> TransitionRequest:
        return TransitionRequest(self.entities.actor(caller), **fields)

    async def start(self, machine: Machine, key: str = "1", caller: Caller = CALLER, **fields: Any) -> Moved:
        data = fields.pop("data", {})
        request = TransitionRequest(actor_of(caller), **fields)
        ref = Ref(tenant_id=caller.tenant_id, id=machine.id)
        return await self.entities.start(caller, EntityStart(ref, "transactions", key, request, data))

    async def move(self, entity_id: UUID, caller: Caller = CALLER, **fields: Any) -> Moved:
        actor = self.entities.actor(caller, fields.pop("executed_by", None))
        return await self.entities.transition(caller, entity_id, TransitionRequest(actor, **fields))


@asynccontextmanager
async def machine_house(database_url: str) -> AsyncIterator[MachineHouse]:
    async with (
        open_pool(api_url(database_url), 10, 60) as pool,
        open_pool(engine_url(database_url), 2, 60) as engine_pool,
    ):
        yield build_house(pool, engine_pool)


def build_house(pool: Pool, engine_pool: Pool) -> MachineHouse:
    clock, signals = MovingClock(), NoSignals()
    evaluations = Evaluations(InlineEvaluator(), Turns())
    machines, store = PostgresMachineStore(pool, clock.now), PostgresEntityStore(pool)
    plans = MachinePlans(machines)
    effects = Effects(Plans(PostgresDefinitionReader(pool), evaluations.turns), evaluations, Payloads(1 << 20))
    writer = EntityWriter(store, plans, effects, clock, signals)
    return MachineHouse(
        clock,
        MachineService(machines),
        EntityService(store, plans, writer),
        MigrationService(machines, store, plans, writer),
        store,
        writer,
        EntityTimerLoop(PostgresEntityTimers(engine_pool), writer),
    )
