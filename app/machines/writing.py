"""Writes of entities: decide, store if nothing has happened meanwhile, else decide anew."""

from asyncio import Lock
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID
from weakref import WeakValueDictionary

from app.domain.errors import NotFound, Unavailable
from app.engine.ports import LOOK_AGAIN_SECONDS, NEW_WORK, Clock, NoStartQuota, Signals, StartQuota, StoreUnreachable
from app.machines.actors import is_automatic
from app.machines.deciding import Step, TransitionRequest, actors_needed
from app.machines.effects import Effects
from app.machines.entity import Entity, EntityEvent, EntityEventType
from app.machines.limits import check_data
from app.machines.plan import MachinePlan
from app.machines.plans import MachinePlans
from app.machines.ports import NEW_ENTITIES, NEW_TIMERS, EntityStore, Stored
from app.machines.refusals import SequenceMismatch

TRIES = 100
"""A request is decided again after each rival in another process that was faster."""

_TIMED = frozenset({EntityEventType.TIMER_SET, EntityEventType.TIMER_BLOCKED})

Decide = Callable[[Entity], Awaitable[Step]]
"""What a request does to an entity as it is now. Raises what the request is refused with."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The answer to a request that has changed an entity.

    entity: as it is now. Of a repeated request, its state may be a later one.
    event: the first event of the request. The answer is made of it, so that each repetition gets the same.
    was_repeated: whether an earlier request with the same idempotency key has made the event.
    """

    entity: Entity
    event: EntityEvent
    was_repeated: bool = False


class EntityWriter:
    """Stores steps of entities.

    store: where entities are.
    plans: the compiled machines.
    effects: prepares the executions that are started.
    signals: wakes up engines, and those who watch entities.
    quota: how many executions the callers of a tenant may start.
    """

    def __init__(
        self,
        store: EntityStore,
        plans: MachinePlans,
        effects: Effects,
        clock: Clock,
        signals: Signals,
        quota: StartQuota | None = None,
    ) -> None:
        self._store = store
        self._plans = plans
        self._effects = effects
        self._signals = signals
        self._quota = quota or NoStartQuota()
        self._locks: WeakValueDictionary[UUID, Lock] = WeakValueDictionary()
        self.clock = clock

    async def change(self, tenant_id: int, entity_id: UUID, request: TransitionRequest, decide: Decide) -> Moved:
        """Change an entity by what `decide` returns. Raise `SequenceMismatch`, and what `decide` raises.

        Requests of this process about one entity take turns. Otherwise each of them would be decided again after all
        the others, which for 64 takes ten times as long.
        """
        async with self._turn(entity_id):
            return await self._change(tenant_id, entity_id, request, decide)

    async def _change(self, tenant_id: int, entity_id: UUID, request: TransitionRequest, decide: Decide) -> Moved:
        for _ in range(TRIES):
            entity = await self.get(tenant_id, entity_id)
            if (known := await self._answered(entity, request)) is not None:
                return Moved(entity, known, was_repeated=True)
            if request.expected_sequence not in (None, entity.sequence):
                raise SequenceMismatch(entity_id, entity.sequence)
            kept, stored = await self.write(await decide(entity))
            if stored is Stored.STORED:
                return Moved(kept.entity, kept.events[0])
        raise keeps_changing(entity_id)

    async def write(self, moved: Step) -> tuple[Step, Stored]:
        """Store a step with the executions that it starts, once. Raise `EffectFailed`."""
        tenant_id = moved.entity.tenant_id
        check_data(moved.entity.data)
        if moved.started and not is_automatic(moved.events[0].actor):
            self._quota.spend(tenant_id)
        kept, effects = await self._effects.of(moved)
        stored = await self._store.store(tenant_id, kept, effects)
        if stored is Stored.STORED:
            await self._announce(kept, starts=bool(effects))
        return kept, stored

    async def get(self, tenant_id: int, entity_id: UUID) -> Entity:
        """Raise `NotFound`."""
        found = await self._store.get(tenant_id, entity_id)
        if found is None:
            raise NotFound("entity", entity_id)
        return found

    async def plan_of(self, entity: Entity) -> MachinePlan:
        """The revision that the entity is pinned to."""
        return await self._plans.get(entity.tenant_id, entity.machine_id, entity.revision)

    async def last_actors(self, plan: MachinePlan, entity: Entity) -> Mapping[str, str]:
        """Who has made those transitions whose actors must be known to check what leaves the entity's state."""
        names = actors_needed(plan, entity)
        return await self._store.last_actors(entity.tenant_id, entity.id, names) if names else {}

    def _turn(self, entity_id: UUID) -> Lock:
        """The lock of an entity, which exists as long as a request holds it or waits for it."""
        return self._locks.setdefault(entity_id, Lock())

    async def _announce(self, kept: Step, *, starts: bool) -> None:
        with suppress(StoreUnreachable):
            await self._signals.announce(NEW_ENTITIES, str(kept.entity.id))
            if (seconds := _soon(kept)) is not None:
                await self._signals.announce(NEW_TIMERS, f"{seconds:.3f}")
            if starts:
                await self._signals.announce(NEW_WORK, "")

    async def _answered(self, entity: Entity, request: TransitionRequest) -> EntityEvent | None:
        if request.idempotency_key is None:
            return None
        return await self._store.answered(entity.tenant_id, entity.id, request.idempotency_key)


def _soon(kept: Step) -> float | None:
    """In how many seconds the timer is due that the step has set; None if engines look before that anyway."""
    due = kept.entity.due
    if due is None or not any(event.type in _TIMED for event in kept.events):
        return None
    seconds = (due.at - kept.entity.updated_at).total_seconds()
    return seconds if seconds < LOOK_AGAIN_SECONDS else None


def keeps_changing(what: object) -> Unavailable:
    return Unavailable(f"{what} keeps changing; repeat the request")
