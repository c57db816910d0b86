"""The loops of CEL, over the elements of a list or the keys of a map in their order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.expressions.errors import NoValue
from app.expressions.frame import Evaluate, Frame, boolean
from app.expressions.values import kind, value_of


@dataclass(frozen=True, slots=True)
class LoopParts:
    """What a loop is made of.

    Attributes:
        macro: its name.
        slot: where its variable is kept in the frame.
        cost: how many steps one element takes, loops within not counted.
        condition: what is asked of each element; None for a `map` without one.
        result: what `map` makes of each element.
    """

    macro: str
    slot: str
    cost: int
    condition: Evaluate | None
    result: Evaluate | None


def run_loop(parts: LoopParts, frame: Frame, over: Any) -> Any:
    """The value of the loop over a list or a map. Raise `NoValue` for anything else."""
    match parts.macro:
        case "map":
            return _mapped(parts, frame, over)
        case "filter":
            return [item for item in _each(parts, frame, over) if _holds(parts, frame)]
        case "all":
            return _settled(parts, frame, over, decisive=False)
        case "exists":
            return _settled(parts, frame, over, decisive=True)
        case _:
            return sum(_holds(parts, frame) for _ in _each(parts, frame, over)) == 1


def _each(parts: LoopParts, frame: Frame, over: Any) -> Iterator[Any]:
    """The elements, each while it is the value of the variable."""
    if isinstance(over, Mapping):
        over = [value_of(key) for key in over]
    elif not isinstance(over, list):
        raise NoValue(f"{parts.macro} goes through a list or a map, not through {kind(over)}")
    variables, meter, slot, cost = frame.variables, frame.meter, parts.slot, parts.cost
    for item in over:
        meter.spend(cost)
        variables[slot] = item
        yield item


def _mapped(parts: LoopParts, frame: Frame, over: Any) -> list[Any]:
    result = parts.result
    if result is None:
        raise AssertionError("a map without a result")
    if parts.condition is None:
        return [result(frame) for _ in _each(parts, frame, over)]
    return [result(frame) for _ in _each(parts, frame, over) if _holds(parts, frame)]


def _holds(parts: LoopParts, frame: Frame) -> bool:
    if parts.condition is None:
        return True
    return boolean(parts.condition(frame), f"the condition of {parts.macro}")


def _settled(parts: LoopParts, frame: Frame, over: Any, *, decisive: bool) -> bool:
    """An element whose condition is `decisive` settles it, whatever errors others have."""
    fault: NoValue | None = None
    for _ in _each(parts, frame, over):
        try:
            if _holds(parts, frame) is decisive:
                return decisive
        except NoValue as error:
            fault = fault or error
    if fault is not None:
        raise fault
    return not decisive
