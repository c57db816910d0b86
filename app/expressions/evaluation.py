"""Compiles each node of an expression to a Python function that returns its value: doc/langdef.md of cel-spec.

`names_in` has checked names, functions and numbers of arguments before. `&&`, `||`, `all` and `exists` absorb errors if
the other operands determine the result.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from app.expressions.arithmetic import OPERATORS, negative
from app.expressions.errors import ExpressionError, NoValue
from app.expressions.frame import Evaluate, Frame, boolean
from app.expressions.functions import FUNCTIONS
from app.expressions.limits import Meter
from app.expressions.loops import LoopParts, run_loop
from app.expressions.members import element, has_field, member
from app.expressions.patterns import compiled_pattern
from app.expressions.syntax import (
    Call,
    Chain,
    Choice,
    Has,
    Index,
    ListOf,
    Literal,
    Logic,
    Loop,
    MapOf,
    Name,
    Node,
    Select,
    Unary,
    size,
)
from app.expressions.times import ACCESSORS, zone_of
from app.expressions.values import TYPE_NAMES, TypeName, UInt, key_of, kind

Slots = Mapping[str, str]
"""The name in the frame for each loop variable in scope. Nested loops can use the same variable name."""


def compiled(node: Node, slots: Slots) -> Evaluate:
    """The function for `node`. Raise `ExpressionError` for a constant that has no value."""
    return _COMPILERS[type(node)](node, slots)


def _all(nodes: Iterable[Node], slots: Slots) -> tuple[Evaluate, ...]:
    return tuple(compiled(node, slots) for node in nodes)


def _literal(node: Literal, slots: Slots) -> Evaluate:
    value = node.value
    return lambda _: value


def _name(node: Name, slots: Slots) -> Evaluate:
    name = node.name
    if (slot := slots.get(name)) is not None:
        return lambda frame: frame.variables[slot]
    if name in TYPE_NAMES:
        type_name = TypeName(name)
        return lambda _: type_name
    return lambda frame: frame.roots[name]


Step = Callable[[Frame, Any], Any]


def _steps(node: Node, slots: Slots) -> tuple[Node, tuple[Step, ...]]:
    """The beginning of a row of fields and indices, and its steps. A row is evaluated in a loop, without recursion."""
    steps = list[Step]()
    while isinstance(node, Select | Index):
        steps.append(_field_step(node.field) if isinstance(node, Select) else _index_step(node.key, slots))
        node = node.operand
    return node, tuple(reversed(steps))


def _field_step(field: str) -> Step:
    def step(_: Frame, value: Any) -> Any:
        # The usual case first: a check for any kind of mapping takes longer than everything else here.
        return value[field] if type(value) is dict and field in value else member(value, field)

    return step


def _index_step(node: Node, slots: Slots) -> Step:
    key, is_constant = compiled(node, slots), isinstance(node, Literal)
    return lambda frame, value: element(value, key(frame), is_shown=is_constant)


def _path(node: Node, slots: Slots) -> Evaluate:
    beginning, steps = _steps(node, slots)
    base = compiled(beginning, slots)

    def path(frame: Frame) -> Any:
        value = base(frame)
        for step in steps:
            value = step(frame, value)
        return value

    return path


def _has(node: Has, slots: Slots) -> Evaluate:
    """False if a value on the path is null, so that the output of a skipped task can be tested."""
    beginning, steps = _steps(node.operand, slots)
    base, field = compiled(beginning, slots), node.field

    def has(frame: Frame) -> bool:
        value = base(frame)
        for step in steps:
            if value is None:
                return False
            value = step(frame, value)
        return has_field(value, field)

    return has


def _call(node: Call, slots: Slots) -> Evaluate:
    arguments = _all(node.arguments, slots)
    _check_constants(node)
    run = FUNCTIONS[node.function].run
    if len(arguments) == 1:
        only = arguments[0]
        return lambda frame: run(frame.meter, only(frame))
    first, second = arguments
    return lambda frame: run(frame.meter, first(frame), second(frame))


def _check_constants(node: Call) -> None:
    """Raise `ExpressionError` for constant arguments that fail in every evaluation."""
    constants = [argument.value for argument in node.arguments if isinstance(argument, Literal)]
    last = constants[-1] if constants and isinstance(node.arguments[-1], Literal) else None
    try:
        if len(constants) == len(node.arguments):
            FUNCTIONS[node.function].run(Meter(), *constants)
        elif node.function == "matches" and isinstance(last, str):
            compiled_pattern(last)
        elif node.function in ACCESSORS and isinstance(last, str):
            zone_of(last)
    except NoValue as error:
        reason = str(error).removeprefix(f"{node.function}: ")
        raise ExpressionError(f"{node.function}: {reason}") from None


def _list(node: ListOf, slots: Slots) -> Evaluate:
    items = _all(node.items, slots)
    return lambda frame: [item(frame) for item in items]


def _map(node: MapOf, slots: Slots) -> Evaluate:
    """Keys keep the order of the text."""
    entries = tuple((compiled(key, slots), compiled(value, slots)) for key, value in node.entries)

    def made(frame: Frame) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in entries:
            own = _key(key(frame))
            if own in found:
                raise NoValue("a key appears twice in one map")
            found[own] = value(frame)
        return found

    return made


def _key(value: Any) -> Any:
    if isinstance(value, str | int | UInt):
        return key_of(value)
    raise NoValue(f"map keys must be string, int, uint or bool, not {kind(value)}")


def _loop(node: Loop, slots: Slots) -> Evaluate:
    slot = f"{node.variable}#{len(slots)}"
    inner = {**slots, node.variable: slot}
    over = compiled(node.over, slots)
    condition = None if node.condition is None else compiled(node.condition, inner)
    result = None if node.result is None else compiled(node.result, inner)
    cost = sum(size(part) for part in (node.condition, node.result) if part is not None) + 1
    parts = LoopParts(node.macro, slot, cost, condition, result)
    return lambda frame: run_loop(parts, frame, over(frame))


def _choice(node: Choice, slots: Slots) -> Evaluate:
    cases = tuple((compiled(condition, slots), compiled(then, slots)) for condition, then in node.cases)
    otherwise = compiled(node.otherwise, slots)

    def chosen(frame: Frame) -> Any:
        for condition, then in cases:
            if boolean(condition(frame), "the condition of ? :"):
                return then(frame)
        return otherwise(frame)

    return chosen


def _logic(node: Logic, slots: Slots) -> Evaluate:
    """A true operand determines `||`, a false one `&&`, whatever the others are."""
    operands, sign, decisive = _all(node.operands, slots), node.operator, node.operator == "||"

    def logic(frame: Frame) -> bool:
        fault: NoValue | None = None
        for operand in operands:
            try:
                if boolean(operand(frame), f"an operand of {sign}") is decisive:
                    return decisive
            except NoValue as error:
                fault = fault or error
        if fault is not None:
            raise fault
        return not decisive

    return logic


def _chain(node: Chain, slots: Slots) -> Evaluate:
    first = compiled(node.first, slots)
    rest = tuple((OPERATORS[sign], compiled(operand, slots)) for sign, operand in node.rest)
    if len(rest) == 1:
        [(only, other)] = rest
        return lambda frame: only(frame.meter, first(frame), other(frame))

    def chain(frame: Frame) -> Any:
        value = first(frame)
        for operator, operand in rest:
            value = operator(frame.meter, value, operand(frame))
        return value

    return chain


def _unary(node: Unary, slots: Slots) -> Evaluate:
    operator, count, operand = node.operator, node.count, compiled(node.operand, slots)

    def applied(frame: Frame) -> Any:
        value = operand(frame)
        for _ in range(count):
            value = negative(value) if operator == "-" else not boolean(value, "the operand of !")
        return value

    return applied


_COMPILERS: Mapping[type, Callable[[Any, Slots], Evaluate]] = {
    Literal: _literal,
    Name: _name,
    Select: _path,
    Index: _path,
    Has: _has,
    Call: _call,
    ListOf: _list,
    MapOf: _map,
    Loop: _loop,
    Choice: _choice,
    Logic: _logic,
    Chain: _chain,
    Unary: _unary,
}
