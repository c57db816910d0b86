"""A short id is accepted wherever a whole one is."""

import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.cli import execution_ids
from tests.support.rest_stand_in import RestStandIn
from tests.support.scripted_service import EXECUTION, ScriptedService, plays, whole_history

SHORT = EXECUTION[-8:]
TWIN = EXECUTION.replace("0199", "0198")


def executions(count: int = 450) -> list[str]:
    """Others, newest first, then `EXECUTION`."""
    return [f"02990000-0000-7000-8000-00000000a{number:03}" for number in range(count)] + [EXECUTION]


@pytest.fixture
def grpc(grpc_service: ScriptedService) -> ScriptedService:
    grpc_service.executions = [pb.ExecutionSummary(execution_id=found, status="RUNNING") for found in executions()]
    return grpc_service


@pytest.mark.parametrize(
    "words",
    [
        ["cancel", SHORT],
        ["pause", SHORT],
        ["resume", SHORT],
        ["signal", SHORT, "go"],
        ["skip", SHORT, "load"],
        ["retry", SHORT],
        ["rerun", SHORT, "--from", "load"],
        ["watch", SHORT],
        ["watch", EXECUTION[:9].upper()],
        ["watch", SHORT[-4:]],
    ],
    ids=" ".join,
)
def test_over_grpc(grpc: ScriptedService, workflow, words: list[str]):
    if words[0] == "watch":
        grpc.scenes = [plays(*whole_history())]
    result = workflow(*words)
    assert result.exit_code == 0, result.stderr
    *listed, asked = grpc.requests
    assert {type(request) for request in listed} == {pb.ListExecutionsRequest}
    assert asked.execution_id == EXECUTION


def test_over_rest(rest_service: RestStandIn, workflow):
    rest_service.executions = {
        found: {"id": found, "status": "running", "created_at": "2026-01-02T03:04:05Z"} for found in executions()
    }
    rest_service.histories[EXECUTION] = []
    assert workflow("history", SHORT).exit_code == 0
    assert rest_service.calls[-1] == ("GET", f"/api/v1/executions/{EXECUTION}/events")


def test_a_whole_id_is_not_looked_up(grpc: ScriptedService, workflow):
    assert workflow("cancel", EXECUTION).exit_code == 0
    assert [type(request) for request in grpc.requests] == [pb.CancelExecutionRequest]


def test_an_ambiguous_id_lists_the_candidates(grpc: ScriptedService, workflow):
    grpc.executions += [pb.ExecutionSummary(execution_id=TWIN, status="FAILED")]
    result = workflow("cancel", SHORT)
    assert (result.exit_code, result.stdout) == (2, "")
    first, one, other = result.stderr.splitlines()
    assert first == f"error: several executions have an id that begins or ends with '{SHORT}':"
    assert one.startswith(f"  {EXECUTION}  running")
    assert other.startswith(f"  {TWIN}  failed")


def test_an_unknown_one_is_told_how_far_was_looked(grpc: ScriptedService, workflow, monkeypatch: pytest.MonkeyPatch):
    assert workflow("cancel", "abcdef").stderr == (
        "error: none of the newest 10,000 executions has an id that begins or ends with 'abcdef'; give the whole id\n"
    )
    monkeypatch.setattr(execution_ids, "MOST_EXECUTIONS", 450)
    assert "none of the newest 450 executions" in workflow("cancel", SHORT).stderr


@pytest.mark.parametrize("words", [["cancel", "orders"], ["history", "orders"], ["check", "orders"]])
def test_what_is_not_an_id_is_not_looked_for(workflow, words: list[str]):
    result = workflow(*words)
    assert result.exit_code == 2
    assert result.stderr == "error: 'orders' is not the id of an execution; `workflow list` lists what there is\n"
