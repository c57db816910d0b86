"""Turns the arguments of `workflow run` into the request that starts an execution."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from app.api.grpc.generated import workflow_pb2 as pb
from app.cli.errors import CliError


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
        input="" if input is None else json_input(input),
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


def _text_of(input: str) -> str:
    if not input.startswith("@"):
        return input
    try:
        return sys.stdin.read() if input == "@-" else Path(input[1:]).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise CliError(f"--input {input} cannot be read: {reason_of(error)}") from None


def json_input(input: str) -> str:
    """The JSON object of `--input` as unchanged text, so that numbers keep all their digits. Raise `CliError`."""
    text = _text_of(input)
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise CliError(f"--input is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise CliError('--input must be a JSON object, e.g. \'{"day": "monday"}\'')
    return text


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} does not exist in JSON")


def reason_of(error: Exception) -> str:
    """The operating system's reason for a file error, without its number and path."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
