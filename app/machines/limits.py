"""What a request about an entity may hold. All functions raise `Invalid` and `TooLarge`."""

from collections.abc import Mapping
from typing import Any

from app.domain.definitions import MAX_NAME, text_problems
from app.domain.errors import Invalid, Problem
from app.domain.executions import MAX_IDEMPOTENCY_KEY
from app.domain.json_values import encode
from app.machines.actors import EXECUTION, is_automatic
from app.machines.deciding import TransitionRequest
from app.machines.machine import MAX_DATA_BYTES

MAX_NOTES = 10_000
TASK_KEYS = "task:"
RESERVED = (TASK_KEYS, EXECUTION)
"""How the idempotency keys begin that the service makes itself: a caller's could take the place of a task's request."""
MAX_ENTITY_NAME = 200


def check_names(table: str, key: str) -> None:
    """What a thing is called outside."""
    problems = text_problems("entity_table", table, MAX_ENTITY_NAME, required=True)
    if problems := problems + text_problems("entity_id", key, MAX_ENTITY_NAME, required=True):
        raise Invalid(problems)


def check_request(request: TransitionRequest) -> None:
    """The texts and objects of a request."""
    problems = text_problems("notes", request.notes, MAX_NOTES)
    problems += text_problems("to_state", request.to, MAX_NAME, required=True)
    problems += text_problems("transition", request.transition, MAX_NAME, required=True)
    problems += text_problems("executed_by", request.actor.on_behalf_of, MAX_NAME, required=True)
    problems += text_problems("idempotency_key", request.idempotency_key, MAX_IDEMPOTENCY_KEY, required=True)
    if not is_automatic(request.actor.name):
        problems += _reserved_problems(request.idempotency_key)
    if problems:
        raise Invalid(problems)
    encode(request.context, "context", MAX_DATA_BYTES)
    encode(request.data, "data", MAX_DATA_BYTES)


def _reserved_problems(key: str | None) -> list[Problem]:
    prefix = None if key is None else next((word for word in RESERVED if key.startswith(word)), None)
    if prefix is None:
        return []
    message = f"must not begin with {prefix!r}: the service uses such keys itself; choose another"
    return [Problem("idempotency_key", message)]


def check_target(request: TransitionRequest) -> None:
    """A transition is named, or its target is."""
    if request.to is None and request.transition is None:
        raise Invalid([Problem("to_state", "name a state, or a `transition`")])


def check_data(data: Mapping[str, Any]) -> None:
    """The whole data of an entity."""
    encode(data, "data", MAX_DATA_BYTES)
