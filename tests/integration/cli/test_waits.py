"""What a task waits for: the line that the service and the command show can be pasted into a shell."""

from shlex import split

import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.waiting import signal_command
from tests.support.rest_stand_in import RestStandIn
from tests.support.scripted_service import EXECUTION, ScriptedService, plays, update, whole_history


def waiting(signal: str) -> pb.WorkflowExecutionUpdate:
    found = update(3, task="ask", task_status="TASK_RUNNING", message="of the service")
    found.waits_for.signal = signal
    return found


@pytest.mark.parametrize("signal", ["go", "it's on", "-x", "--payload", "--", "$(false)", "a b", "é\t"])
def test_the_line_sends_the_signal(grpc_service: ScriptedService, workflow, signal: str):
    program, *words = split(signal_command(EXECUTION, signal))
    result = workflow(*words)

    assert (program, result.exit_code) == ("workflow", 0), result.stderr
    assert grpc_service.requests == [pb.SignalExecutionRequest(execution_id=EXECUTION, name=signal, payload="{}")]


def test_watch_shows_a_line_for_the_service_that_it_watches(grpc_service: ScriptedService, workflow):
    first, second, *_, last = whole_history()
    grpc_service.scenes = [plays(first, second, waiting("go"), last)]
    shown = workflow("watch", EXECUTION).stdout.splitlines()[3]

    message = shown.split("running    ")[1]
    words, _, line = message.partition("; send it with: ")
    assert words == "Task 'ask' waits for signal 'go'"
    assert line.endswith(f" --grpc-target {grpc_service.target}")
    assert workflow(*split(line)[1:]).exit_code == 0
    assert grpc_service.requests[-1] == pb.SignalExecutionRequest(execution_id=EXECUTION, name="go", payload="{}")


def test_history_shows_the_line_and_the_time_in_its_own_zone(rest_service: RestStandIn, workflow):
    event = {
        "sequence": 3,
        "type": "task_started",
        "occurred_at": "2026-01-02T03:04:05.678900Z",
        "status": "running",
        "progress_percent": 10,
        "task_id": 3,
        "task_name": "ask",
        "task_status": "running",
        "attempt": 1,
        "message": "as the service says it",
        "output": None,
        "error": None,
        "waits_for": {"signal": "go", "until": "2026-01-03T03:04:05.000000Z"},
    }
    delay = event | {"waits_for": {"signal": None, "until": "2026-01-03T03:04:05.000000Z"}}
    rest_service.histories = {EXECUTION: [event, delay]}
    lines = workflow("history", EXECUTION, "--utc").stdout.splitlines()

    assert lines[1].endswith(
        f"Task 'ask' waits for signal 'go' until 2026-01-03 03:04Z; "
        f"send it with: workflow signal {EXECUTION} go --payload '{{}}'"
    )
    assert lines[2].endswith("Task 'ask' waits until 2026-01-03 03:04Z")
