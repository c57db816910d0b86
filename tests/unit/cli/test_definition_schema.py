"""`workflow schema`: what editors accept is what the service takes."""

import copy
import json
from pathlib import Path

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from app.api.rest.dialects.steps import EXAMPLE_STEPS, SteppedWorkflow
from app.api.rest.workflow_bodies import WorkflowCreate
from app.cli import app
from app.cli.files.definition_files import read_definitions

EXAMPLES = Path(__file__).parents[3] / "examples"
DEFINITIONS = [one for one in read_definitions([EXAMPLES]) if not one.is_machine]
TASK = {"name": "t", "execution_type": "sync"}
WHOLE = {"key": "k", "name": "n", "tasks": [TASK]}


@pytest.fixture(scope="module")
def schema() -> dict:
    result = CliRunner().invoke(app, ["schema"])
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def validator(schema: dict) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema)


def test_it_is_a_schema_with_a_name(schema: dict):
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].startswith("urn:")
    assert (schema["title"], bool(schema["description"])) == ("Workflow definition", True)


def test_every_field_of_the_request_is_in_it_and_no_other(schema: dict):
    for form in (WorkflowCreate, SteppedWorkflow):
        assert schema["$defs"][form.__name__]["properties"].keys() == form.model_fields.keys()
    for part in schema["$defs"].values():
        assert part["additionalProperties"] is False
        assert part["description"]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.key)
def test_the_examples_keep_it(validator: jsonschema_rs.Draft202012Validator, definition):
    validator.validate(definition.document)


@pytest.mark.parametrize(
    "change",
    [
        {"key": None},
        {"key": "7"},
        {"key": "-k"},
        {"name": " "},
        {"colour": "red"},
        {"timeout_seconds": 0},
        {"tasks": [{"name": "t"}]},
        {"tasks": [TASK | {"execution_type": "soon"}]},
        {"tasks": [TASK | {"retry": {"max_attempts": 0}}]},
        {"tasks": [TASK | {"retry": {"attempts": 1}}]},
        {"tasks": [TASK | {"id": 1}]},
    ],
    ids=str,
)
def test_what_the_service_would_refuse_breaks_it(validator: jsonschema_rs.Draft202012Validator, change: dict):
    assert validator.is_valid(WHOLE)
    assert not validator.is_valid(copy.deepcopy(WHOLE) | change)


def test_a_file_must_have_a_key_and_a_name(validator: jsonschema_rs.Draft202012Validator):
    assert not validator.is_valid({"name": "n"})
    assert not validator.is_valid({"key": "k"})
    assert validator.is_valid({"key": "k", "name": "n"})


def test_a_file_with_steps_must_have_an_id(validator: jsonschema_rs.Draft202012Validator):
    validator.validate(EXAMPLE_STEPS)
    assert not validator.is_valid({name: value for name, value in EXAMPLE_STEPS.items() if name != "id"})


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": "7"},
        {"key": "k"},
        {"tasks": []},
        {"timeout_seconds": 1},
        {"steps": []},
        {"steps": [{"name": "a", "type": "log"}]},
        {"steps": [{"name": "a", "type": "delay", "when": "true"}]},
    ],
    ids=str,
)
def test_steps_that_the_service_would_refuse_break_it(validator: jsonschema_rs.Draft202012Validator, change: dict):
    assert not validator.is_valid(EXAMPLE_STEPS | change)


def test_what_is_wrong_with_steps_is_said_of_steps(validator: jsonschema_rs.Draft202012Validator):
    wrong = EXAMPLE_STEPS | {"steps": [{"name": "a", "type": "log"}]}
    assert [list(error.instance_path) for error in validator.iter_errors(wrong)] == [["steps", 0, "type"]]
