"""Encodes JSON values, and refuses those that cannot be stored or sent."""

from typing import Any

import orjson

from app.domain.errors import Invalid, TooLarge
from app.domain.json_values import number_problem, storage_problems
from app.domain.texts import NUL, text_problem

_PLAIN_JSON = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def encode(value: Any, field: str, limit: int) -> str | None:
    """JSON text of a value; None for `null`. Raise `Invalid` if JSON or PostgreSQL cannot hold it, `TooLarge` if its
    text has more than `limit` bytes.
    """
    if value is None:
        return None
    try:
        text = orjson.dumps(value, option=_PLAIN_JSON)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise Invalid.at(field, f"is not a JSON value: {error}") from None
    if len(text) > limit:
        raise TooLarge(field, limit, len(text))
    # The encoder writes `null` for NaN. Only texts that may contain NaN or a NUL character are searched.
    if b"null" in text or b"\\u0000" in text:
        for problem in storage_problems(value, field, check=_check):
            raise Invalid([problem])
    return text.decode()


def _check(item: Any) -> str | None:
    """Problems that the encoder does not report."""
    if isinstance(item, str):
        return text_problem(item) if NUL in item else None
    return number_problem(item) if isinstance(item, float) else None
