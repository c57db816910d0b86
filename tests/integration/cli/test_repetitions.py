"""`workflow skip`, `retry` and `rerun`: what is asked, and what is told."""

from shlex import split

import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.scripted_service import EXECUTION, ScriptedService, plays, whole_history

ORIGIN = "01990000-0000-7000-8000-00000000000a"


def test_skip_asks_with_the_task_and_the_reason(grpc_service: ScriptedService, workflow):
    result = workflow("skip", EXECUTION, "load orders", "--reason", "done by hand")

    assert (result.exit_code, result.stdout) == (
        0,
        f"execution {EXECUTION} has been asked to skip task 'load orders'\n",
    )
    asked = pb.SkipTaskRequest(execution_id=EXECUTION, task="load orders", reason="done by hand")
    assert grpc_service.requests == [asked]


def test_retry_tells_the_new_execution_and_how_to_follow_it(grpc_service: ScriptedService, workflow):
    result = workflow("retry", ORIGIN)

    follow = f"workflow watch {EXECUTION} --grpc-target {grpc_service.target}"
    assert result.exit_code == 0
    assert result.stdout == (
        f"execution {EXECUTION} repeats {ORIGIN} already and is failed; follow it with: {follow}\n"
    )
    assert grpc_service.requests == [pb.RetryExecutionRequest(execution_id=ORIGIN)]


def test_rerun_asks_from_which_task(grpc_service: ScriptedService, workflow):
    result = workflow("rerun", ORIGIN, "--from", "load", "--idempotency-key", "again")

    follow = f"workflow watch {EXECUTION} --grpc-target {grpc_service.target}"
    assert result.stdout == f"execution {EXECUTION} repeats {ORIGIN}; follow it with: {follow}\n"
    asked = pb.RerunExecutionRequest(execution_id=ORIGIN, from_task="load", idempotency_key="again")
    assert grpc_service.requests == [asked]


def test_every_rerun_has_a_key_of_its_own(grpc_service: ScriptedService, workflow):
    workflow("rerun", ORIGIN, "--from", "load")
    workflow("rerun", ORIGIN, "--from", "load")

    first, second = (request.idempotency_key for request in grpc_service.requests)
    assert first.startswith("cli-")
    assert first != second


def test_a_rerun_without_a_task_is_refused(grpc_service: ScriptedService, workflow):
    result = workflow("rerun", ORIGIN)

    assert result.exit_code == 2
    assert "--from" in result.stderr
    assert grpc_service.requests == []


def test_a_repetition_can_be_watched_at_once(grpc_service: ScriptedService, workflow):
    for final, code in (("COMPLETED", 0), ("FAILED", 1)):
        grpc_service.scenes = [plays(*whole_history(final))]
        result = workflow("retry", ORIGIN, "--watch")

        assert result.exit_code == code
        assert result.stdout.splitlines()[0] == f"workflow 7, execution {EXECUTION}"
        assert grpc_service.requests[-1] == pb.WatchExecutionRequest(execution_id=EXECUTION)


def test_a_history_shows_what_was_taken_over_and_skipped(grpc_service: ScriptedService, workflow):
    first, *_, last = whole_history()
    taken, skipped = whole_history()[2:4]
    taken.task_status, taken.attempt, taken.message = pb.TASK_COMPLETED, 0, "Task 'read' taken over"
    skipped.task_status, skipped.attempt, skipped.message = pb.TASK_SKIPPED, 0, "Task 'read' skipped: by hand"
    updates = [first, taken, skipped, last]
    for number, update in enumerate(updates, start=1):
        update.sequence = number
    grpc_service.scenes = [plays(*updates)]

    lines = workflow("watch", EXECUTION).stdout.splitlines()

    assert [line.split("  ")[-1] for line in lines[2:4]] == ["Task 'read' taken over", "Task 'read' skipped: by hand"]


@pytest.mark.parametrize("latest", [0, 1])
def test_a_revision_is_asked_for(grpc_service: ScriptedService, workflow, latest: int):
    grpc_service.latest_revision = latest
    retried = workflow("retry", ORIGIN, "--revision", "latest")
    workflow("rerun", ORIGIN, "--from", "load", "--idempotency-key", "k", "--revision", "3")

    assert grpc_service.requests == [
        pb.RetryExecutionRequest(execution_id=ORIGIN, revision="latest"),
        pb.RerunExecutionRequest(execution_id=ORIGIN, from_task="load", idempotency_key="k", revision="3"),
    ]
    assert len(retried.stdout.splitlines()) == 1, "no revision is newer"


def test_a_newer_revision_is_pointed_out_with_the_command_that_runs_it(grpc_service: ScriptedService, workflow):
    grpc_service.latest_revision = 3
    elsewhere = f" --grpc-target {grpc_service.target}"
    _, line = workflow("retry", ORIGIN).stdout.splitlines()
    said, _, command = line.partition(": ")
    assert said == "it runs revision 1; revision 3 is newer, and runs with"
    assert command == f"workflow retry {ORIGIN} --revision latest{elsewhere}"

    _, line = workflow("rerun", ORIGIN, "--from", "it's b").stdout.splitlines()
    command = line.partition(": ")[2]
    assert workflow(*split(command)[1:]).exit_code == 0
    last = grpc_service.requests[-1]
    assert (last.execution_id, last.from_task, last.revision) == (ORIGIN, "it's b", "latest")

    grpc_service.scenes = [plays(*whole_history())]
    assert workflow("retry", ORIGIN, "--watch").stderr.startswith("it runs revision 1; revision 3 is newer")
