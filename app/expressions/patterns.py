"""Regular expressions of RE2, as CEL requires: matching takes linear time."""

from functools import lru_cache
from typing import Any

import re2

from app.domain.pattern_weights import pattern_weight
from app.expressions.errors import NoValue
from app.expressions.limits import MAX_PATTERN, Meter

MAX_MEMORY = 524_288
"""The largest compiled pattern, in bytes; RE2 refuses larger ones."""

INSTRUCTIONS_A_STEP = 25
"""RE2 usually takes 2 ns per character. If a pattern has too many states, it executes all instructions of the pattern
for each character, 30 ns each. That cannot be predicted, so the worst case is counted.
"""

MAX_COMPILING_STEPS = 16_000
"""RE2 gives up a pattern that becomes larger than `MAX_MEMORY`: after 2.5 ms."""


def matches(meter: Meter, text: str, pattern: str) -> bool:
    """Whether `pattern` matches anywhere in `text`. Raise `NoValue` for an invalid pattern."""
    # Compiling costs more than matching, and it may have to be done again.
    meter.spend(min(_weight(pattern), MAX_COMPILING_STEPS))
    compiled = compiled_pattern(pattern)
    meter.spend(len(text) * compiled.programsize // INSTRUCTIONS_A_STEP + 1)
    return compiled.search(text) is not None


@lru_cache(1_024)
def _weight(pattern: str) -> int:
    return pattern_weight(pattern[:MAX_PATTERN])


@lru_cache(128)
def compiled_pattern(pattern: str) -> Any:
    """Raise `NoValue`."""
    if len(pattern) > MAX_PATTERN:
        raise NoValue(f"the pattern has {len(pattern)} characters; the limit is {MAX_PATTERN}")
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.never_capture = True
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise NoValue(f"the pattern is not valid for RE2: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """The error without the part of the pattern that RE2 quotes."""
    reason = error.args[0] if error.args else ""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return text.partition(": ")[0]
