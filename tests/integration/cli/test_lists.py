import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import grpc
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.rest_stand_in import RestStandIn
from tests.support.scripted_service import EXECUTION, ScriptedService, refuses


def execution(number: int) -> str:
    return f"01a221dd-8de4-70c9-938c-7000{number:08}"


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def summary(number: int, **fields) -> pb.ExecutionSummary:
    found = pb.ExecutionSummary(
        execution_id=execution(number), workflow_id="7", revision=2, status="COMPLETED", **fields
    )
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


def test_list_draws_rows_with_names_and_short_ids(grpc_service: ScriptedService, rest_service: RestStandIn, workflow):
    grpc_service.executions = [
        summary(2, error=pb.Error(code="timeout", message="too slow"), origin_execution_id=execution(1)),
        summary(1),
    ]
    rest_service.workflows = {"orders": {"id": 7, "key": "orders", "name": "Orders"}}
    rest_service.executions = {execution(2): {"id": execution(2)}}
    result = workflow("list", "--utc")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["EXECUTION", "WORKFLOW", "STATUS", "CREATED", "TOOK", "NOTES"],
        ["00000002", "orders", "completed", "2026-01-02", "03:04Z", "1:05", "repeats", "00000001;", "too", "slow"],
        ["00000001", "orders", "completed", "2026-01-02", "03:04Z", "1:05"],
    ]


def test_names_are_not_those_of_another_service(grpc_service: ScriptedService, rest_service: RestStandIn, workflow):
    grpc_service.executions = [summary(1)]
    rest_service.workflows = {"other": {"id": 7, "key": "other", "name": "Other"}}
    assert workflow("list").stdout.splitlines()[1].split()[1] == "7"
    assert rest_service.calls == [("GET", f"/api/v1/executions/{execution(1)}")]
    away = workflow("list", "--rest-url", "http://127.0.0.1:1")
    assert (away.exit_code, away.stderr) == (0, "")


def test_times_are_local_unless_utc_is_asked_for(grpc_service: ScriptedService, workflow, in_tokyo: None):
    grpc_service.executions = [summary(1)]
    assert "2026-01-02 12:04 " in workflow("list").stdout
    assert "2026-01-02 03:04Z" in workflow("list", "--utc").stdout


def test_list_asks_for_what_is_wanted_and_pages(grpc_service: ScriptedService, workflow):
    grpc_service.executions = [summary(number) for number in range(450)]
    result = workflow("list", "--status", "failed", "--workflow", "orders", "--limit", "401", "--json")
    assert [json.loads(line)["execution_id"] for line in result.stdout.splitlines()] == [
        execution(number) for number in range(401)
    ]
    asked = grpc_service.requests
    assert [(call.page_size, call.page_token) for call in asked] == [(200, ""), (200, "200"), (1, "400")]
    assert {(call.workflow_id, call.status) for call in asked} == {("orders", pb.FAILED)}


def test_list_json_has_everything(grpc_service: ScriptedService, workflow):
    grpc_service.executions = [summary(1)]
    assert json.loads(workflow("list", "--json").stdout) == {
        "execution_id": execution(1),
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
    lines = workflow("workflows", "--utc").stdout.splitlines()
    assert len(lines) == 402
    assert lines[1].split() == ["1", "w1", "1", "2", "2026-01-02", "03:04:05Z", "Workflow", "1"]
    assert len(rest_service.calls) == 3


@pytest.mark.parametrize("count", [1, 200, 401])
def test_history_shows_every_number(rest_service: RestStandIn, workflow, count: int):
    rest_service.histories[EXECUTION] = [event(number) for number in range(1, count + 1)]
    table = workflow("history", EXECUTION, "--utc").stdout.splitlines()
    assert [line.split()[0] for line in table[1:]] == [str(number) for number in range(1, count + 1)]
    assert table[1].split() == [
        "1",
        "2026-01-02",
        "03:04:05.678Z",
        "10%",
        "running",
        "Task",
        "'read'",
        "started",
    ]
    lines = workflow("history", EXECUTION, "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == rest_service.histories[EXECUTION]


def test_history_of_an_unknown_execution_is_a_sentence(workflow):
    result = workflow("history", EXECUTION)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: execution '{EXECUTION}' does not exist; `workflow list` lists what there is\n"
    wrong = workflow("history", "nobody/../x")
    assert wrong.stderr == ("error: 'nobody/../x' is not the id of an execution; `workflow list` lists what there is\n")


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
