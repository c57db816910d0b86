"""The commands that control an execution: cancel, pause, resume, signal, skip, retry, rerun."""

from uuid import uuid4

from app.api.grpc.generated import workflow_pb2 as pb
from app.cli.option_values import json_value
from app.cli.running import Style, watch_command, watch_execution
from app.cli.screen.console import results
from app.client.entries import status_word
from app.client.grpc_client import GrpcClient


def cancel_execution(target: str, execution_id: str, reason: str) -> None:
    """The execution ends when its running tasks have stopped."""
    with GrpcClient(target) as client:
        answer = client.cancel(execution_id, reason)
    _tell(answer.execution_id, status_word(answer.status), "cancelled", "stop")


def pause_execution(target: str, execution_id: str, reason: str) -> None:
    with GrpcClient(target) as client:
        answer = client.pause(execution_id, reason)
    _tell(answer.execution_id, status_word(answer.status), "paused", "pause")


def resume_execution(target: str, execution_id: str, reason: str) -> None:
    with GrpcClient(target) as client:
        answer = client.resume(execution_id, reason)
    _tell(answer.execution_id, status_word(answer.status), "running", "continue")


def send_signal(target: str, execution_id: str, name: str, payload: str) -> None:
    if payload:
        json_value("--payload", payload)
    with GrpcClient(target) as client:
        answer = client.signal(execution_id, name, payload)
    results().say(f"signal {name} was sent to execution {answer.execution_id}")


def skip_task(target: str, execution_id: str, task: str, reason: str) -> None:
    with GrpcClient(target) as client:
        answer = client.skip(execution_id, task, reason)
    results().say(f"execution {answer.execution_id} has been asked to skip task {task!r}")


def retry_execution(target: str, execution_id: str, *, watch: bool) -> int:
    """Print the new execution's id, or with `watch` follow it; return the exit code, which then says how it ended."""
    with GrpcClient(target) as client:
        answer = client.retry(execution_id)
    return _follow(target, answer, watch=watch)


def rerun_execution(target: str, execution_id: str, from_task: str, idempotency_key: str | None, *, watch: bool) -> int:
    """As `retry_execution`. Every request has an idempotency key, so repeating it starts nothing twice."""
    with GrpcClient(target) as client:
        answer = client.rerun(execution_id, from_task, idempotency_key or f"cli-{uuid4()}")
    return _follow(target, answer, watch=watch)


def _follow(target: str, answer: pb.RetryExecutionResponse | pb.RerunExecutionResponse, *, watch: bool) -> int:
    if watch:
        return watch_execution(target, answer.execution_id, 0, Style.AUTO)
    known = f" already and is {status_word(answer.status)}" if answer.already_started else ""
    follow = watch_command(target, answer.execution_id)
    results().say(
        f"execution {answer.execution_id} repeats {answer.origin_execution_id}{known}; follow it with: {follow}"
    )
    return 0


def _tell(execution_id: str, status: str, wanted: str, request: str) -> None:
    if status == wanted:
        results().say(f"execution {execution_id} is {status}")
    else:
        results().say(f"execution {execution_id} is {status} and has been asked to {request}")
