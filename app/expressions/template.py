"""JSON values with expressions in their strings: compiled once, evaluated for each use.

A string that is one `${…}` becomes the expression's value, with its JSON type. Inside a longer string the value becomes
text: strings unchanged, other values as JSON. `$${` stands for the characters `${`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from app.domain.paths import below
from app.expressions.errors import EvaluationError, ExpressionError, TooCostlyError, TooMuch
from app.expressions.expression import MAX_SOURCE, Expression, Scope, compile_expression
from app.expressions.limits import Meter
from app.expressions.tokens import end_of_expression

Part = str | Expression
Compile = Callable[[str, frozenset[str]], Expression]
"""`compile_expression`, or what has its results already."""

_Path = tuple[str | int, ...]
_PLAIN = frozenset({bool, int, float, type(None)})

SEARCHED_AT_ONCE = 64
"""The parts of a list or object that one search passes over."""

Parts = Callable[[str, frozenset[str]], tuple[Part, ...]]
"""`parts_of`, or what has its results already."""

_OPENING = re.compile(r"(?<!\$)\$\{")


@dataclass(frozen=True, slots=True)
class Text:
    """A string with expressions."""

    parts: tuple[Part, ...]

    def fill(self, scope: Scope, meter: Meter) -> Any:
        if len(self.parts) == 1 and isinstance(self.parts[0], Expression):
            return self.parts[0].evaluate(scope, meter)
        return "".join(part if isinstance(part, str) else _as_text(part, scope, meter) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Template:
    """A JSON value in which every string with expressions is replaced by a `Text`."""

    value: Any
    expressions: tuple[Expression, ...]

    def fill(self, scope: Scope, meter: Meter | None = None) -> Any:
        """The value for `scope`. All expressions share the meter; it and errors as in `Expression.evaluate`."""
        if not self.expressions:
            return self.value
        try:
            return _fill(self.value, scope, meter or Meter())
        except TooMuch as error:
            raise TooCostlyError(self.expressions[0].source, f"with the rest of the config: {error}") from None


@dataclass(frozen=True, slots=True)
class Fault:
    """An expression that cannot be compiled. `path` is the path of its string, such as `.headers.x[0]`."""

    path: str
    source: str
    message: str


def compile_template(
    value: Any, extra_roots: frozenset[str] = frozenset(), parts: Parts | None = None
) -> tuple[Template, Sequence[Fault]]:
    """The template of a JSON value, and its faults; strings with faults stay as they are.

    `extra_roots` are names that expressions may use in addition to `ROOTS`.
    """
    if not _may_hold_expressions(value):
        return Template(orjson.loads(orjson.dumps(value)), ()), ()
    compiler = _Compiler(extra_roots, parts or parts_of)
    compiled = compiler.compile(value, ())
    return Template(compiled, tuple(compiler.expressions)), compiler.faults


def compile_condition(text: str, compile: Compile = compile_expression) -> Expression:
    """Compile an expression, with or without `${…}` around it. Raise `ExpressionError`."""
    return compile(_condition_source(text), frozenset())


def _condition_source(text: str) -> str:
    stripped = text.strip()
    if not stripped.startswith("${"):
        return stripped
    parts = list(_split(stripped))
    if len(parts) != 1 or isinstance(parts[0], str):
        raise ExpressionError("must be one expression, without text around it")
    return parts[0].text


def sources_in(text: str) -> Iterator[str]:
    """The expressions in a text, as far as it can be read."""
    with suppress(ExpressionError):
        yield from (part.text for part in _split(text) if not isinstance(part, str))


def templated_paths(value: Any) -> frozenset[str]:
    """The paths of all strings with expressions, whose values are known only when they are evaluated."""
    return frozenset(path for path, _ in templated_strings(value))


def templated_strings(value: Any) -> Iterator[tuple[str, str]]:
    """Each string with expressions, with its path."""
    found = _strings(value) if _may_hold_expressions(value) else ()
    return ((below("", *steps), text) for steps, text in found if count_expressions(text))


def count_expressions(text: str) -> int:
    """An upper bound of the number of expressions, without parsing them."""
    return sum(1 for _ in _OPENING.finditer(text))


class TextError(ExpressionError):
    """A text has an expression that cannot be compiled; `source` is that one, or the text before it."""

    def __init__(self, source: str, message: str) -> None:
        super().__init__(message)
        self.source = source


def parts_of(text: str, extra_roots: frozenset[str], compile: Compile = compile_expression) -> tuple[Part, ...]:
    """The literal parts and the expressions of a text, in order. Raise `TextError`."""
    source, parts = text, list[Part]()
    try:
        for part in _split(text):
            source = part if isinstance(part, str) else part.text
            parts.append(part if isinstance(part, str) else compile(part.text, extra_roots))
    except ExpressionError as error:
        raise TextError(source, str(error)) from None
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class _Source:
    text: str


class _Compiler:
    """Collects expressions and faults in the order of their positions in the value."""

    def __init__(self, extra_roots: frozenset[str], parts: Parts) -> None:
        self._extra_roots = extra_roots
        self._parts = parts
        self.expressions: list[Expression] = []
        self.faults: list[Fault] = []

    def compile(self, value: Any, path: _Path) -> Any:
        if isinstance(value, str):
            return self._compile_text(value, path)
        if not isinstance(value, Mapping | list | tuple):
            return value
        compiled: Any = dict(value) if isinstance(value, Mapping) else list(value)
        for key, part in _parts_with_expressions(value):
            compiled[key] = self.compile(part, (*path, key))
        return compiled

    def _compile_text(self, text: str, path: _Path) -> Any:
        try:
            parts = self._parts(text, self._extra_roots)
        except TextError as error:
            self.faults.append(Fault(below("", *path), error.source, str(error)))
            return text
        found = [part for part in parts if isinstance(part, Expression)]
        self.expressions += found
        return Text(parts) if found else "".join(part for part in parts if isinstance(part, str))


def _split(text: str) -> Iterator[str | _Source]:
    """Literal text and sources of expressions, in order. Raise `ExpressionError` for a `${` that is not closed."""
    position = 0
    while (start := text.find("${", position)) >= 0:
        if start > 0 and text[start - 1] == "$":
            yield text[position : start - 1] + "${"
            position = start + 2
            continue
        if start > position:
            yield text[position:start]
        end = end_of_expression(text, start + 2, MAX_SOURCE)
        if end is None:
            within = f" within {MAX_SOURCE} characters" if len(text) - start > MAX_SOURCE else ""
            raise ExpressionError(f"${{ is not closed by }}{within}; write $${{ for the characters themselves")
        yield _Source(text[start + 2 : end].strip())
        position = end + 1
    if position < len(text) or not text:
        yield text[position:]


def _fill(value: Any, scope: Scope, meter: Meter) -> Any:
    if isinstance(value, Text):
        return value.fill(scope, meter)
    if isinstance(value, dict):
        meter.spend(len(value))
        return {key: _fill(item, scope, meter) for key, item in value.items()}
    if isinstance(value, list):
        meter.spend(len(value))
        return [_fill(item, scope, meter) for item in value]
    return value


def _as_text(part: Expression, scope: Scope, meter: Meter) -> str:
    value = part.evaluate(scope, meter)
    try:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        # What is not computed is JSON already.
        raise EvaluationError(part.source, "the data are nested too deeply") from None
    meter.make(len(text))
    return text


def _may_hold_expressions(value: Any) -> bool:
    """False for most values, however large: this search takes 2 ms per megabyte, a visit of each part 300 ms."""
    try:
        return b"${" in orjson.dumps(value)
    except orjson.JSONEncodeError:
        return True


def _strings(value: Any) -> Iterator[tuple[_Path, str]]:
    """The strings with `${`, in the order of the text."""
    waiting: list[tuple[_Path, Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, str):
            yield path, item
        else:
            waiting += reversed([((*path, key), part) for key, part in _parts_with_expressions(item)])


def _parts_with_expressions(value: Any) -> Iterator[tuple[str | int, Any]]:
    """The parts of a list or object that may hold expressions, with their keys. Most are passed over by one search."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    waiting = iter(items)
    while batch := list(islice(waiting, SEARCHED_AT_ONCE)):
        if _may_hold_expressions([part for _, part in batch]):
            yield from ((key, part) for key, part in batch if _is_visited(part))


def _is_visited(part: Any) -> bool:
    return type(part) not in _PLAIN and (not isinstance(part, str) or "${" in part)
