"""Random machines and requests: what is decided satisfies the checker, which knows nothing of how that is done."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.checking.entities import CheckedEntity, CheckedEntityEvent, States, check_entity
from app.checking.findings import Rule
from app.machines.actors import Actor, execution_actor, timer
from app.machines.deciding import Step, TransitionRequest, begin, change_data, fire, migrate, step, with_executions
from app.machines.entity import Entity, EntityEvent, after
from app.machines.machine import Machine
from app.machines.parsing import parse_machine
from app.machines.plan import MachinePlan, compile_machine

ID = UUID(int=7)
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
NAMES = ("a", "b", "c", "d", "e")
ACTORS = (Actor("anonymous"), Actor("key:1", frozenset({"viewer"})), execution_actor(ID))
DATA = st.dictionaries(
    st.sampled_from("xyz"), st.none() | st.integers(-2, 2) | st.just({"z": None, "n": 1}), max_size=3
)
RUN = {"workflow": "w"}
CONDITIONS: list[dict[str, Any]] = [{"field_required": "x"}, {"role": "admin"}, {"cel": "data.y > 0"}]
KINDS = st.lists(st.sampled_from(["move"] * 6 + ["data", "fire", "migrate"]), max_size=25)


@st.composite
def machines(draw: st.DrawFn, revision: int = 1) -> MachinePlan:
    finals = draw(st.sets(st.sampled_from(NAMES[1:]), max_size=2))
    states = [{"name": name, "initial": name == "a", "final": name in finals} for name in NAMES]
    open_names = [name for name in NAMES if name not in finals]
    edges = draw(st.sets(st.tuples(st.sampled_from([*open_names, "*"]), st.sampled_from(NAMES)), min_size=1))
    transitions: list[dict[str, Any]] = []
    for source, target in sorted(edges):
        one: dict[str, Any] = {"from": source, "to": target, "name": f"{source}{target}".replace("*", "any")}
        if draw(st.booleans()):
            one["conditions"] = draw(st.sampled_from(CONDITIONS))
        transitions.append(one)
    for state in states:
        leaving = [one for one in transitions if one["from"] == state["name"]]
        if leaving and draw(st.booleans()):
            state["after"] = {"seconds": draw(st.integers(0, 9)), "to": draw(st.sampled_from(leaving))["to"]}
        if draw(st.booleans()):
            state["on_enter"] = RUN
    draft = parse_machine({"name": "m", "states": states, "transitions": transitions})
    fields = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
    return compile_machine(Machine(**fields, id=1, revision=revision, created_at=NOON, updated_at=NOON))


def grown(data: st.DataObject, plan: MachinePlan, later: MachinePlan) -> tuple[Entity, list[EntityEvent]]:
    """An entity after some random requests, and its events."""
    now = NOON
    new = Entity(ID, 1, 1, 1, "t", "1", plan.initial.name, 0, plan.initial.final, data.draw(DATA), now, now, now)
    moved: Any = begin(plan, new, TransitionRequest(ACTORS[0]), now)
    events: list[EntityEvent] = []
    entity = new
    for kind in ["begin", *data.draw(KINDS)]:
        now += timedelta(seconds=data.draw(st.integers(0, 5)))
        request = TransitionRequest(
            data.draw(st.sampled_from(ACTORS)), to=data.draw(st.sampled_from(NAMES)), data=data.draw(st.none() | DATA)
        )
        if kind == "move":
            moved = step(plan, entity, request, now, {})
        elif kind == "data" and not entity.is_final:
            moved = change_data(entity, request, now)
        elif kind == "fire" and entity.due is not None:
            moved = fire(plan, entity, timer(), now, {})
        elif kind == "migrate":
            plan = later
            moved = migrate(plan, entity, ACTORS[0], entity.state, now)
        elif kind != "begin":
            continue
        if isinstance(moved, Step):
            kept = with_executions(moved, [(one, UUID(int=n)) for n, one in enumerate(moved.started, 100)])
            assert not (entity.is_final and entity.sequence) or kind == "migrate", "something left a final state"
            entity, events = kept.entity, [*events, *kept.events]
    return entity, events


def row_of(entity: Entity, **changes: Any) -> CheckedEntity:
    due = entity.due
    row = CheckedEntity(
        id=entity.id,
        tenant_id=entity.tenant_id,
        machine_id=entity.machine_id,
        revision=entity.revision,
        state=entity.state,
        sequence=entity.sequence,
        is_final=entity.is_final,
        data=entity.data,
        entered_at=entity.entered_at,
        due_at=None if due is None else due.at,
        due_to=None if due is None else due.to,
        due_transition=None if due is None else due.transition,
        automatic=entity.automatic,
        created_at=entity.created_at,
        updated_at=entity.updated_at,
        completed_at=entity.completed_at,
    )
    return replace(row, **changes)


def seen(events: Sequence[EntityEvent]) -> list[CheckedEntityEvent]:
    return [
        CheckedEntityEvent(
            event.sequence,
            event.type.value,
            event.occurred_at,
            event.from_state,
            event.to_state,
            event.actor,
            event.data,
            event.execution_id,
            None if event.execution_id is None else (1, f"entity:{ID}:1:on_enter"),
        )
        for event in events
    ]


def states_of(*plans: MachinePlan) -> dict[int, States]:
    return {plan.machine.revision: States(frozenset(plan.states), plan.finals) for plan in plans}


@settings(max_examples=60, deadline=None)
@given(st.data(), machines(), machines(revision=2))
def test_the_row_is_the_fold_of_its_events(data: st.DataObject, plan: MachinePlan, later: MachinePlan) -> None:
    entity, events = grown(data, plan, later)
    assert [event.sequence for event in events] == list(range(1, entity.sequence + 1))
    assert list(check_entity(row_of(entity), seen(events), states_of(plan, later))) == []
    if entity.revision == 1:
        blank = replace(entity, state="", data={}, sequence=0, due=None, automatic=0)
        assert after(blank, events, plan.finals) == entity


@pytest.fixture(scope="module")
def story() -> tuple[CheckedEntity, list[CheckedEntityEvent], dict[int, States]]:
    """start → timer → data → end."""
    states = [
        {"name": "a", "initial": True, "after": {"seconds": 5, "to": "b"}, "on_enter": RUN},
        {"name": "b"},
        {"name": "c", "final": True},
    ]
    edges = [{"from": "a", "to": "b", "name": "ab"}, {"from": "b", "to": "c", "name": "bc"}]
    draft = parse_machine({"name": "m", "states": states, "transitions": edges})
    fields = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
    plan = compile_machine(Machine(**fields, id=1, revision=1, created_at=NOON, updated_at=NOON))
    new = Entity(ID, 1, 1, 1, "t", "1", "a", 0, False, {"x": 1}, NOON, NOON, NOON)
    begun = begin(plan, new, TransitionRequest(ACTORS[0]), NOON)
    begun = with_executions(begun, [(begun.started[0], UUID(int=100))])
    fired = fire(plan, begun.entity, timer(), NOON + timedelta(seconds=6), {})
    changed = change_data(fired.entity, TransitionRequest(ACTORS[0], data={"y": 2}), NOON + timedelta(seconds=7))
    ended = step(plan, changed.entity, TransitionRequest(ACTORS[0], to="c"), NOON + timedelta(seconds=8), {})
    assert isinstance(ended, Step)
    events = [*begun.events, *fired.events, *changed.events, *ended.events]
    return row_of(ended.entity), seen(events), states_of(plan)


def test_the_story_is_clean(story) -> None:
    row, events, states = story
    assert len(events) == 6
    assert list(check_entity(row, events, states)) == []


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({"state": "b"}, {Rule.ROW}),
        ({"sequence": 7}, {Rule.ROW}),
        ({"data": {"x": 1}}, {Rule.ROW}),
        ({"due_at": NOON}, {Rule.ROW}),
        ({"is_final": False}, {Rule.ROW}),
        ({"automatic": 1}, {Rule.ROW}),
        ({"entered_at": NOON}, {Rule.ROW}),
        ({"tenant_id": 2}, {Rule.TENANT}),
        ({"revision": 2}, {Rule.NO_REVISION, Rule.ROW}),
    ],
)
def test_a_wrong_row_is_found(story, change: dict[str, Any], rules: set[Rule]) -> None:
    row, events, states = story
    assert {finding.rule for finding in check_entity(replace(row, **change), events, states)} == rules


def test_wrong_events_are_found(story) -> None:
    row, events, states = story

    def rules(changed: list[CheckedEntityEvent]) -> set[Rule]:
        return {finding.rule for finding in check_entity(row, changed, states)}

    last = events[-1]
    assert rules([]) == {Rule.NO_EVENTS}
    assert rules(events[:-1]) == {Rule.ROW}
    assert rules(events[1:]) == {Rule.NUMBERING, Rule.OPENING, Rule.ENTITY, Rule.ROW}
    assert rules([*events, replace(events[4], sequence=7, occurred_at=last.occurred_at)]) == {
        Rule.AFTER_THE_END,
        Rule.ROW,
    }
    assert rules([*events[:-1], replace(last, from_state="a")]) == {Rule.ENTITY}
    assert rules([*events[:-1], replace(last, to_state="nowhere")]) == {Rule.ENTITY, Rule.ROW}
    assert rules([*events[:-1], replace(last, occurred_at=NOON)]) == {Rule.CLOCK, Rule.ROW}
    foreign = [replace(event, started=event.started and (1, "entity:x:1")) for event in events]
    assert rules(foreign) == {Rule.ENTITY}
    assert rules([replace(event, execution_id=None, started=None) for event in events]) == {Rule.ENTITY}
