"""Finds values that PostgreSQL or strict JSON cannot store."""

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

from app.domain.errors import Problem
from app.domain.texts import storable_text, text_problem

MAX_DEPTH = 100
_SMALLEST, _GREATEST = -(2**63), 2**64 - 1


def storage_problems(value: Any, path: str) -> list[Problem]:
    """Every problem of storing `value` as JSON; paths start with `path`."""
    found: list[Problem] = []
    waiting = deque([(value, path, 0)])
    while waiting:
        item, place, depth = waiting.popleft()
        if depth > MAX_DEPTH:
            return [Problem(path, f"must not be nested deeper than {MAX_DEPTH} levels")]
        if isinstance(item, Mapping):
            found += _key_problems(item, place)
            waiting.extend((child, f"{place}.{_shown(key)}", depth + 1) for key, child in item.items())
        elif isinstance(item, list | tuple):
            waiting.extend((child, f"{place}[{index}]", depth + 1) for index, child in enumerate(item))
        elif (message := _leaf_problem(item)) is not None:
            found.append(Problem(place, message))
    return found


def _key_problems(item: Mapping[Any, Any], path: str) -> list[Problem]:
    if not all(isinstance(key, str) for key in item):
        return [Problem(path, "must have strings as keys")]
    wrong = {message for key in item if (message := text_problem(key)) is not None}
    return [Problem(path, f"has a key that {message.replace('must not contain', 'contains')}") for message in wrong]


def _leaf_problem(item: Any) -> str | None:
    if item is None or isinstance(item, bool):
        return None
    if isinstance(item, str):
        return text_problem(item)
    if isinstance(item, int):
        return None if _SMALLEST <= item <= _GREATEST else "must be an integer of at most 64 bits"
    if isinstance(item, float):
        return None if math.isfinite(item) else "must be a finite number"
    return f"is a {type(item).__name__}, not a JSON value"


def _shown(key: Any) -> str:
    return storable_text(str(key), 100)
