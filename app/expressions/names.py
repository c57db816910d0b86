"""Finds the names that an expression uses, from its text, before anything is evaluated."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.expressions.errors import ExpressionError
from app.expressions.loops import Growth, Loop, LoopStack
from app.expressions.tokens import Token, tokens_of

ROOTS = frozenset({"input", "tasks", "execution", "workflow", "vars", "secrets"})
NAMED_ROOTS = ("tasks", "vars", "secrets")
"""The roots whose members must be written out, so that it is known which ones are used."""

ELEMENT_ROOTS = frozenset({"item", "index"})
"""Additional roots in the config of a `for_each` task."""

COSTLY = frozenset({"matches"})
"""Functions that compile their pattern at each call, which can take a tenth of a second."""

MAX_COSTLY = 5

LITERALS = frozenset({"true", "false", "null", "in"})
TYPES = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"})

_PATH = re.compile(
    r"""\s*(?P<root>[A-Za-z_]\w*)(?P<rest>(?:\.[A-Za-z_]\w*|\[\d+\]|\["[^"\\]*"\]|\['[^'\\]*'\])*)\s*""", re.ASCII
)
_STEP = re.compile(r"""\.([A-Za-z_]\w*)|\[(\d+)\]|\["([^"\\]*)"\]|\['([^'\\]*)'\]""", re.ASCII)
_PLAIN_STRING = re.compile(r""""[^"\\\n]*"|'[^'\\\n]*'""")


@dataclass(frozen=True, slots=True)
class Names:
    """The names in an expression. `bound` are the variables of loops; `growth` estimates the created data."""

    roots: frozenset[str]
    tasks: frozenset[str]
    secrets: frozenset[str]
    variables: frozenset[str]
    bound: frozenset[str]
    growth: Growth


def names_in(source: str, extra_roots: frozenset[str] = frozenset()) -> Names:
    """The names that `source` uses. Raise `ExpressionError` for an unknown name, and for a task, secret or variable
    whose name is not written out.
    """
    reader = _Reader(tokens_of(source), ROOTS | extra_roots)
    reader.read()
    return Names(
        frozenset(reader.used),
        frozenset(reader.named["tasks"]),
        frozenset(reader.named["secrets"]),
        frozenset(reader.named["vars"]),
        frozenset(reader.bound),
        reader.stack.growth(),
    )


class _Reader:
    """Reads the tokens once and keeps track of the loops around each."""

    def __init__(self, tokens: Sequence[Token], roots: frozenset[str]) -> None:
        self._tokens = tokens
        self._roots = roots
        self.used: set[str] = set()
        self.named: dict[str, set[str]] = {root: set() for root in NAMED_ROOTS}
        self.bound: set[str] = set()
        self.stack = LoopStack()
        self._costly = 0

    def read(self) -> None:
        for position, token in enumerate(self._tokens):
            if token.kind == "name":
                self._check_costly(position)
                if self._is_value(position):
                    self._take_name(position, token.text)
            elif token.text == "(":
                self._open(position)
            else:
                self.stack.pass_over(token, self._tokens[max(position - 1, 0)], self._following(position))

    def _take_name(self, position: int, name: str) -> None:
        if self.stack.binds(name):
            self.stack.take_variable(name)
            return
        if name not in self._roots:
            raise _unknown(name, self._roots)
        self.stack.take_root(name)
        self.used.add(name)
        if name in NAMED_ROOTS:
            self.named[name].add(self._member(position, name))

    def _check_costly(self, position: int) -> None:
        following = self._following(position)
        if self._tokens[position].text not in COSTLY or following is None or following.text != "(":
            return
        self._costly += 1
        name = self._tokens[position].text
        if self.stack.is_in_loop:
            raise ExpressionError(f"{name} cannot be used within a loop; startsWith, endsWith and contains can")
        if self._costly > MAX_COSTLY:
            raise ExpressionError(f"uses {name} more than {MAX_COSTLY} times")

    def _open(self, position: int) -> None:
        macro = Loop.macro_at(self._tokens, position)
        variable = self._following(position)
        if macro is None or variable is None or variable.kind != "name":
            self.stack.open(None)
            return
        if variable.text in self._roots:
            raise ExpressionError(f"the variable of {macro} cannot be named {variable.text!r}")
        self.bound.add(variable.text)
        self.stack.open(Loop(macro, variable.text))

    def _is_value(self, position: int) -> bool:
        """False for the `b` of `a.b`, for functions, for reserved words and for the names of types."""
        name, following = self._tokens[position].text, self._following(position)
        if position > 0 and self._tokens[position - 1].text == ".":
            return position == 1 or not self._tokens[position - 2].ends_a_value
        is_called = following is not None and following.text == "("
        return not (is_called or name in LITERALS or (name in TYPES and not self.stack.binds(name)))

    def _following(self, position: int) -> Token | None:
        return self._tokens[position + 1] if position + 1 < len(self._tokens) else None

    def _member(self, position: int, root: str) -> str:
        following = self._tokens[position + 1 : position + 4]
        is_called = len(following) == 3 and following[2].text == "("
        if len(following) >= 2 and following[0].text == "." and following[1].kind == "name" and not is_called:
            return following[1].text
        is_index = len(following) == 3 and following[0].text == "[" and following[2].text == "]"
        if is_index and _PLAIN_STRING.fullmatch(following[1].text):
            return following[1].text[1:-1]
        raise ExpressionError(f"{root} must be followed by a name: {root}.NAME or {root}['NAME']")


def _unknown(name: str, roots: frozenset[str]) -> ExpressionError:
    if name in ELEMENT_ROOTS:
        return ExpressionError(f"there is no {name!r} here: only a task with `for_each` has one, in its config")
    return ExpressionError(f"there is no {name!r}; an expression knows {', '.join(sorted(roots))}")


def simple_path(source: str, roots: frozenset[str] = ROOTS) -> tuple[str | int, ...] | None:
    """The keys of an expression that only names a value, `tasks.fetch.output[0].id`; None for any other."""
    match = _PATH.fullmatch(source)
    if match is None or match["root"] not in roots:
        return None
    return (match["root"], *_steps(match["rest"]))


def _steps(rest: str) -> Iterator[str | int]:
    for name, number, double, single in _STEP.findall(rest):
        yield int(number) if number else name or double or single
