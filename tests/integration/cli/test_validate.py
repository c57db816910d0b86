"""`workflow validate`: all problems of all files, each with its place."""

from pathlib import Path

import pytest

from tests.support.rest_stand_in import RestStandIn

WRONG = """\
key: orders
name: Orders
tasks:
  - name: read
    execution_type: soon
    retry: {max_attempts: many, pauses: 1}
  - execution_type: sync
colour: red
"""
WRONG_LINES = [
    "5:5: tasks[0].execution_type: must be 'sync' or 'async'",
    "6:13: tasks[0].retry.max_attempts: must be an integer",
    "6:33: tasks[0].retry.pauses: is not a field of this request",
    "7:5: tasks[1].name: is required",
    "8:1: colour: is not a field of this request",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (tmp_path / "good.json").write_text('{"key": "good", "name": "Good"}')
    (tmp_path / "keyless.yaml").write_text("key: 7\nname: [n]\n---\nname: Second\n")
    (tmp_path / "torn.yaml").write_text("key: a\n  name: b\n")
    (tmp_path / "torn.json").write_text('{\n  "key": a\n}')
    return tmp_path


def test_all_problems_of_all_files_are_told_without_a_service(workflow, folder: Path, rest_service: RestStandIn):
    result = workflow("validate", "--offline", str(folder))
    assert result.exit_code == 1
    assert result.stdout == f"valid      good  {folder / 'good.json'}\n"
    assert sorted(result.stderr.splitlines()) == sorted(
        [
            f"{folder}/keyless.yaml:1:1: key: must be text; put it in quotes",
            f"{folder}/keyless.yaml:2:1: name: must be a string",
            f"{folder}/keyless.yaml:4:1: `key` is missing; it identifies the definition",
            f"{folder}/torn.json:2:10: this is not JSON: a value is missing here",
            f"{folder}/torn.yaml:2:7: `:` is not allowed here; put a text that contains `: ` in quotes, "
            "or correct the indentation",
            *(f"{folder}/wrong.yaml:{line}" for line in WRONG_LINES),
        ]
    )
    assert rest_service.calls == []


def test_rules_are_checked_without_a_service(workflow, tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_text(
        "key: a\nname: ' '\ntasks:\n"
        "  - {name: x, execution_type: sync, depends_on: [y]}\n"
        "  - {name: x, execution_type: sync, timeout_seconds: -1}\n"
    )
    result = workflow("validate", "--offline", str(path))
    assert result.exit_code == 1
    places = [line.split(": ")[0:2] for line in result.stderr.splitlines()]
    assert places == [
        [f"{path}:2:1", "name"],
        [f"{path}:4:50", "tasks[0].depends_on[0]"],
        [f"{path}:5:6", "tasks[1].name"],
        [f"{path}:5:37", "tasks[1].timeout_seconds"],
    ]


def test_the_service_judges_what_only_it_knows(workflow, folder: Path, rest_service: RestStandIn):
    rest_service.refusals["good"] = [{"field": "tasks[0].config.url", "message": "is required"}]
    rest_service.refusals["wrong"] = []
    good = folder / "good.json"
    result = workflow("validate", str(good))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"{good}:1:1: tasks[0].config.url: is required\n"
    assert rest_service.calls == [("POST", "/api/v1/workflows/validate")]
    rest_service.refusals.clear()
    assert workflow("validate", str(good)).exit_code == 0


def test_a_service_that_does_not_answer_is_told_once_and_not_needed(workflow, folder: Path):
    good, wrong = folder / "good.json", folder / "wrong.yaml"
    result = workflow("validate", str(good), str(wrong), "--rest-url", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.stdout == f"valid      good  {good}\n"
    notice, *problems = result.stderr.splitlines()
    assert notice.startswith("the service does not answer at http://127.0.0.1:1")
    assert notice.endswith("task types, their configs and the service's limits are not checked")
    assert problems == [f"{wrong}:{line}" for line in WRONG_LINES]


def test_a_service_without_the_operation_is_told(
    workflow, folder: Path, rest_service: RestStandIn, monkeypatch: pytest.MonkeyPatch
):
    problem = {"code": "method_not_allowed", "detail": "/workflows/validate does not take POST"}
    monkeypatch.setattr(rest_service, "answer", lambda *call: (405, problem))
    result = workflow("validate", str(folder / "good.json"))
    assert result.exit_code == 0
    assert result.stderr.startswith("the service is too old to validate definitions; ")
