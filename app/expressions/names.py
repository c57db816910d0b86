"""Finds and checks the names and functions that an expression uses, before anything is evaluated."""

from dataclasses import dataclass, field
from typing import TypeGuard

from app.expressions.errors import ExpressionError
from app.expressions.functions import FUNCTIONS
from app.expressions.macros import LOOPS
from app.expressions.mistakes import function_hint, name_hint
from app.expressions.syntax import Call, Index, Literal, Loop, Name, Node, Select, children
from app.expressions.tokens import place
from app.expressions.values import TYPE_NAMES

ROOTS = frozenset({"input", "tasks", "execution", "workflow", "vars", "secrets"})
NAMED_ROOTS = ("tasks", "vars", "secrets")
"""The roots whose members must be written out, so that it is known which ones are used."""

ELEMENT_ROOTS = frozenset({"item", "index"})
"""Additional roots in the config of a `for_each` task."""

COSTLY = frozenset({"matches"})
"""Functions that can take a tenth of a second per call, with a large text and pattern."""

MAX_COSTLY = 5


@dataclass(frozen=True, slots=True)
class Names:
    """The names in an expression.

    Attributes:
        roots: the roots that it uses.
        tasks: the used members of `tasks`.
        secrets: the used members of `secrets`.
        variables: the used members of `vars`.
        patterns: the regular expressions that it names as constants.
    """

    roots: frozenset[str]
    tasks: frozenset[str]
    secrets: frozenset[str]
    variables: frozenset[str]
    patterns: frozenset[str] = frozenset()


def names_in(source: str, tree: Node, roots: frozenset[str]) -> Names:
    """The names that `tree`, parsed from `source`, uses.

    Raise `ExpressionError` for an unknown name or function, for a wrong number of arguments, and for a task, secret or
    variable whose name is not written out.
    """
    reader = _Reader(source, roots)
    reader.read(tree)
    named = reader.named
    tasks, secrets, variables = (frozenset(named[root]) for root in ("tasks", "secrets", "vars"))
    return Names(frozenset(reader.used), tasks, secrets, variables, frozenset(reader.patterns))


_Place = tuple[Node, frozenset[str]]
"""A node, with the variables of the loops around it."""


@dataclass(slots=True)
class _Reader:
    """Visits the nodes in the order of the text and keeps track of the loops around each."""

    source: str
    roots: frozenset[str]
    used: set[str] = field(default_factory=set)
    named: dict[str, set[str]] = field(default_factory=lambda: {root: set() for root in NAMED_ROOTS})
    patterns: set[str] = field(default_factory=set)
    costly: int = 0

    def read(self, tree: Node) -> None:
        waiting: list[_Place] = [(tree, frozenset())]
        while waiting:
            node, bound = waiting.pop()
            if isinstance(node, Loop):
                waiting.extend(reversed(self._within_loop(node, bound)))
            elif not self._is_done(node, bound):
                waiting.extend((child, bound) for child in reversed(children(node)))

    def _is_done(self, node: Node, bound: frozenset[str]) -> bool:
        """Check one node. True if nothing inside it remains to be checked."""
        if isinstance(node, Name):
            self._take(node, bound)
            return True
        if isinstance(node, Select | Index):
            return self._is_member(node, bound)
        if isinstance(node, Call):
            self._check_function(node)
            if node.function in COSTLY:
                self.patterns |= {argument.value for argument in node.arguments[1:] if _is_text(argument)}
                self._count_costly(node.function, is_in_loop=bool(bound))
        return False

    def _within_loop(self, node: Loop, bound: frozenset[str]) -> list[_Place]:
        if node.variable in self.roots:
            raise ExpressionError(f"the variable of {node.macro} cannot be named {node.variable!r}")
        inner = bound | {node.variable}
        parts = [(part, inner) for part in (node.condition, node.result) if part is not None]
        return [(node.over, bound), *parts]

    def _take(self, node: Name, bound: frozenset[str]) -> None:
        if node.name in bound or (node.name in TYPE_NAMES and node.name not in self.roots):
            return
        if node.name not in self.roots:
            raise self._unknown(node)
        if node.name in NAMED_ROOTS:
            raise _unnamed(node.name, node)
        self.used.add(node.name)

    def _is_member(self, node: Select | Index, bound: frozenset[str]) -> bool:
        """Record a member such as `tasks.a`. False for all other nodes."""
        root = node.operand
        if not isinstance(root, Name) or root.name not in NAMED_ROOTS or root.name in bound:
            return False
        name = node.field if isinstance(node, Select) else _plain_text(node.key)
        if name is None:
            raise _unnamed(root.name, node)
        self.used.add(root.name)
        self.named[root.name].add(name)
        return True

    def _check_function(self, node: Call) -> None:
        function = FUNCTIONS.get(node.function)
        if function is None:
            meant = function_hint(node.function, {*FUNCTIONS, *LOOPS, "has"})
            where = "" if meant is None else f" at {place(self.source, node.at)}: {meant}"
            raise ExpressionError(f"there is no function {node.function!r}{where}")
        if not function.least <= len(node.arguments) <= function.most:
            raise ExpressionError(f"{node.function} is written {function.form}")

    def _count_costly(self, name: str, *, is_in_loop: bool) -> None:
        self.costly += 1
        if is_in_loop:
            raise ExpressionError(f"{name} cannot be used within a loop; startsWith, endsWith and contains can")
        if self.costly > MAX_COSTLY:
            raise ExpressionError(f"uses {name} more than {MAX_COSTLY} times")

    def _unknown(self, node: Name) -> ExpressionError:
        if node.name in ELEMENT_ROOTS:
            where = "only a task with `for_each` has one, in its config"
            return ExpressionError(f"there is no {node.name!r} here: {where}")
        if (meant := name_hint(node.name)) is not None:
            return ExpressionError(f"there is no {node.name!r} at {place(self.source, node.at)}: {meant}")
        return ExpressionError(f"there is no {node.name!r}; an expression knows {', '.join(sorted(self.roots))}")


def _unnamed(root: str, node: Node) -> ExpressionError:
    message = f"{root} must be followed by a name: {root}.NAME or {root}['NAME']"
    if isinstance(node, Index) and isinstance(node.key, Literal) and isinstance(node.key.value, str):
        message += ", in plain quotes and without backslashes"
    return ExpressionError(message)


def _is_text(node: Node) -> TypeGuard[Literal]:
    return isinstance(node, Literal) and isinstance(node.value, str)


def _plain_text(node: Node) -> str | None:
    """The value of a plain string literal; None for other nodes."""
    return node.value if isinstance(node, Literal) and node.is_plain and isinstance(node.value, str) else None


def simple_path(tree: Node, roots: frozenset[str]) -> tuple[str | int, ...] | None:
    """The keys of an expression that only names a value, `tasks.fetch.output[0].id`; None for any other."""
    keys = list[str | int]()
    while isinstance(tree, Select | Index):
        key = tree.field if isinstance(tree, Select) else tree.key.value if isinstance(tree.key, Literal) else None
        if not isinstance(key, str | int) or isinstance(key, bool):
            return None
        keys.append(key)
        tree = tree.operand
    if not isinstance(tree, Name) or tree.name not in roots:
        return None
    return (tree.name, *reversed(keys))
