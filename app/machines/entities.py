"""Starts, moves and reads entities of the caller's tenant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.domain.callers import EVERYONE, Caller
from app.domain.errors import NotFound, PermissionDenied
from app.domain.permissions import Scope
from app.domain.refs import Ref
from app.engine.identifiers import new_execution_id
from app.machines.actors import Actor, actor_of, is_automatic
from app.machines.deciding import (
    Step,
    TransitionRequest,
    begin,
    change_data,
    circumstances,
    possible,
    step,
    too_many_in_a_row,
)
from app.machines.entity import Entity, EntityEvent
from app.machines.limits import check_names, check_request, check_target
from app.machines.plan import MachinePlan
from app.machines.plans import MachinePlans
from app.machines.ports import EntityFilter, EntityStore, Stored
from app.machines.refusals import EntityExists, Possible, Reason, Refusal, TransitionRefused
from app.machines.writing import TRIES, EntityWriter, Moved, keeps_changing

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EntityStart:
    """A request to start an entity.

    machine: the machine that is to govern it.
    table, key: what it is called outside.
    request: who starts it, and why.
    data: its own.
    """

    machine: Ref
    table: str
    key: str
    request: TransitionRequest
    data: Json = field(default_factory=dict)


class EntityService:
    """Entities of the caller's tenant.

    Unknown ids raise `NotFound`; `TransitionRefused` says what the state, a condition or a role does not allow. Writes
    raise `Unavailable` when it is unknown whether they took effect: repeat them with an idempotency key.

    store: where entities are.
    plans: the compiled machines.
    writer: stores steps.
    new_id: makes the ids of entities.
    """

    def __init__(
        self,
        store: EntityStore,
        plans: MachinePlans,
        writer: EntityWriter,
        new_id: Callable[[], UUID] = new_execution_id,
    ) -> None:
        self._store = store
        self._plans = plans
        self._writer = writer
        self._new_id = new_id

    def actor(self, caller: Caller, on_behalf_of: str | None = None) -> Actor:
        """Who acts. Raise `PermissionDenied` for a caller that may not act for another one."""
        may = caller.principal == EVERYONE or Scope.MACHINES_IMPERSONATE in caller.scopes
        if on_behalf_of is not None and not may:
            raise PermissionDenied(f"`executed_by` needs the scope {Scope.MACHINES_IMPERSONATE.value}")
        return actor_of(caller, on_behalf_of)

    async def start(self, caller: Caller, wanted: EntityStart) -> Moved:
        """Start an entity in the initial state of the current revision. Raise `EntityExists`, `EffectFailed`."""
        check_names(wanted.table, wanted.key)
        check_request(wanted.request)
        plan = await self._plans.current(wanted.machine)
        for _ in range(TRIES):
            moved = begin(plan, self._new(caller, plan, wanted), wanted.request, self._writer.clock.now())
            kept, stored = await self._writer.write(moved)
            if stored is Stored.STORED:
                return Moved(kept.entity, kept.events[0])
            if stored is Stored.EXISTS:
                return await self._existing(caller, plan, wanted)
        raise keeps_changing(wanted.machine)

    async def transition(self, caller: Caller, entity_id: UUID, request: TransitionRequest) -> Moved:
        """Move an entity. Raise `TransitionRefused`, `SequenceMismatch`, `EffectFailed`."""
        check_request(request)
        check_target(request)
        return await self._writer.change(
            caller.tenant_id, entity_id, request, lambda entity: self._step(entity, request)
        )

    async def change_data(self, caller: Caller, entity_id: UUID, request: TransitionRequest) -> Moved:
        """Change the data of an entity that is not in a final state."""
        check_request(request)

        async def decide(entity: Entity) -> Step:
            if entity.is_final:
                message = f"the entity is in the final state {entity.state!r}, in which its data do not change"
                raise TransitionRefused(Refusal(Reason.FINAL, message, entity.state))
            return change_data(entity, request, self._writer.clock.now())

        return await self._writer.change(caller.tenant_id, entity_id, request, decide)

    async def get(self, caller: Caller, entity_id: UUID) -> Entity:
        return await self._writer.get(caller.tenant_id, entity_id)

    async def find(self, caller: Caller, machine: Ref, table: str, key: str) -> Entity:
        """The entity of a thing."""
        plan = await self._plans.current(machine)
        found = await self._store.find(caller.tenant_id, plan.machine.id, table, key)
        if found is None:
            raise NotFound("entity", f"{table}/{key}")
        return found

    async def list(self, caller: Caller, wanted: EntityFilter, before: UUID | None, limit: int) -> Sequence[Entity]:
        """Newest first."""
        return await self._store.list(caller.tenant_id, wanted, before, limit)

    async def history(self, caller: Caller, entity_id: UUID, after: int, limit: int) -> Sequence[EntityEvent]:
        """At most `limit` events after a number."""
        found = await self._store.history(caller.tenant_id, entity_id, after, limit)
        if not found:
            await self._writer.get(caller.tenant_id, entity_id)
        return found

    async def possible(self, caller: Caller, entity_id: UUID, request: TransitionRequest) -> Sequence[Possible]:
        """All transitions that leave the state, with what blocks each for this actor and context. Changes nothing."""
        entity = await self._writer.get(caller.tenant_id, entity_id)
        plan = await self._writer.plan_of(entity)
        actors = await self._writer.last_actors(plan, entity)
        return possible(plan, entity, circumstances(entity, request, self._writer.clock.now(), actors))

    async def _step(self, entity: Entity, request: TransitionRequest) -> Step:
        plan = await self._writer.plan_of(entity)
        actors = await self._writer.last_actors(plan, entity)
        moved = _too_many(entity, request) or step(plan, entity, request, self._writer.clock.now(), actors)
        if isinstance(moved, Refusal):
            raise TransitionRefused(moved)
        return moved

    def _new(self, caller: Caller, plan: MachinePlan, wanted: EntityStart) -> Entity:
        now, machine = self._writer.clock.now(), plan.machine
        return Entity(
            id=self._new_id(),
            tenant_id=caller.tenant_id,
            machine_id=machine.id,
            revision=machine.revision,
            table=wanted.table,
            key=wanted.key,
            state=plan.initial.name,
            sequence=0,
            is_final=plan.initial.final,
            data=wanted.data,
            entered_at=now,
            created_at=now,
            updated_at=now,
        )

    async def _existing(self, caller: Caller, plan: MachinePlan, wanted: EntityStart) -> Moved:
        """The first answer again, if the start is repeated with its idempotency key."""
        found = await self._store.find(caller.tenant_id, plan.machine.id, wanted.table, wanted.key)
        if found is None:
            raise keeps_changing(wanted.key)
        key = wanted.request.idempotency_key
        event = None if key is None else await self._store.answered(caller.tenant_id, found.id, key)
        if event is None or event.sequence != 1:
            raise EntityExists(wanted.table, wanted.key, found.id)
        return Moved(found, event, was_repeated=True)


def _too_many(entity: Entity, request: TransitionRequest) -> Refusal | None:
    """Executions that move the entity which has started them could do so without end."""
    return too_many_in_a_row(entity) if is_automatic(request.actor.name) else None
