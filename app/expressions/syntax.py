"""The syntax tree of an expression.

`at` is the position of a node in the text, from 0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. `is_plain` is true for a string literal that contains its value unchanged."""

    value: Any
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """A root, the variable of a loop or a type."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`"""

    operand: "Node"
    field: str


@dataclass(frozen=True, slots=True)
class Index:
    """`operand[key]`"""

    operand: "Node"
    key: "Node"


@dataclass(frozen=True, slots=True)
class Has:
    """`has(operand.field)`"""

    operand: "Node"
    field: str


@dataclass(frozen=True, slots=True)
class Call:
    """`function(a, b)`, or `a.function(b)`, which is equivalent."""

    function: str
    arguments: tuple["Node", ...]
    at: int


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b]`"""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """`{key: value}`"""

    entries: tuple[tuple["Node", "Node"], ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """`over.macro(variable, condition, result)`. Only `map` has a result; its condition is optional."""

    macro: str
    over: "Node"
    variable: str
    condition: "Node | None"
    result: "Node | None"
    at: int


@dataclass(frozen=True, slots=True)
class Choice:
    """`if ? then : if ? then : otherwise`"""

    cases: tuple[tuple["Node", "Node"], ...]
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Logic:
    """`a && b && c`, or the same with `||`."""

    operator: str
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """`first + b - c`: binary operators, applied from left to right."""

    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """`!a` or `-a`, applied `count` times."""

    operator: str
    count: int
    operand: "Node"


Node: TypeAlias = Literal | Name | Select | Index | Has | Call | ListOf | MapOf | Loop | Choice | Logic | Chain | Unary


def children(node: Node) -> Sequence[Node]:
    """The children of a node, in the order of the text."""
    return _CHILDREN[type(node)](node)


def _of_loop(node: Loop) -> Sequence[Node]:
    return [part for part in (node.over, node.condition, node.result) if part is not None]


_CHILDREN: Mapping[type, Callable[[Any], Sequence[Node]]] = {
    Literal: lambda _: (),
    Name: lambda _: (),
    Select: lambda node: (node.operand,),
    Index: lambda node: (node.operand, node.key),
    Has: lambda node: (node.operand,),
    Call: lambda node: node.arguments,
    ListOf: lambda node: node.items,
    MapOf: lambda node: [part for entry in node.entries for part in entry],
    Loop: _of_loop,
    Choice: lambda node: [*(part for case in node.cases for part in case), node.otherwise],
    Logic: lambda node: node.operands,
    Chain: lambda node: [node.first, *(operand for _, operand in node.rest)],
    Unary: lambda node: (node.operand,),
}


def size(node: Node) -> int:
    """The number of nodes of a tree."""
    count, waiting = 0, [node]
    while waiting:
        count += 1
        waiting.extend(children(waiting.pop()))
    return count


def depth(node: Node) -> int:
    """The depth of a tree. A row of fields, `a.b.c`, counts as one level."""
    deepest, waiting = 0, [(node, 1)]
    while waiting:
        part, level = waiting.pop()
        deepest = max(deepest, level)
        if isinstance(part, Select | Index):
            waiting.append((part.operand, level))
            if isinstance(part, Index):
                waiting.append((part.key, level + 1))
        else:
            waiting.extend((child, level + 1) for child in children(part))
    return deepest
