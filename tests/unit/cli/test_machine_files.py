"""Machines in definition files: read, located, written back, and described by a schema."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
from typer.testing import CliRunner

from app.api.rest.files.yaml_writing import yaml_text
from app.cli import app
from app.cli.files.definition_files import read_definitions, read_files
from app.cli.files.machine_files import machine_draft, machine_file_document
from app.cli.files.machine_schema import machine_schema
from app.domain.errors import Invalid
from app.machines.rules import check_machine
from tests.support.machines import FRAUD

EXAMPLES = Path(__file__).parents[3] / "examples"
MACHINES = [one for one in read_definitions([EXAMPLES]) if one.is_machine]

OF_ANOTHER_ENGINE = """
workflow: {name: fraud_detection, version: "1.0", metadata: {category: risk}}
states:
  - {name: initial_state, initial: true, metadata: {display_name: New, color: "#orange"}}
  - {name: processing, metadata: {requires_role: processor}}
  - {name: completed, final: true}
transitions:
  - {from: initial_state, to: processing, name: start_processing, conditions: {field_required: approval_code}}
  - {from: processing, to: completed, name: complete}
"""


def validate(path: Path, *more: str):
    return CliRunner().invoke(app, ["validate", "--offline", str(path), *more])


def test_a_file_of_another_engine_is_valid_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "fraud.yaml"
    path.write_text(OF_ANOTHER_ENGINE)
    found = validate(path)
    assert (found.exit_code, found.stdout) == (0, f"valid      fraud_detection  {path}\n")


def test_problems_have_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(
        OF_ANOTHER_ENGINE.replace("to: completed, name", "to: complete, name").replace("initial: true, ", "")
    )
    found = validate(path)
    assert found.exit_code == 1
    assert f"{path}:3:1: states: must have one state with `initial: true`" in found.stderr
    assert f"{path}:9:24: transitions[1].to: there is no state 'complete'" in found.stderr


def test_warnings_are_problems_if_strict(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(OF_ANOTHER_ENGINE.replace("transitions:", "  - {name: alone, final: true}\ntransitions:"))
    assert (validate(path).exit_code, validate(path, "--strict").exit_code) == (0, 1)


def test_a_machine_and_a_workflow_may_have_one_key(tmp_path: Path) -> None:
    workflow = "key: fraud_detection\nname: w\n"
    (tmp_path / "both.yaml").write_text(f"{workflow}---{OF_ANOTHER_ENGINE}---{OF_ANOTHER_ENGINE}")
    reading = read_files([tmp_path / "both.yaml"])
    assert [one.is_machine for one in reading.definitions] == [False, True, True]
    assert ["is already that of" in line for line in reading.wrong] == [True]


@pytest.mark.parametrize("document", [FRAUD, *(one.document for one in MACHINES)])
def test_what_is_written_is_read_back(document, tmp_path: Path) -> None:
    draft = machine_draft(document)
    path = tmp_path / "m.yaml"
    path.write_text(yaml_text([machine_file_document(draft)]))
    (again,) = read_definitions([path])
    assert machine_draft(again.document) == draft
    assert validate(path).exit_code == 0


def test_the_schema_takes_what_the_service_takes() -> None:
    result = CliRunner().invoke(app, ["schema", "--machine"])
    schema = json.loads(result.stdout)
    assert schema == machine_schema()
    assert jsonschema_rs.meta.is_valid(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    for document in (FRAUD, *(one.document for one in MACHINES), *map(machine_file_document, _drafts())):
        validator.validate(document)


def _drafts():
    return [machine_draft(one.document) for one in MACHINES]


@pytest.mark.parametrize("path", [("states", 0), ("transitions", 0), ("transitions", 0, "conditions"), ()])
def test_neither_takes_unknown_fields(path) -> None:
    document = json.loads(json.dumps(FRAUD))
    place = document
    for step in path:
        place = place[step]
    place["unknown"] = 1
    assert not jsonschema_rs.Draft202012Validator(machine_schema()).is_valid(document)
    with pytest.raises(Invalid):
        check_machine(machine_draft(document))
