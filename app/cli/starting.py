"""Turns the arguments of `workflow run` into the request that starts an execution."""

from collections.abc import Sequence
from uuid import uuid4

from app.api.grpc.generated import workflow_pb2 as pb
from app.cli.errors import CliError
from app.cli.option_values import json_object


def start_request(
    workflow: str, input: str | None, parameters: Sequence[str], idempotency_key: str | None
) -> pb.ExecuteWorkflowRequest:
    """The request. Raise `CliError` when the input cannot be used.

    Every request gets an idempotency key, so that a start whose response was lost can be repeated safely.
    """
    if input is not None and parameters:
        raise CliError("--input and --parameter cannot be combined; put everything into --input")
    return pb.ExecuteWorkflowRequest(
        workflow_id=workflow,
        parameters=_parameters(parameters),
        input="" if input is None else json_object("--input", input),
        idempotency_key=idempotency_key or f"cli-{uuid4()}",
    )


def _parameters(pairs: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise CliError(f"--parameter {pair!r} is not of the form NAME=VALUE")
        if name in found:
            raise CliError(f"--parameter {name} is given twice")
        found[name] = value
    return found
