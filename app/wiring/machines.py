"""Joins machines to the database, and to the executions that entities start."""

from functools import partial

from app.adapters.database.entities import PostgresEntityStore, PostgresEntityTimers
from app.adapters.database.listings import PostgresListings
from app.adapters.database.machines import PostgresMachineStore
from app.adapters.database.pool import DriverUUID, Pool
from app.adapters.database.signals import PostgresSignals
from app.adapters.system_clock import SystemClock
from app.config import Settings
from app.domain.payloads import Payloads
from app.engine.identifiers import new_execution_id
from app.engine.ports import ENTITY_WORK, StartQuota
from app.machines.effects import Effects
from app.machines.entities import EntityService
from app.machines.machines import Machines
from app.machines.migrating import MigrationService
from app.machines.plans import MachinePlans
from app.machines.ports import NEW_ENTITIES, NEW_TIMERS
from app.machines.service import MachineService
from app.machines.timers import EntityTimerLoop
from app.machines.watching import EntityWatching
from app.machines.writing import EntityWriter
from app.wiring.parts import Shared


def build_machines(settings: Settings, shared: Shared, quota: StartQuota) -> Machines:
    """The use case, with the login that callers are served with. Call before the signals are started."""
    clock, new_id = SystemClock(), partial(new_execution_id, DriverUUID)
    machines = PostgresMachineStore(shared.pool, clock.now, shared.entries)
    store, plans = PostgresEntityStore(shared.pool), MachinePlans(machines)
    effects = Effects(shared.plans, shared.evaluations, Payloads(settings.max_input_bytes), new_id)
    writer = EntityWriter(store, plans, effects, clock, shared.signals, quota)
    watching = EntityWatching(store, settings.watch_poll_seconds)
    shared.signals.subscribe(NEW_ENTITIES, watching.wake)
    return Machines(
        definitions=MachineService(machines),
        entities=EntityService(store, plans, writer, new_id),
        migrations=MigrationService(machines, store, plans, writer),
        watching=watching,
        writer=writer,
        listings=PostgresListings(shared.pool),
    )


def build_entity_timers(
    settings: Settings, pool: Pool, signals: PostgresSignals, writer: EntityWriter
) -> EntityTimerLoop:
    """What is due is found with the login of engines, and stored with that of callers, in its tenant. The loop
    subscribes to `signals`, so they must not be started yet.
    """
    loop = EntityTimerLoop(PostgresEntityTimers(pool), writer, settings.engine_poll_seconds)
    signals.subscribe(NEW_TIMERS, loop.timer_set)
    signals.subscribe(ENTITY_WORK, lambda _: loop.wake())
    return loop
