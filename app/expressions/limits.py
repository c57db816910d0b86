"""What one evaluation may take. It is counted on the way, and what would take more than is left is not begun.

An evaluation holds up everything else in its process, so these bounds are for time and memory alike.
"""

from app.expressions.errors import TooMuch

MAX_DEPTH = 90
"""How deep an expression may be nested."""

MAX_STEPS = 1_000_000
"""The most steps of an evaluation. One is about a tenth of a microsecond: a part of a loop's body for one element, an
element that is compared or put into a list, 64 characters that are compared, searched or joined.
"""

MAX_MADE_BYTES = 33_554_432
"""The most characters of text, and bytes, that an evaluation may make."""

MAX_RESULT_BYTES = 1_048_576
"""The most bytes of a computed result, as JSON."""

MAX_PATTERN = 1_000
"""The most characters of a regular expression."""

CHARACTERS_A_STEP = 64


class Meter:
    """Counts what an evaluation has taken. Its methods raise `TooMuch`."""

    __slots__ = ("_bytes", "_steps")

    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._bytes = MAX_MADE_BYTES

    def spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise TooMuch(f"takes more than {MAX_STEPS} steps; that is the limit: let a task do this work")

    def read(self, characters: int) -> None:
        """Before so many characters are looked through."""
        self.spend(characters // CHARACTERS_A_STEP + 1)

    def make(self, characters: int) -> None:
        """Before a text of this length is made."""
        self.read(characters)
        self._bytes -= characters
        if self._bytes < 0:
            raise TooMuch(f"makes more than {MAX_MADE_BYTES} bytes of text; that is the limit")
