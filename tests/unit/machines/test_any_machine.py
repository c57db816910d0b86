"""Any machine, any requests: nothing leaves a final state, numbers have no gap, the row is the fold of the events."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from app.checking.entities import States, check_entity
from app.machines.actors import Actor, execution_actor, timer
from app.machines.deciding import Step, TransitionRequest, begin, change_data, fire, migrate, step, with_executions
from app.machines.entity import Entity, EntityEvent, EntityEventType
from app.machines.machine import Machine
from app.machines.parsing import parse_machine
from app.machines.plan import MachinePlan, compile_machine
from app.machines.refusals import Refusal
from tests.support.machines import NOON
from tests.support.simulated_entity_checks import row_of, seen

STATES = [f"s{number}" for number in range(5)]
NAMES = ["go", "back", "stop"]
RUN = {"workflow": "w"}
CONDITIONS = st.sampled_from(
    [{}, {}, {"field_required": "a"}, {"cel": "data.a > 1"}, {"min_seconds_in_state": 5}, {"not_same_actor_as": "go"}]
)
ACTORS = st.sampled_from([Actor("ann"), Actor("bob"), execution_actor(UUID(int=5))])
VALUES = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from([None, 1, 2, {"c": 1}]), max_size=2)
WAYS = st.sampled_from(["name", "name", "target", "target", "data", "timer", "timer", "migrate"])
REQUESTS = st.lists(
    st.tuples(WAYS, st.sampled_from(STATES), st.sampled_from(NAMES), VALUES, ACTORS, st.integers(0, 20)), max_size=25
)


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    names = STATES[: draw(st.integers(2, len(STATES)))]
    finals = draw(st.sets(st.sampled_from(names[1:]), max_size=2))
    sources = [name for name in names if name not in finals]
    edges: dict[tuple[str, str], dict[str, Any]] = {}
    for _ in range(draw(st.integers(1, 10))):
        source, name = draw(st.sampled_from([*sources, "*"])), draw(st.sampled_from(NAMES))
        target, conditions = draw(st.sampled_from(names)), draw(CONDITIONS)
        edges[source, name] = {"from": source, "to": target, "name": name, "conditions": conditions}
        if draw(st.integers(0, 4)) == 0:
            edges[source, name]["run"] = RUN
    states = [_state(draw, name, finals, list(edges.values())) for name in names]
    draft = parse_machine({"name": "m", "states": states, "transitions": _known(list(edges.values()))})
    fields = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
    return Machine(**fields, id=1, revision=1, created_at=NOON, updated_at=NOON)


def _known(edges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Conditions that name a transition name one that there is."""
    names = {edge["name"] for edge in edges}
    return [
        edge if "go" in names or "not_same_actor_as" not in edge["conditions"] else edge | {"conditions": {}}
        for edge in edges
    ]


def _state(draw: st.DrawFn, name: str, finals: set[str], edges: list[dict[str, Any]]) -> dict[str, Any]:
    state: dict[str, Any] = {"name": name, "initial": name == STATES[0], "final": name in finals}
    ways = [edge["name"] for edge in edges if edge["from"] == name]
    if ways and name not in finals and draw(st.booleans()):
        state["after"] = {"seconds": draw(st.integers(1, 9)), "transition": draw(st.sampled_from(ways))}
    if draw(st.integers(0, 3)) == 0:
        state["on_enter"] = RUN
    return state


@given(machines(), REQUESTS)
@settings(max_examples=300, deadline=None)
def test_what_is_promised_holds_for_any_machine(machine: Machine, requests: Sequence[Any]) -> None:
    plan, now = compile_machine(machine), NOON
    times = {"entered_at": now, "created_at": now, "updated_at": now}
    row = Entity(UUID(int=1), 1, 1, 1, "t", "1", plan.initial.name, 0, is_final=False, data={}, **times)
    entity, events = _stored(begin(plan, row, TransitionRequest(Actor("ann")), now), [])
    for way, state, name, data, actor, seconds in requests:
        now += timedelta(seconds=seconds)
        made = _made(plan, entity, TransitionRequest(actor, data=data), way, state, name, now, events)
        if not isinstance(made, Step):
            continue
        assert not entity.is_final, f"{way} leaves the final state {entity.state}"
        assert made.events[0].sequence == entity.sequence + 1
        entity, events = _stored(made, events)
    states = States(frozenset(plan.states), plan.finals)
    started = (1, f"entity:{entity.id}:")
    found = check_entity(
        row_of(entity), [seen(one, started if one.execution_id else None) for one in events], {1: states}
    )
    assert [str(finding) for finding in found] == []
    assert [event.sequence for event in events] == list(range(1, entity.sequence + 1))
    assert _states_of(events) == _path(events)


def _made(
    plan: MachinePlan,
    entity: Entity,
    request: TransitionRequest,
    way: str,
    state: str,
    name: str,
    now: Any,
    events: Sequence[EntityEvent],
) -> Step | Refusal | None:
    actors = {one.transition: one.actor for one in events if one.transition is not None}
    match way:
        case "data":
            return None if entity.is_final else change_data(entity, request, now)
        case "timer":
            due = entity.due
            return None if due is None or due.at > now else fire(plan, entity, timer(), now, actors)
        case "migrate":
            return None if entity.is_final or state not in plan.states else migrate(plan, entity, timer(), state, now)
        case "name":
            return step(plan, entity, replace(request, transition=name), now, actors)
        case _:
            return step(plan, entity, replace(request, to=state), now, actors)


def _stored(made: Step, events: list[EntityEvent]) -> tuple[Entity, list[EntityEvent]]:
    """As it is stored: with an event for each execution that is started."""
    number = len(events)
    kept = with_executions(made, [(one, UUID(int=1_000 + number + place)) for place, one in enumerate(made.started)])
    return kept.entity, [*events, *kept.events]


def _states_of(events: Sequence[EntityEvent]) -> list[str | None]:
    return [event.from_state for event in events if event.type is EntityEventType.TRANSITIONED]


def _path(events: Sequence[EntityEvent]) -> list[str | None]:
    """The state before each transition, by what came before it."""
    path: list[str | None] = []
    state = None
    for event in events:
        if event.type is EntityEventType.TRANSITIONED:
            path.append(state)
        state = event.to_state or state
    return path
