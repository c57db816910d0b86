"""Steps as tasks, and tasks as steps."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.api.rest.dialects.new_workflow import NewWorkflow
from app.api.rest.dialects.shown_steps import steps_of, with_steps
from app.api.rest.dialects.step_configs import config_of_step, config_of_task
from app.api.rest.dialects.steps import EXAMPLE_STEPS, SteppedWorkflow, in_words_of_steps
from app.api.rest.field_problems import field_problems
from app.api.rest.workflow_bodies import WorkflowCreate
from app.definitions.changes import first_revision
from app.domain.definitions import ExecutionType
from app.domain.documents import workflow_document
from app.domain.errors import Problem

NEW = TypeAdapter(NewWorkflow)
WAIT = {"name": "wait", "execution_type": "sync", "sequence": 1, "type": "delay", "config": {"seconds": 1}}
CALL = {"name": "call", "execution_type": "sync", "sequence": 2, "type": "webhook", "config": {"url": "http://x"}}
PLAIN: dict[str, Any] = {"name": "n", "tasks": [WAIT, CALL]}


def document_of(body: dict[str, Any]) -> dict[str, Any]:
    draft = NEW.validate_python(body).draft()
    return workflow_document(first_revision(draft, 7, range(len(draft.tasks or ())), datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("${user}", "${input.user}"),
        ("${user_2}", "${input.user_2}"),
        ("${user-id}", '${input["user-id"]}'),
        ("${2}", '${input["2"]}'),
        ("${true}", '${input["true"]}'),
        ("${in}", '${input["in"]}'),
        ("${input}", "${input.input}"),
    ],
)
def test_a_key_of_the_payload_is_a_field_of_the_input(said: str, meant: str):
    config = {"a": said, "b": [{"c": said}]}
    assert config_of_task(config) == {"a": meant, "b": [{"c": meant}]}
    assert config_of_step(config_of_task(config)) == config


@pytest.mark.parametrize(
    "text",
    [
        "user",
        "$user",
        "{user}",
        "${input.user.name}",
        "${vars.x}",
        "Hi ${user}",
        "${user} ",
        "$${user}",
        "${}",
        "${ü}",
        '${input["a"]}',
    ],
)
def test_any_other_string_stays_as_it_is(text: str):
    assert config_of_task({"a": text, text: 1}) == {"a": text, text: 1} == config_of_step({"a": text, text: 1})


def test_a_config_that_no_step_has_is_not_shown():
    for text in ("${input}", "${size}"):
        assert config_of_step({"a": [text]}) is None


VALUES = st.recursive(
    st.sampled_from(["${a}", "${a-b}", "${input.a}", "${input}", "${x.y}", "a ${b}", '${input["a"]}', "", "${in}"])
    | st.integers()
    | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "${b}"]), inner, max_size=2),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["url", "body"]), VALUES))
def test_what_is_shown_can_be_sent_again(config: dict[str, Any]):
    shown = config_of_step(config_of_task(config))
    assert shown is not None, "what was created from steps is shown as steps"
    assert config_of_task(shown) == config_of_task(config)
    if (shown := config_of_step(config)) is not None:
        assert config_of_task(shown) == config


def test_each_step_is_a_task_after_the_one_before_it():
    draft = SteppedWorkflow.model_validate(EXAMPLE_STEPS).draft()
    assert (draft.key, draft.name, draft.description) == ("my-workflow", "Demo Workflow", "A sample workflow")
    assert [(task.name, task.type, task.sequence, task.execution_type) for task in draft.tasks or ()] == [
        ("delay", "delay", 1, ExecutionType.SYNC),
        ("notify", "webhook", 2, ExecutionType.SYNC),
    ]
    assert (draft.tasks or ())[1].config["body"]["user"] == "${input.user}"


def test_what_was_created_from_steps_is_shown_as_them():
    document = document_of(EXAMPLE_STEPS)
    assert steps_of(document) == EXAMPLE_STEPS["steps"]
    shown = orjson.loads(with_steps(orjson.dumps(document)))
    assert shown == document | {"steps": EXAMPLE_STEPS["steps"]}
    assert list(shown)[-1] == "steps"


def test_so_is_what_could_have_been_created_from_steps():
    assert [step["name"] for step in steps_of(document_of(PLAIN)) or ()] == ["wait", "call"]
    old = {name: value for name, value in document_of(PLAIN).items() if name not in ("secrets", "max_visits")}
    assert steps_of(old) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"timeout_seconds": 5.0},
        {"variables": {"a": 1}},
        {"secrets": ["TOKEN"]},
        {"input_schema": {"type": "object"}},
        {"retention_days": 3.0},
        {"start_task": "wait"},
        {"tasks": []},
        {"tasks": [CALL]},
        {"tasks": [WAIT | {"sequence": 0}, CALL]},
        *(
            {"tasks": [WAIT | extra, CALL]}
            for extra in (
                {"execution_type": "async"},
                {"description": "d"},
                {"timeout_seconds": 5.0},
                {"retry": {}},
                {"depends_on": []},
                {"on_failure": "continue"},
                {"compensate": ["call"]},
                {"when": "true"},
                {"for_each": "input.a"},
                {"output_schema": {}},
                {"type": "http", "config": {"url": "http://x"}},
                {"type": None},
                {"config": {"seconds": "${input}"}},
            )
        ),
    ],
)
def test_a_workflow_that_steps_do_not_describe_is_not_shown_as_them(change: dict[str, Any]):
    document = document_of(PLAIN | change)
    assert steps_of(document) is None
    assert with_steps(orjson.dumps(document)) == orjson.dumps(document)


def test_problems_have_the_words_of_the_body():
    found = in_words_of_steps(
        [Problem("key", "k"), Problem("tasks[1].name", "'a' is already the name of tasks[0]"), Problem("name", "tasks")]
    )
    assert found == [
        Problem("id", "k"),
        Problem("steps[1].name", "'a' is already the name of steps[0]"),
        Problem("name", "tasks"),
    ]


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({"name": "n", "steps": []}, {"steps": "must have 1 or more items"}),
        ({"name": "n", "steps": 1}, {"steps": "must be a list"}),
        ({"steps": [{}]}, {"name": "is required", "steps[0].name": "is required", "steps[0].type": "is required"}),
        (
            {"name": "n", "steps": [{"name": "a", "type": "http", "retry": {}}]},
            {"steps[0].type": "must be 'delay' or 'webhook'", "steps[0].retry": "is not a field of this request"},
        ),
        (
            {"name": "n", "steps": [{"name": "a", "type": "delay", "config": 1}]},
            {"steps[0].config": "must be an object"},
        ),
        ({"name": "n", "id": 1, "steps": [{"name": "a", "type": "delay"}]}, {"id": "must be a string"}),
        (
            {"name": "n", "tasks": [], "timeout_seconds": 1, "steps": [{"name": "a", "type": "delay"}]},
            {"tasks": "is not a field of this request", "timeout_seconds": "is not a field of this request"},
        ),
        ({"name": "n", "tasks": [{"name": 1, "execution_type": "sync"}]}, {"tasks[0].name": "must be a string"}),
        (1, {"body": "must be an object"}),
        (None, {"body": "must be an object"}),
    ],
)
def test_wrong_bodies_name_the_field(body: Any, problems: dict[str, str]):
    with pytest.raises(ValidationError) as caught:
        NEW.validate_python(body)
    errors = [error | {"loc": ("body", *error["loc"])} for error in caught.value.errors()]
    assert {problem.path: problem.message for problem in field_problems(errors)} == problems


def test_the_form_follows_the_field():
    assert isinstance(NEW.validate_python({"name": "n"}), WorkflowCreate)
    assert isinstance(NEW.validate_python(EXAMPLE_STEPS), SteppedWorkflow)
