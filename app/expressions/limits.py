"""Limits of one evaluation. Its cost is counted while it runs; an operation that would exceed a limit is not started.

Nothing else runs in the process during an evaluation, so the limits bound time as well as memory. All expressions of a
config share one meter, so that many of them cannot add up.
"""

from app.expressions.errors import OverBudget, TooMuch

MAX_DEPTH = 90
"""The largest depth of an expression."""

MAX_STEPS = 1_000_000
"""The largest number of steps of the expressions of a config. A step takes 0.1 to 0.3 µs. Each part of an expression
takes one step, a part of a loop's body one per element, an element that is added to a list or written as JSON one, a
comparison of two elements four, and reading 64 characters one.
"""

MAX_MADE_BYTES = 33_554_432
"""The largest number of characters and bytes that the expressions of a config may create."""

INLINE_STEPS = 5_000
"""The steps of a config that may be taken where everything else waits: about a millisecond."""

INLINE_BYTES = 262_144
"""The characters and bytes that may be created there."""

MAX_RESULT_BYTES = 1_048_576
"""The largest computed result, in bytes of JSON."""

MAX_PATTERN = 1_000
"""The largest number of characters of a regular expression."""

CHARACTERS_A_STEP = 64


class Meter:
    """Counts the cost of evaluations. Its methods raise `TooMuch`."""

    __slots__ = ("_bytes", "_steps")
    steps, characters = MAX_STEPS, MAX_MADE_BYTES

    def __init__(self) -> None:
        self._steps = self.steps
        self._bytes = self.characters

    @property
    def spent(self) -> int:
        """The steps so far."""
        return self.steps - self._steps

    def spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise self._excess(f"needs more than {MAX_STEPS} steps, which is the limit; use a task for this work")

    def read(self, characters: int) -> None:
        """Count the steps of reading a text of this length."""
        self.spend(characters // CHARACTERS_A_STEP + 1)

    def make(self, characters: int) -> None:
        """Count the creation of a text of this length. Call it before the text is created."""
        self.read(characters)
        self._bytes -= characters
        if self._bytes < 0:
            raise self._excess(f"creates more than {MAX_MADE_BYTES} characters of text, which is the limit")

    def _excess(self, message: str) -> Exception:
        return TooMuch(message)


class InlineMeter(Meter):
    """Its methods raise `OverBudget`."""

    __slots__ = ()
    steps, characters = INLINE_STEPS, INLINE_BYTES

    def _excess(self, message: str) -> Exception:
        return OverBudget()
