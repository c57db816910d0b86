"""Estimates from the text of an expression how much data its loops and its `+` can create."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from app.expressions.tokens import Token

MACROS = frozenset({"map", "filter", "all", "exists", "exists_one"})


@dataclass(frozen=True, slots=True)
class Growth:
    """What an expression can create from its data.

    depth: how deeply loops are nested; 0 without loops.
    making: as `depth`, counting only loops that create lists. A list of n elements becomes at most `elements(n)`.
    copies: how often the result can contain a value.
    outside: the roots that loops copy into each element; None if that can be anything.
    """

    depth: int
    making: int
    longest_literal: int
    list_factor: int
    copies: int
    outside: frozenset[str] | None

    def elements(self, longest: int) -> int:
        return max(longest, self.longest_literal) * self.list_factor


@dataclass(slots=True)
class Loop:
    macro: str
    variable: str
    additions: int = 0
    values: int = -1  # the declaration of the variable, `x,`, is not a use of it

    @property
    def makes(self) -> bool:
        """True for a macro that creates a list; the others only select or test elements."""
        return self.macro == "map"

    @staticmethod
    def macro_at(tokens: Sequence[Token], position: int) -> str | None:
        """The macro whose parenthesis is at `position`; None for other parentheses."""
        if position < 2 or tokens[position - 2].text != "." or tokens[position - 1].text not in MACROS:
            return None
        return tokens[position - 1].text


@dataclass(slots=True)
class LoopStack:
    """The loops around the current position, and the counts up to there."""

    loops: list[Loop] = field(default_factory=list)
    _open: list[Loop | None] = field(default_factory=list)
    _depth: int = 0
    _making: int = 0
    _commas: int = 0
    _additions: int = 0
    _values: int = 0
    _outside: set[str] = field(default_factory=set)
    _looks_at_anything: bool = False

    def open(self, loop: Loop | None) -> None:
        self._open.append(loop)
        if loop is not None:
            self.loops.append(loop)
            around = self._around()
            self._depth = max(self._depth, len(around))
            self._making = max(self._making, sum(loop.makes for loop in around))

    @property
    def is_in_loop(self) -> bool:
        return bool(self._around())

    def binds(self, name: str) -> bool:
        return any(loop.variable == name for loop in self._around())

    def take_variable(self, name: str) -> None:
        around = self._around()
        self._looks_at_anything |= around[-1].variable != name and any(loop.makes for loop in around)
        self._take_value()

    def take_root(self, name: str) -> None:
        if any(loop.makes for loop in self._around()):
            self._outside.add(name)
        self._take_value()

    def pass_over(self, token: Token, before: Token, after: Token | None) -> None:
        if token.text == ")" and self._open:
            self._open.pop()
        elif token.text == ",":
            self._commas += 1
        elif token.text == "+" and not _is_of_literals(before, after):
            self._add()

    def growth(self) -> Growth:
        factors = [loop.additions + 1 for loop in self.loops]
        copies = [max(1, loop.values) for loop in self.loops if loop.makes]
        return Growth(
            depth=self._depth,
            making=self._making,
            longest_literal=self._commas + 1,
            list_factor=prod(factors) * (self._additions + 1),
            copies=prod(copies) * max(1, self._values),
            outside=None if self._looks_at_anything else frozenset(self._outside),
        )

    def _around(self) -> list[Loop]:
        return [loop for loop in self._open if loop is not None]

    def _take_value(self) -> None:
        around = self._around()
        for loop in around:
            loop.values += 1
        self._values += not around

    def _add(self) -> None:
        around = self._around()
        for loop in around:
            loop.additions += 1
        self._additions += not around


def _is_of_literals(before: Token, after: Token | None) -> bool:
    """True for a `+` between literals. CEL adds only equal types, so such a `+` cannot extend a list."""
    return before.kind in ("string", "number") or (after is not None and after.kind in ("string", "number"))
