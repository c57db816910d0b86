"""Machines as people write them, and what is wrong with them."""

import pytest

from app.domain.errors import Invalid
from app.machines.documents import MACHINE_FIELDS, draft_document, machine_document, machine_from_document
from app.machines.machine import Machine
from app.machines.parsing import parse_machine
from app.machines.rules import MAX_EXPRESSIONS, check_machine
from tests.support.machines import FRAUD, NOON

A = {"name": "a", "initial": True}
B = {"name": "b", "final": True}
WRONG_RUN = {"workflow": "w", "input": {"x": "${1 +}"}}
AB = {"from": "a", "to": "b", "name": "go"}


def small(**fields) -> dict:
    return {"name": "m", "states": [A, B], "transitions": [AB]} | fields


def problems(document) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        check_machine(parse_machine(document), strict=True)
    return {problem.path: problem.message for problem in refused.value.problems}


def test_the_file_of_another_engine_is_read_as_it_stands() -> None:
    draft = parse_machine(FRAUD)
    about = (draft.key, draft.name, draft.version, draft.metadata)
    assert about == ("fraud_detection", "fraud_detection", "1.0", {"category": "risk"})
    assert [state.name for state in draft.states if state.final] == ["completed", "cancelled"]
    assert draft.transitions[0].conditions == {"field_required": "approval_code"}
    assert check_machine(draft) == []


def test_a_document_is_read_back() -> None:
    draft = parse_machine(small(version=1.0, metadata={"x": [1]}))
    values = {name: getattr(draft, name) for name in MACHINE_FIELDS}
    machine = Machine(**values, id=3, revision=2, created_at=NOON, updated_at=NOON)
    assert machine_from_document(machine_document(machine)) == machine
    assert parse_machine(draft_document(draft)) == draft
    assert draft.version == "1.0"


def test_states_without_transitions_mean_every_pair() -> None:
    draft = parse_machine({"name": "m", "states": [A, "c", B]})
    found = {(one.source, one.target) for one in draft.transitions}
    assert found == {("a", "c"), ("a", "b"), ("c", "a"), ("c", "b")}
    many = {"name": "m", "states": [A, *(f"s{n}" for n in range(60))]}
    assert "stands for all 3660 pairs" in problems(many)["transitions"]


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"colour": 1}, "colour", "is not a field"),
        ({"name": 5}, "name", "must be a text"),
        ({"name": None}, "name", "is missing"),
        ({"states": {}}, "states", "must be a list"),
        ({"states": None}, "states", "is missing"),
        ({"states": [{"name": "a", "initial": "yes"}]}, "states[0].initial", "must be true or false"),
        ({"states": [{**A, "final ": 1}]}, "states[0].final ", "is not a field"),
        ({"states": [7]}, "states[0]", "must be an object"),
        ({"transitions": [{"from": "a", "name": "x"}]}, "transitions[0].to", "is missing"),
        ({"transitions": [{**AB, "conditions": []}]}, "transitions[0].conditions", "must be an object"),
        ({"transitions": [{**AB, "run": {"input": {}}}]}, "transitions[0].run.workflow", "is missing"),
        ({"states": [{**A, "after": {"second": 1}}, B]}, "states[0].after.second", "is not a field"),
        ({"kind": "workflow"}, "kind", "must be `machine`"),
        ({"states": ["s"] * 201}, "states", "has 201 items; the limit is 200"),
    ],
)
def test_a_wrong_form_is_named_with_its_path(changes, path, message) -> None:
    with pytest.raises(Invalid) as refused:
        parse_machine(small(**changes))
    assert any(one.path == path and message in one.message for one in refused.value.problems)


def conditional(**conditions) -> dict:
    return {"transitions": [{**AB, "conditions": conditions}]}


def timed(**after) -> dict:
    return {"states": [{**A, "after": after}, B]}


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"states": [{"name": "a"}, B]}, "states", "must have one state with `initial: true`"),
        ({"states": [A, {**B, "initial": True}]}, "states[1].initial", "'a' is the initial state already"),
        ({"states": [A, B, {"name": "a"}]}, "states[0].name", "is the name of 2 states"),
        ({"states": [A, B, "*"]}, "states[2].name", "must not be '*'"),
        ({"transitions": [{**AB, "to": "z"}]}, "transitions[0].to", "there is no state 'z'"),
        ({"transitions": [{**AB, "from": "z"}]}, "transitions[0].from", "there is no state 'z'"),
        ({"transitions": [AB, {"from": "b", "to": "a"}]}, "transitions[1].from", "is a final state"),
        ({"transitions": [AB, AB]}, "transitions[1].name", "another transition from 'a'"),
        (conditional(cell=1), "transitions[0].conditions.cell", "is no condition"),
        (conditional(cel="1 +"), "transitions[0].conditions.cel", ""),
        (conditional(cel="tasks.a.output == 1"), "transitions[0].conditions.cel", "'tasks' is not known here"),
        (conditional(roles="a"), "transitions[0].conditions.roles", "must be a list"),
        (conditional(not_same_actor_as="x"), "transitions[0].conditions.not_same_actor_as", "no transition 'x'"),
        (conditional(min_seconds_in_state=-1), "transitions[0].conditions.min_seconds_in_state", "a number of seconds"),
        (timed(seconds=1), "states[0].after", "needs one of `to` and `transition`"),
        (timed(to="b"), "states[0].after", "needs one of `seconds` and `at`"),
        (timed(seconds=1, to="a"), "states[0].after.to", "0 transitions lead"),
        (timed(at="1 +", to="b"), "states[0].after.at", ""),
        ({"states": [A, {**B, "after": {"seconds": 1, "to": "a"}}]}, "states[1].after", "must not be set"),
        (
            {"states": [{**A, "on_exit": {"workflow": "w", "input": {"x": "${1 +}"}}}, B]},
            "states[0].on_exit.input.x",
            "",
        ),
        ({"states": [A, B, "alone"]}, "states[2]", "no transition leads to 'alone'"),
        ({"states": [A, B, "trap"], "transitions": [AB, {"from": "a", "to": "trap"}]}, "states[2]", "nothing leaves"),
        ({"key": "1"}, "key", "must not be all digits"),
        ({"name": "a\x00b", "key": "k"}, "name", "NUL"),
    ],
)
def test_a_broken_rule_is_named_with_its_path(changes, path, message) -> None:
    found = problems(small(**changes))
    assert path in found
    assert message in found[path]


def test_unreachable_states_and_traps_are_warnings_unless_strict() -> None:
    warnings = check_machine(parse_machine(small(states=[A, B, "alone"])))
    assert [warning.path for warning in warnings] == ["states[2]"]


def test_expressions_have_a_limit_in_all() -> None:
    text = "data.x == " + "1 + " * 400 + "1"
    count = MAX_EXPRESSIONS // len(text) + 1
    many = [{"from": "a", "to": "b", "name": f"t{n}", "conditions": {"cel": text}} for n in range(count)]
    assert "characters of expressions" in problems(small(transitions=many))["transitions"]
