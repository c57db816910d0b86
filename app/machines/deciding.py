"""What a request does to an entity: a pure function of the machine, the entity and the request."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.domain.documents import rfc3339
from app.expressions.errors import EvaluationError
from app.machines.actors import Actor
from app.machines.conditions import Circumstances, EntityMeter, own_expression
from app.machines.entity import Entity, EntityEvent, EntityEventType, after
from app.machines.machine import MAX_AUTOMATIC, Run, State, Timer
from app.machines.plan import Edge, MachinePlan
from app.machines.refusals import Possible, Reason, Refusal

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TransitionRequest:
    """A request to move an entity. One of `to` and `transition`.

    to: the name of the target.
    transition: the name of the transition.
    actor: who makes it.
    notes, context: stored as they are.
    data: changes of the entity's data, a merge patch.
    expected_sequence: refuse unless the last event has this number.
    idempotency_key: a second request with the key gets the first one's answer.
    """

    actor: Actor
    to: str | None = None
    transition: str | None = None
    notes: str | None = None
    context: Json = field(default_factory=dict)
    data: Json | None = None
    expected_sequence: int | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """An execution that is started with a step.

    effect: `on_exit`, `run` or `on_enter`.
    run: as the machine defines it.
    """

    effect: str
    run: Run


@dataclass(frozen=True, slots=True)
class Step:
    """What is stored together: events, the entity after them, and the executions that are started.

    scope: the names in the inputs of these executions.
    """

    entity: Entity
    events: Sequence[EntityEvent]
    started: Sequence[Started] = ()
    scope: Json = field(default_factory=dict)


def begin(plan: MachinePlan, entity: Entity, request: TransitionRequest, now: datetime) -> Step:
    """The first step of an entity, which is as a new row has it: in the initial state, without events."""
    first = EntityEvent(
        sequence=1,
        type=EntityEventType.ENTITY_STARTED,
        occurred_at=now,
        actor=request.actor.name,
        to_state=plan.initial.name,
        on_behalf_of=request.actor.on_behalf_of,
        notes=request.notes,
        context=request.context or None,
        data=entity.data,
        idempotency_key=request.idempotency_key,
    )
    effects = [("on_enter", plan.initial.on_enter)]
    return _entered(plan, entity, [first], effects, circumstances(entity, request, now, {}))


def step(
    plan: MachinePlan, entity: Entity, request: TransitionRequest, now: datetime, last_actor_of: Mapping[str, str]
) -> Step | Refusal:
    """Move an entity, or say why not. Roles are judged first."""
    edge = find(plan, entity, request)
    if isinstance(edge, Refusal):
        return edge
    found = circumstances(entity, request, now, last_actor_of)
    if refusal := _refused(edge, found):
        return refusal
    event = EntityEvent(
        sequence=entity.sequence + 1,
        type=EntityEventType.TRANSITIONED,
        occurred_at=now,
        actor=request.actor.name,
        transition=edge.transition.name,
        from_state=entity.state,
        to_state=edge.target,
        on_behalf_of=request.actor.on_behalf_of,
        notes=request.notes,
        context=request.context or None,
        data=request.data or None,
        idempotency_key=request.idempotency_key,
    )
    left, entered = plan.states[entity.state], plan.states[edge.target]
    effects = [("on_exit", left.on_exit), ("run", edge.transition.run), ("on_enter", entered.on_enter)]
    return _entered(plan, entity, [event], effects, found)


def change_data(entity: Entity, request: TransitionRequest, now: datetime) -> Step:
    """Change the data and nothing else."""
    event = EntityEvent(
        sequence=entity.sequence + 1,
        type=EntityEventType.DATA_CHANGED,
        occurred_at=now,
        actor=request.actor.name,
        on_behalf_of=request.actor.on_behalf_of,
        notes=request.notes,
        context=request.context or None,
        data=request.data or {},
        idempotency_key=request.idempotency_key,
    )
    return Step(after(entity, [event], frozenset()), [event])


def fire(plan: MachinePlan, entity: Entity, actor: Actor, now: datetime, last_actor_of: Mapping[str, str]) -> Step:
    """What a timer that is due does: a transition, or an event that says what blocks it."""
    due = entity.due
    assert due is not None
    if entity.automatic >= MAX_AUTOMATIC:
        return _blocked(entity, actor, [f"{MAX_AUTOMATIC} transitions in a row without a caller, the limit"], now, None)
    request = TransitionRequest(actor, to=due.to, transition=due.transition)
    moved = step(plan, entity, request, now, last_actor_of)
    if isinstance(moved, Step):
        return moved
    return blocked(plan, entity, actor, moved.errors or [moved.message], now)


def blocked(plan: MachinePlan, entity: Entity, actor: Actor, errors: Sequence[str], now: datetime) -> Step:
    """The timer could not fire; it is tried again."""
    timer = plan.states[entity.state].after or Timer()
    return _blocked(entity, actor, errors, now, now + timedelta(seconds=timer.retry_seconds))


def _blocked(entity: Entity, actor: Actor, errors: Sequence[str], now: datetime, retry_at: datetime | None) -> Step:
    event = EntityEvent(
        sequence=entity.sequence + 1,
        type=EntityEventType.TIMER_BLOCKED,
        occurred_at=now,
        actor=actor.name,
        data={"errors": list(errors), "retry_at": rfc3339(retry_at)},
    )
    return Step(after(entity, [event], frozenset()), [event])


def migrate(plan: MachinePlan, entity: Entity, actor: Actor, to: str, now: datetime) -> Step:
    """Move an entity to the revision of the plan, and to a state of it. Its timer begins anew; nothing is started."""
    event = EntityEvent(
        sequence=entity.sequence + 1,
        type=EntityEventType.MIGRATED,
        occurred_at=now,
        actor=actor.name,
        from_state=entity.state,
        to_state=to,
        data={"from_revision": entity.revision, "to_revision": plan.machine.revision},
    )
    found = circumstances(entity, TransitionRequest(actor), now, {})
    return _entered(plan, entity, [event], [], found)


def possible(plan: MachinePlan, entity: Entity, found: Circumstances) -> Sequence[Possible]:
    """All transitions that leave the state, with what blocks each."""
    return [_possible(edge, found) for edge in plan.leaving(entity.state)]


def with_executions(moved: Step, started: Sequence[tuple[Started, UUID]]) -> Step:
    """The step with an event for each execution that is started."""
    first = moved.events[-1]
    events = [
        EntityEvent(
            sequence=first.sequence + number,
            type=EntityEventType.WORKFLOW_STARTED,
            occurred_at=first.occurred_at,
            actor=first.actor,
            data={"effect": one.effect, "workflow": one.run.workflow},
            execution_id=execution_id,
        )
        for number, (one, execution_id) in enumerate(started, start=1)
    ]
    entity = after(moved.entity, events, frozenset())
    return replace(moved, entity=entity, events=[*moved.events, *events])


def find(plan: MachinePlan, entity: Entity, request: TransitionRequest) -> Edge | Refusal:
    """The transition that a request means: by its name, or by its target if exactly one leads there."""
    state = entity.state
    if entity.is_final:
        return Refusal(Reason.FINAL, f"the entity is in the final state {state!r}, which nothing leaves", state)
    if request.transition is not None:
        edge = plan.named(state, request.transition)
        if edge is not None and request.to in (None, edge.target):
            return edge
        return _not_possible(plan, state, f"no transition {request.transition!r} leaves the state {state!r}")
    edges = plan.to(state, request.to or "")
    if len(edges) == 1:
        return edges[0]
    if not edges:
        return _not_possible(plan, state, f"no transition leads from the state {state!r} to {request.to!r}")
    names = [edge.transition.name for edge in edges]
    message = f"{len(names)} transitions lead from {state!r} to {request.to!r}: name one of {', '.join(names)}"
    return Refusal(Reason.AMBIGUOUS, message, state, names)


def circumstances(
    entity: Entity, request: TransitionRequest, now: datetime, last_actor_of: Mapping[str, str]
) -> Circumstances:
    about = {
        "id": str(entity.id),
        "machine_id": entity.machine_id,
        "entity_table": entity.table,
        "entity_id": entity.key,
        "sequence": entity.sequence,
    }
    context = request.context
    return Circumstances(
        entity.data, context, request.actor, about, entity.state, entity.entered_at, now, last_actor_of
    )


def actors_needed(plan: MachinePlan, entity: Entity) -> frozenset[str]:
    """The transitions whose last actor must be known to judge what leaves the state."""
    return frozenset[str]().union(*(edge.conditions.actors_of for edge in plan.leaving(entity.state)))


def _not_possible(plan: MachinePlan, state: str, what: str) -> Refusal:
    names = [edge.transition.name for edge in plan.leaving(state)]
    return Refusal(Reason.NOT_POSSIBLE, f"{what}; there are {', '.join(names) or 'none'}", state, names)


def _refused(edge: Edge, found: Circumstances) -> Refusal | None:
    name = edge.transition.name
    if errors := edge.conditions.failing(found, of_roles=True):
        return Refusal(Reason.ROLE, f"transition {name!r} needs {' and '.join(errors)}", found.state, errors)
    if errors := edge.conditions.failing(found, of_roles=False):
        message = f"transition {name!r} is blocked: {'; '.join(errors)}"
        return Refusal(Reason.CONDITIONS, message, found.state, errors)
    return None


def _possible(edge: Edge, found: Circumstances) -> Possible:
    errors = edge.conditions.failing(found, of_roles=True) + edge.conditions.failing(found, of_roles=False)
    one = edge.transition
    return Possible(one.name, edge.target, not errors, errors, one.context, one.metadata)


def _entered(
    plan: MachinePlan,
    before: Entity,
    events: list[EntityEvent],
    effects: Sequence[tuple[str, Run | None]],
    found: Circumstances,
) -> Step:
    """Add what belongs to entering a state: its timer, and the executions that are started."""
    entity = after(before, events, plan.finals)
    started = [Started(effect, run) for effect, run in effects if run is not None]
    state = plan.states[entity.state]
    if not started and state.after is None:
        return Step(entity, events)
    scope = found.scope() | {"data": entity.data, "state": entity.state, "entered_at": rfc3339(entity.entered_at)}
    events += _timer_set(state, events[0], scope)
    return Step(after(entity, events[1:], plan.finals), events, started, scope)


def _timer_set(state: State, entering: EntityEvent, scope: Json) -> Iterator[EntityEvent]:
    timer = state.after
    if timer is None or state.final:
        return
    at = _due(timer, entering.occurred_at, scope)
    data: dict[str, Any] = {"to": timer.to, "transition": timer.transition, "due_at": rfc3339(at)}
    if at is None:
        data = {"errors": [f"`after.at` of the state {state.name!r} has no instant: {timer.at}"], "retry_at": None}
    yield EntityEvent(
        sequence=entering.sequence + 1,
        type=EntityEventType.TIMER_BLOCKED if at is None else EntityEventType.TIMER_SET,
        occurred_at=entering.occurred_at,
        actor=entering.actor,
        data=data,
    )


def _due(timer: Timer, entered_at: datetime, scope: Json) -> datetime | None:
    """None when the expression for it has no value that is an instant."""
    if timer.seconds is not None:
        return entered_at + timedelta(seconds=timer.seconds)
    try:
        value = own_expression(timer.at or "").evaluate(scope, EntityMeter())
        at = datetime.fromisoformat(value)
    except (EvaluationError, TypeError, ValueError):
        return None
    return at if at.tzinfo is not None else None
