"""The commands that control an execution: cancel, pause, resume, signal, skip, retry, rerun."""

from shlex import quote
from uuid import uuid4

from app.api.grpc.generated import workflow_pb2 as pb
from app.cli.execution_ids import found_over_grpc
from app.cli.option_values import json_value
from app.cli.refused_names import near_tasks
from app.cli.running import Style, elsewhere, watch_command, watch_execution
from app.cli.screen.console import Output, failures, results
from app.cli.targets import Services
from app.client.entries import status_word
from app.client.grpc_client import GrpcClient


def cancel_execution(target: str, execution: str, reason: str) -> None:
    """The execution ends when its running tasks have stopped."""
    with GrpcClient(target) as client:
        answer = client.cancel(found_over_grpc(client, execution), reason)
    _tell(answer.execution_id, status_word(answer.status), "cancelled", "stop")


def pause_execution(target: str, execution: str, reason: str) -> None:
    with GrpcClient(target) as client:
        answer = client.pause(found_over_grpc(client, execution), reason)
    _tell(answer.execution_id, status_word(answer.status), "paused", "pause")


def resume_execution(target: str, execution: str, reason: str) -> None:
    with GrpcClient(target) as client:
        answer = client.resume(found_over_grpc(client, execution), reason)
    _tell(answer.execution_id, status_word(answer.status), "running", "continue")


def send_signal(target: str, execution: str, name: str, payload: str) -> None:
    if payload:
        json_value("--payload", payload)
    with GrpcClient(target) as client:
        answer = client.signal(found_over_grpc(client, execution), name, payload)
    results().say(f"signal {name} was sent to execution {answer.execution_id}")


def skip_task(services: Services, execution: str, task: str, reason: str) -> None:
    with GrpcClient(services.grpc) as client, near_tasks(services.rest, execution):
        answer = client.skip(found_over_grpc(client, execution), task, reason)
    results().say(f"execution {answer.execution_id} has been asked to skip task {task!r}")


def retry_execution(services: Services, execution: str, revision: str, *, watch: bool) -> int:
    """Print the new execution's id, or with `watch` follow it; return the exit code, which then says how it ended."""
    with GrpcClient(services.grpc) as client:
        answer = client.retry(found_over_grpc(client, execution), revision)
    return _follow(services, answer, f"workflow retry {answer.origin_execution_id}", watch=watch)


def rerun_execution(
    services: Services, execution: str, from_task: str, idempotency_key: str | None, revision: str, *, watch: bool
) -> int:
    """As `retry_execution`. Every request has an idempotency key, so repeating it starts nothing twice."""
    with GrpcClient(services.grpc) as client, near_tasks(services.rest, execution):
        key = idempotency_key or f"cli-{uuid4()}"
        answer = client.rerun(found_over_grpc(client, execution), from_task, key, revision)
    again = f"workflow rerun {answer.origin_execution_id} --from {quote(from_task)}"
    return _follow(services, answer, again, watch=watch)


def _follow(
    services: Services, answer: pb.RetryExecutionResponse | pb.RerunExecutionResponse, again: str, *, watch: bool
) -> int:
    """`again` is the command without its options."""
    if watch:
        _note_newer_revision(answer, again, services.grpc, failures())
        return watch_execution(services, answer.execution_id, 0, Style.AUTO)
    known = f" already and is {status_word(answer.status)}" if answer.already_started else ""
    follow = watch_command(services.grpc, answer.execution_id)
    results().say(
        f"execution {answer.execution_id} repeats {answer.origin_execution_id}{known}; follow it with: {follow}"
    )
    _note_newer_revision(answer, again, services.grpc, results())
    return 0


def _note_newer_revision(
    answer: pb.RetryExecutionResponse | pb.RerunExecutionResponse, again: str, target: str, output: Output
) -> None:
    if answer.latest_revision > answer.revision:
        command = " ".join((again, "--revision latest", *elsewhere(target)))
        output.say(
            f"it runs revision {answer.revision}; revision {answer.latest_revision} is newer, and runs with: {command}"
        )


def _tell(execution_id: str, status: str, wanted: str, request: str) -> None:
    if status == wanted:
        results().say(f"execution {execution_id} is {status}")
    else:
        results().say(f"execution {execution_id} is {status} and has been asked to {request}")
