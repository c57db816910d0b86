"""The state of one evaluation."""

from collections.abc import Callable, Mapping
from typing import Any

from app.expressions.errors import NoValue
from app.expressions.limits import Meter
from app.expressions.values import kind


class Frame:
    """One evaluation.

    Attributes:
        roots: the value of each root, by name.
        variables: the value of each loop variable, by slot.
        meter: counts its cost.
    """

    __slots__ = ("meter", "roots", "variables")

    def __init__(self, roots: Mapping[str, Any], meter: Meter) -> None:
        self.roots = roots
        self.variables: dict[str, Any] = {}
        self.meter = meter


Evaluate = Callable[[Frame], Any]
"""Returns the value of a node; raises `NoValue` and `TooMuch`."""


def boolean(value: Any, what: str) -> bool:
    """The value, if it is a bool. Raise `NoValue` otherwise; `what` describes the value."""
    if isinstance(value, bool):
        return value
    raise NoValue(f"{what} is {kind(value)}, not bool")
