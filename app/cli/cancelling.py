"""`workflow cancel`."""

from app.cli.console import results
from app.cli.entries import status_word
from app.cli.grpc_client import GrpcClient


def cancel_execution(target: str, execution_id: str, reason: str) -> None:
    """Ask the execution to stop and tell how far that got; it ends once its running tasks have stopped."""
    with GrpcClient(target) as client:
        answer = client.cancel(execution_id, reason)
    status = status_word(answer.status)
    if status == "cancelled":
        results().say(f"execution {answer.execution_id} is cancelled")
    else:
        results().say(f"execution {answer.execution_id} is {status} and has been asked to stop")
