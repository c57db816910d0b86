"""Limits of an expression's cost for the given data, estimated before it is evaluated.

The library can neither be interrupted nor limited, so an evaluation that may become too large is not started.
"""

import math
from collections.abc import Mapping
from typing import Any

import orjson

from app.expressions.loops import Growth

MAX_SEEN_BYTES = 1_048_576
"""The largest data, as JSON, that an expression may read; no limit for one that only names a value."""

MAX_RESULT_BYTES = 1_048_576
"""The largest computed result, in bytes of JSON."""

MAX_MADE_BYTES = 134_217_728
"""The largest estimate of intermediate data, in bytes."""

MAX_LOOKED_AT_BYTES = 2_147_483_648
"""The largest number of bytes that loops may read: in the worst case all data once per element."""

LOOP_BUDGET = 2_000_000
"""A loop copies its list at each step, so a list of n within d loops costs about n ** (d + 1) steps of 0.2 µs, during
which nothing else runs.
"""


def excess(growth: Growth, source: str, seen: Mapping[str, Any]) -> str | None:
    """Why `source` may not be evaluated with these roots; None if it may."""
    sizes = {root: len(orjson.dumps(value, default=dict)) for root, value in seen.items()}
    size = sum(sizes.values())
    if size > MAX_SEEN_BYTES:
        return f"looks into {size} bytes of data; the limit is {MAX_SEEN_BYTES}"
    elements = growth.elements(_longest(seen)) if growth.depth else 0
    return _too_many_elements(growth, elements) or _too_many_bytes(growth, elements, sizes, len(source))


def _too_many_elements(growth: Growth, elements: int) -> str | None:
    limit = math.floor(LOOP_BUDGET ** (1 / (growth.depth + 1)))
    if elements <= limit:
        return None
    return f"loops {growth.depth} deep over up to {elements} elements; the limit is {limit}"


def _too_many_bytes(growth: Growth, elements: int, sizes: Mapping[str, int], literals: int) -> str | None:
    size = sum(sizes.values())
    looked_at = size * elements**growth.depth
    if looked_at > MAX_LOOKED_AT_BYTES:
        return f"may look at {looked_at} bytes in its loops; the limit is {MAX_LOOKED_AT_BYTES}"
    each_time = size if growth.outside is None else sum(sizes[root] for root in growth.outside)
    made = growth.copies * (size + (each_time + literals) * elements**growth.making)
    return f"may make {made} bytes of the data; the limit is {MAX_MADE_BYTES}" if made > MAX_MADE_BYTES else None


def _longest(value: Any) -> int:
    longest, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            longest = max(longest, len(item))
            waiting.extend(item.values())
        elif isinstance(item, list):
            longest = max(longest, len(item))
            waiting.extend(item)
    return longest
