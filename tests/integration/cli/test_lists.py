import json
from datetime import UTC, datetime

import grpc
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.rest_stand_in import RestStandIn
from tests.support.scripted_service import EXECUTION, ScriptedService, refuses


def summary(number: int, **fields) -> pb.ExecutionSummary:
    found = pb.ExecutionSummary(execution_id=f"e{number}", workflow_id="7", revision=2, status="COMPLETED", **fields)
    found.created_at.FromDatetime(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    found.started_at.FromDatetime(datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC))
    found.finished_at.FromDatetime(datetime(2026, 1, 2, 3, 5, 11, tzinfo=UTC))
    return found


def event(number: int) -> dict[str, object]:
    return {
        "sequence": number,
        "type": "task_started",
        "occurred_at": "2026-01-02T03:04:05.678900Z",
        "status": "running",
        "progress_percent": 10,
        "task_id": 3,
        "task_name": "read",
        "task_status": "running",
        "attempt": 1,
        "message": "Task 'read' started",
        "output": None,
        "error": None,
    }


def test_list_draws_rows(grpc_service: ScriptedService, workflow):
    grpc_service.executions = [
        summary(2, error=pb.Error(code="timeout", message="too slow"), origin_execution_id="e1"),
        summary(1),
    ]
    result = workflow("list")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["EXECUTION", "WORKFLOW", "REV", "STATUS", "CREATED", "TOOK", "REPEATS", "ERROR"],
        ["e2", "7", "2", "completed", "2026-01-02", "03:04:05Z", "1:05", "e1", "too", "slow"],
        ["e1", "7", "2", "completed", "2026-01-02", "03:04:05Z", "1:05"],
    ]


def test_list_asks_for_what_is_wanted_and_pages(grpc_service: ScriptedService, workflow):
    grpc_service.executions = [summary(number) for number in range(450)]
    result = workflow("list", "--status", "failed", "--workflow", "orders", "--limit", "401", "--json")
    assert [json.loads(line)["execution_id"] for line in result.stdout.splitlines()] == [f"e{n}" for n in range(401)]
    asked = grpc_service.requests
    assert [(call.page_size, call.page_token) for call in asked] == [(200, ""), (200, "200"), (1, "400")]
    assert {(call.workflow_id, call.status) for call in asked} == {("orders", pb.FAILED)}


def test_list_json_has_everything(grpc_service: ScriptedService, workflow):
    grpc_service.executions = [summary(1)]
    assert json.loads(workflow("list", "--json").stdout) == {
        "execution_id": "e1",
        "workflow_id": 7,
        "revision": 2,
        "status": "completed",
        "created_at": "2026-01-02T03:04:05.000000Z",
        "started_at": "2026-01-02T03:04:06.000000Z",
        "finished_at": "2026-01-02T03:05:11.000000Z",
        "error": None,
        "origin_id": None,
    }


def test_an_empty_list_is_a_heading(workflow):
    assert workflow("list").stdout.startswith("EXECUTION  WORKFLOW")


def test_workflows_are_paged(rest_service: RestStandIn, workflow):
    rest_service.workflows = {
        f"w{n}": {
            "id": n,
            "key": f"w{n}",
            "name": f"Workflow {n}",
            "revision": 1,
            "tasks": [{}, {}],
            "updated_at": "2026-01-02T03:04:05.000006Z",
        }
        for n in range(1, 402)
    }
    lines = workflow("workflows").stdout.splitlines()
    assert len(lines) == 402
    assert lines[1].split() == ["1", "w1", "1", "2", "2026-01-02", "03:04:05Z", "Workflow", "1"]
    assert len(rest_service.calls) == 3


@pytest.mark.parametrize("count", [1, 200, 401])
def test_history_shows_every_number(rest_service: RestStandIn, workflow, count: int):
    rest_service.histories[EXECUTION] = [event(number) for number in range(1, count + 1)]
    table = workflow("history", EXECUTION).stdout.splitlines()
    assert [line.split()[0] for line in table[1:]] == [str(number) for number in range(1, count + 1)]
    assert table[1].split() == [
        "1",
        "2026-01-02",
        "03:04:05.678Z",
        "10%",
        "running",
        "read",
        "1",
        "Task",
        "'read'",
        "started",
    ]
    lines = workflow("history", EXECUTION, "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == rest_service.histories[EXECUTION]


def test_history_of_an_unknown_execution_is_a_sentence(workflow):
    result = workflow("history", "nobody/../x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == ("error: execution 'nobody%2F..%2Fx' does not exist; `workflow list` lists what there is\n")


def test_cancel_asks_with_the_reason(grpc_service: ScriptedService, workflow):
    result = workflow("cancel", EXECUTION, "--reason", "not needed")
    assert (result.exit_code, result.stdout) == (0, f"execution {EXECUTION} is running and has been asked to stop\n")
    assert grpc_service.requests[0].reason == "not needed"
    grpc_service.cancelled_as = pb.CANCELLED
    assert workflow("cancel", EXECUTION).stdout == f"execution {EXECUTION} is cancelled\n"


def test_cancel_of_an_ended_execution_is_refused(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [refuses(grpc.StatusCode.FAILED_PRECONDITION, "the execution has completed", "wrong_state")]
    result = workflow("cancel", EXECUTION)
    assert (result.exit_code, result.stderr) == (2, "error: the execution has completed\n")


@pytest.mark.parametrize("words", [["list"], ["cancel", EXECUTION], ["watch", EXECUTION], ["run", "orders"]])
def test_no_grpc_server_is_a_sentence(workflow, words: list[str]):
    result = workflow(*words, "--grpc-target", "127.0.0.1:1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: the service does not answer at 127.0.0.1:1; start it with `workflow up`\n"
    assert "Traceback" not in result.output


@pytest.mark.parametrize("words", [["workflows"], ["history", EXECUTION]])
def test_no_rest_server_is_a_sentence(workflow, words: list[str]):
    result = workflow(*words, "--rest-url", "http://127.0.0.1:1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: the service does not answer at http://127.0.0.1:1; start it with `workflow up`\n"


def test_a_program_that_speaks_no_grpc_is_told(rest_service: RestStandIn, workflow):
    result = workflow("list", "--grpc-target", rest_service.url.removeprefix("http://"))
    assert result.exit_code == 2
    assert "does not speak gRPC; check --grpc-target" in result.stderr
