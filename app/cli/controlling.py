"""`workflow cancel`, `pause`, `resume` and `signal`: what to ask of an execution, and how far that got."""

from app.cli.console import results
from app.cli.entries import status_word
from app.cli.grpc_client import GrpcClient


def cancel_execution(target: str, execution_id: str, reason: str) -> None:
    """It ends once its running tasks have stopped."""
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
    _tell(answer.execution_id, status_word(answer.status), "running", "go on")


def send_signal(target: str, execution_id: str, name: str, payload: str) -> None:
    with GrpcClient(target) as client:
        answer = client.signal(execution_id, name, payload)
    results().say(f"signal {name} is left for execution {answer.execution_id}")


def _tell(execution_id: str, status: str, wanted: str, request: str) -> None:
    if status == wanted:
        results().say(f"execution {execution_id} is {status}")
    else:
        results().say(f"execution {execution_id} is {status} and has been asked to {request}")
