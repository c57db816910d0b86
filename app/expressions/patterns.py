"""Regular expressions, by RE2 as CEL wants it: they take time in proportion to the text, whatever the pattern."""

from functools import lru_cache
from typing import Any

import re2

from app.expressions.errors import NoValue
from app.expressions.limits import MAX_PATTERN, Meter

MAX_MEMORY = 524_288
"""The most bytes of a compiled pattern; RE2 refuses what would take more."""

INSTRUCTIONS_A_STEP = 25
"""RE2 keeps the states that it meets, and takes 2 ns a character; where there are too many of them it goes through all
instructions of the pattern for each character, 30 ns each. As that cannot be known before, it is what is counted.
"""


def matches(meter: Meter, text: str, pattern: str) -> bool:
    """Whether `pattern` is found anywhere in `text`. Raise `NoValue` for what is no pattern."""
    compiled = compiled_pattern(pattern)
    meter.spend(len(text) * compiled.programsize // INSTRUCTIONS_A_STEP + 1)
    return compiled.search(text) is not None


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
        raise NoValue(f"{pattern[:40]!r} is no pattern of RE2: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
