"""The idempotency keys of callers: which can be used, and which start a key stands for."""

from app.domain.definitions import text_problems
from app.domain.errors import IdempotencyMismatch, Invalid
from app.domain.executions import ENTITY_KEYS, MAX_IDEMPOTENCY_KEY, Execution
from app.domain.json_values import same_json
from app.domain.payloads import Payload
from app.domain.run_ids import KEY_PREFIX

RESERVED = ("schedule:", "retry:", "child:", "kafka:", ENTITY_KEYS, KEY_PREFIX)
"""How the keys begin that the service makes itself, and will make.

A caller's key of this kind could take the place of the start of a schedule, or block a retry.
"""


def check_key(key: str | None) -> None:
    """Raise `Invalid` for a caller's key that cannot be stored, or that begins as those of the service do."""
    if problems := text_problems("idempotency_key", key, MAX_IDEMPOTENCY_KEY, required=True):
        raise Invalid(problems)
    if key is not None and (prefix := next((word for word in RESERVED if key.startswith(word)), None)) is not None:
        message = f"must not begin with {prefix!r}: the service uses such keys itself; choose another"
        raise Invalid.at("idempotency_key", message)


def check_same_input(known: Execution, input: Payload) -> None:
    """Raise `IdempotencyMismatch` when the execution that the key has started has another input.

    The inputs are compared as JSON values, with the one that the row keeps: order and spaces make no difference.
    """
    if known.input.text != input.text and not same_json(known.input.value, input.value):
        raise IdempotencyMismatch(known.idempotency_key, known.id)
