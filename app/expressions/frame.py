"""What one evaluation sees and may take."""

from collections.abc import Callable, Mapping
from typing import Any

from app.expressions.errors import NoValue
from app.expressions.limits import Meter
from app.expressions.values import kind


class Frame:
    """One evaluation.

    Attributes:
        roots: the value of each root, by name.
        variables: the value of each loop's variable, by its slot.
        meter: what it has taken.
    """

    __slots__ = ("meter", "roots", "variables")

    def __init__(self, roots: Mapping[str, Any]) -> None:
        self.roots = roots
        self.variables: dict[str, Any] = {}
        self.meter = Meter()


Evaluate = Callable[[Frame], Any]
"""Gives the value of a part of an expression; raises `NoValue` and `TooMuch`."""


def boolean(value: Any, what: str) -> bool:
    """Raise `NoValue` for a value that is neither true nor false."""
    if isinstance(value, bool):
        return value
    raise NoValue(f"{what} is {kind(value)}, neither true nor false")
