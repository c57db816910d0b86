"""The loops of CEL over the elements of a list, or over the keys of a map, in order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.expressions.errors import NoValue
from app.expressions.frame import Evaluate, Frame, boolean
from app.expressions.values import kind, value_of


@dataclass(frozen=True, slots=True)
class LoopParts:
    """The compiled parts of a loop.

    Attributes:
        macro: the name of the loop.
        slot: the name of its variable in the frame.
        cost: steps per element, without nested loops.
        condition: evaluated for each element; None for a `map` without a condition.
        result: the new element; only for `map`.
    """

    macro: str
    slot: str
    cost: int
    condition: Evaluate | None
    result: Evaluate | None


def run_loop(parts: LoopParts, frame: Frame, over: Any) -> Any:
    """The result of the loop. Raise `NoValue` if `over` is neither a list nor a map."""
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
    """The elements; each is assigned to the variable before it is returned."""
    if isinstance(over, Mapping):
        over = [value_of(key) for key in over]
    elif not isinstance(over, list):
        raise NoValue(f"{parts.macro} requires a list or a map, not {kind(over)}")
    variables, meter, slot, cost = frame.variables, frame.meter, parts.slot, parts.cost
    for item in over:
        meter.spend(cost)
        variables[slot] = item
        yield item


def _mapped(parts: LoopParts, frame: Frame, over: Any) -> list[Any]:
    result = parts.result
    if result is None:
        raise AssertionError("`map` always has a result")
    if parts.condition is None:
        return [result(frame) for _ in _each(parts, frame, over)]
    return [result(frame) for _ in _each(parts, frame, over) if _holds(parts, frame)]


def _holds(parts: LoopParts, frame: Frame) -> bool:
    if parts.condition is None:
        return True
    return boolean(parts.condition(frame), f"the condition of {parts.macro}")


def _settled(parts: LoopParts, frame: Frame, over: Any, *, decisive: bool) -> bool:
    """`decisive` if the condition has this value for any element, whatever errors it has for others."""
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
