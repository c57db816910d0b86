"""What a request does to an entity, without a database."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from app.machines.actors import Actor
from app.machines.deciding import (
    Step,
    TransitionRequest,
    begin,
    change_data,
    circumstances,
    fire,
    migrate,
    possible,
    step,
)
from app.machines.documents import MACHINE_FIELDS
from app.machines.entity import Entity, after, merged
from app.machines.machine import Machine
from app.machines.parsing import parse_machine
from app.machines.plan import MachinePlan, compile_machine
from app.machines.refusals import Refusal
from tests.support.machines import FRAUD, NOON

ANN = Actor("key:ann", frozenset({"viewer", "processor"}))
TIMER = Actor("timer")


def plan_of(document, revision: int = 1) -> MachinePlan:
    draft = parse_machine(document)
    values = {name: getattr(draft, name) for name in MACHINE_FIELDS}
    return compile_machine(Machine(**values, id=1, revision=revision, created_at=NOON, updated_at=NOON))


def begun(plan: MachinePlan, data=None) -> Entity:
    blank = Entity(
        id=UUID(int=1),
        tenant_id=1,
        machine_id=1,
        revision=plan.machine.revision,
        table="t",
        key="1",
        state=plan.initial.name,
        sequence=0,
        is_final=False,
        data=data or {},
        entered_at=NOON,
        created_at=NOON,
        updated_at=NOON,
    )
    return begin(plan, blank, TransitionRequest(ANN), NOON).entity


def move(plan, entity, now=NOON, actors=None, actor=ANN, **fields) -> Step | Refusal:
    return step(plan, entity, TransitionRequest(actor, **fields), now, actors or {})


def moved(plan, entity, **fields) -> Entity:
    found = move(plan, entity, **fields)
    assert isinstance(found, Step), found
    return found.entity


def machine(*transitions, **states) -> MachinePlan:
    names = [{"name": "a", "initial": True, **states.get("a", {})}, {"name": "b", **states.get("b", {})}]
    return plan_of({"name": "m", "states": [*names, {"name": "z", "final": True}], "transitions": list(transitions)})


GO = {"from": "a", "to": "b", "name": "go"}


def test_a_wildcard_is_every_state_but_final_ones_and_its_target() -> None:
    plan = machine({"from": "*", "to": "b", "name": "reset"}, {"from": "b", "to": "z", "name": "end"})
    assert [[edge.transition.name for edge in plan.leaving(state)] for state in "abz"] == [["reset"], ["end"], []]


def test_an_explicit_transition_beats_a_wildcard() -> None:
    plan = machine(
        {"from": "*", "to": "z", "name": "end", "conditions": {"cel": "false"}}, {"from": "a", "to": "z", "name": "end"}
    )
    entity = moved(plan, begun(plan), to="z")
    assert (entity.state, entity.is_final) == ("z", True)


def test_a_self_transition_must_be_explicit_and_begins_the_state_anew() -> None:
    plan = machine({"from": "a", "to": "a", "name": "again"}, a={"after": {"seconds": 60, "to": "a"}})
    later = NOON + timedelta(seconds=30)
    again = moved(plan, begun(plan), transition="again", now=later)
    assert (again.entered_at, again.due.at) == (later, later + timedelta(seconds=60))


def test_several_ways_to_a_state_must_be_named() -> None:
    plan = machine({"from": "a", "to": "b", "name": "x"}, {"from": "a", "to": "b", "name": "y"})
    entity = begun(plan)
    refused = move(plan, entity, to="b")
    assert (refused.reason, list(refused.errors)) == ("transition_ambiguous", ["x", "y"])
    assert moved(plan, entity, transition="y", to="b").state == "b"
    assert move(plan, entity, transition="y", to="z").reason == "transition_not_possible"
    assert move(plan, entity, transition="q").reason == "transition_not_possible"


@pytest.mark.parametrize(
    ("conditions", "context", "data", "failing"),
    [
        ({"field_required": "x"}, {}, {}, ["field_required: x"]),
        ({"field_required": "x"}, {"x": ""}, {}, ["field_required: x"]),
        ({"field_required": "x"}, {"x": None}, {"x": 1}, []),
        ({"field_required": ["x", "y"]}, {"x": 0}, {}, ["field_required: y"]),
        ({"field_equals": {"x": 1}}, {"x": "1"}, {}, ["field_equals: x = 1"]),
        ({"field_equals": {"x": 1}}, {}, {"x": 1}, []),
        ({"cel": "data.n > 3 && context.ok"}, {"ok": True}, {"n": 4}, []),
        ({"cel": "data.n > 3"}, {}, {}, ["cel: data.n > 3"]),
        ({"cel": "actor.name == 'key:ann' && state == 'a'"}, {}, {}, []),
        ({"cel": "1"}, {}, {}, ["cel: 1"]),
        ({"min_seconds_in_state": 10}, {}, {}, ["min_seconds_in_state: 10"]),
        ({"not_same_actor_as": "go"}, {}, {}, ["not_same_actor_as: go"]),
        ({"field_required": "x", "cel": "false"}, {}, {}, ["field_required: x", "cel: false"]),
    ],
)
def test_all_conditions_that_fail_are_named_and_listed_before(conditions, context, data, failing) -> None:
    plan = machine({**GO, "conditions": conditions})
    entity, actors = begun(plan, data), {"go": "key:ann"}
    found = move(plan, entity, to="b", context=context, actors=actors)
    listed = possible(plan, entity, circumstances(entity, TransitionRequest(ANN, context=context), NOON, actors))
    assert list(listed[0].blocked_by) == failing
    assert listed[0].allowed is (not failing)
    if failing:
        assert (found.reason, list(found.errors)) == ("conditions_not_met", failing)
    else:
        assert found.entity.state == "b"


def test_roles_come_first() -> None:
    plan = machine(
        {**GO, "conditions": {"field_required": "x", "role": "chief"}},
        {"from": "b", "to": "z", "name": "end", "conditions": {"roles": ["chief", "processor"]}},
    )
    entity = begun(plan)
    assert move(plan, entity, to="b").reason == "role_required"
    assert move(plan, entity, to="b", actor=TIMER).reason == "conditions_not_met"
    entity = moved(plan, entity, to="b", actor=TIMER, context={"x": 1})
    assert moved(plan, entity, to="z").is_final


def test_a_costly_expression_does_not_hold() -> None:
    costly = "data.l.map(x, data.l.map(y, x + y)).size() > 0"
    plan = machine({**GO, "conditions": {"cel": costly}})
    assert move(plan, begun(plan, {"l": list(range(500))}), to="b").errors == [f"cel: {costly}"]


def test_timers_are_instants() -> None:
    at = {"at": "data.until", "to": "b", "retry_seconds": 5}
    plan = machine({**GO, "conditions": {"field_required": "ok"}}, a={"after": at})
    assert begun(plan, {"until": "2026-01-03T00:00:00+01:00"}).due.at.isoformat() == "2026-01-02T23:00:00+00:00"
    without = begun(plan, {"until": "tomorrow"})
    assert (without.due, without.sequence) == (None, 2)
    entity, now = begun(plan, {"until": "2026-01-02T12:00:01Z"}), NOON + timedelta(hours=1)
    blocked = fire(plan, entity, TIMER, now, {})
    assert [event.type for event in blocked.events] == ["timer_blocked"]
    assert (blocked.entity.due.at, blocked.entity.due.to) == (now + timedelta(seconds=5), "b")
    ready = change_data(blocked.entity, TransitionRequest(ANN, data={"ok": 1}), now).entity
    assert fire(plan, ready, TIMER, now, {}).entity.state == "b"


def test_leaving_clears_the_timer_and_a_caller_begins_a_new_chain() -> None:
    back = {"from": "b", "to": "a", "name": "back"}
    plan = machine(GO, back, a={"after": {"seconds": 1, "to": "b"}})
    entity = moved(plan, replace(begun(plan), automatic=7), to="b")
    assert (entity.due, entity.automatic) == (None, 0)
    assert fire(plan, moved(plan, entity, to="a"), TIMER, NOON, {}).entity.automatic == 1


def test_a_migration_takes_the_new_timer_and_starts_nothing() -> None:
    new = plan_of(
        {
            "name": "m",
            "states": [
                {"name": "c", "initial": True, "after": {"seconds": 9, "to": "z"}, "on_enter": "w"},
                {"name": "z", "final": True},
            ],
            "transitions": [{"from": "c", "to": "z", "name": "end"}],
        },
        revision=2,
    )
    found = migrate(new, begun(machine(GO)), ANN, "c", NOON)
    assert (found.entity.state, found.entity.revision, list(found.started)) == ("c", 2, [])
    assert found.entity.due.at == NOON + timedelta(seconds=9)


def test_the_entity_is_the_fold_of_its_events() -> None:
    plan = plan_of(FRAUD)
    entity = begun(plan, {"n": 1, "o": {"a": 1}})
    found = move(plan, entity, to="processing", context={"approval_code": "x"}, data={"n": None, "o": {"b": 2}})
    assert found.entity.data == {"o": {"a": 1, "b": 2}}
    assert after(entity, found.events, plan.finals) == found.entity


@pytest.mark.parametrize(
    ("data", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches(data, patch, result) -> None:
    """The examples of RFC 7396, appendix A, whose target and patch are objects."""
    assert merged(data, patch) == result
