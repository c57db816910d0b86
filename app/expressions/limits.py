"""Limits of one evaluation. Its cost is counted while it runs; an operation that would exceed a limit is not started.

Nothing else runs in the process during an evaluation, so the limits bound time as well as memory.
"""

from app.expressions.errors import TooMuch

MAX_DEPTH = 90
"""The largest depth of an expression."""

MAX_STEPS = 1_000_000
"""The largest number of steps of an evaluation. A step takes 0.1 to 0.3 µs. A part of a loop's body takes one step per
element, an element that is added to a list one, a comparison of two elements four, and reading 64 characters one.
"""

MAX_MADE_BYTES = 33_554_432
"""The largest number of characters and bytes that an evaluation may create."""

MAX_RESULT_BYTES = 1_048_576
"""The largest computed result, in bytes of JSON."""

MAX_PATTERN = 1_000
"""The largest number of characters of a regular expression."""

CHARACTERS_A_STEP = 64


class Meter:
    """Counts the cost of one evaluation. Its methods raise `TooMuch`."""

    __slots__ = ("_bytes", "_steps")

    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._bytes = MAX_MADE_BYTES

    def spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise TooMuch(f"needs more than {MAX_STEPS} steps, which is the limit; use a task for this work")

    def read(self, characters: int) -> None:
        """Count the steps of reading a text of this length."""
        self.spend(characters // CHARACTERS_A_STEP + 1)

    def make(self, characters: int) -> None:
        """Count the creation of a text of this length. Call it before the text is created."""
        self.read(characters)
        self._bytes -= characters
        if self._bytes < 0:
            raise TooMuch(f"creates more than {MAX_MADE_BYTES} characters of text, which is the limit")
