"""JSON values with expressions in their strings: compiled once, evaluated for each use.

A string that is one `${…}` becomes the expression's value, with its JSON type. Inside a longer string the value becomes
text: strings unchanged, other values as JSON. `$${` stands for the characters `${`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.domain.paths import below
from app.expressions.errors import EvaluationError, ExpressionError, TooCostlyError, TooMuch
from app.expressions.expression import MAX_SOURCE, Expression, Scope, compile_expression
from app.expressions.limits import Meter
from app.expressions.tokens import end_of_expression

Part = str | Expression

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


def compile_template(value: Any, extra_roots: frozenset[str] = frozenset()) -> tuple[Template, Sequence[Fault]]:
    """The template of a JSON value, and its faults; strings with faults stay as they are.

    `extra_roots` are names that expressions may use in addition to `ROOTS`.
    """
    compiler = _Compiler(extra_roots)
    compiled = compiler.compile(value, "")
    return Template(compiled, tuple(compiler.expressions)), compiler.faults


def compile_condition(text: str, extra_roots: frozenset[str] = frozenset()) -> Expression:
    """Compile an expression, with or without `${…}` around it. Raise `ExpressionError`."""
    stripped = text.strip()
    if stripped.startswith("${"):
        parts = list(_split(stripped))
        if len(parts) != 1 or isinstance(parts[0], str):
            raise ExpressionError("must be one expression, without text around it")
        return compile_expression(parts[0].text, extra_roots)
    return compile_expression(stripped, extra_roots)


def templated_paths(value: Any) -> frozenset[str]:
    """The paths of all strings with expressions, whose values are known only when they are evaluated."""
    return frozenset(path for path, _ in templated_strings(value))


def templated_strings(value: Any) -> Iterator[tuple[str, str]]:
    """Each string with expressions, with its path."""
    return ((path, text) for path, text in _strings(value, "") if count_expressions(text))


def count_expressions(text: str) -> int:
    """An upper bound of the number of expressions, without parsing them."""
    return sum(1 for _ in _OPENING.finditer(text))


@dataclass(frozen=True, slots=True)
class _Source:
    text: str


class _Compiler:
    """Collects expressions and faults in the order of their positions in the value."""

    def __init__(self, extra_roots: frozenset[str]) -> None:
        self._extra_roots = extra_roots
        self.expressions: list[Expression] = []
        self.faults: list[Fault] = []

    def compile(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return self._compile_text(value, path) if "${" in value else value
        if isinstance(value, Mapping):
            return {key: self.compile(item, below(path, key)) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.compile(item, below(path, index)) for index, item in enumerate(value)]
        return value

    def _compile_text(self, text: str, path: str) -> Any:
        source = text
        try:
            parts: list[Part] = []
            for part in _split(text):
                source = part if isinstance(part, str) else part.text
                parts.append(part if isinstance(part, str) else compile_expression(part.text, self._extra_roots))
        except ExpressionError as error:
            self.faults.append(Fault(path, source, str(error)))
            return text
        found = [part for part in parts if isinstance(part, Expression)]
        self.expressions += found
        return Text(tuple(parts)) if found else "".join(part for part in parts if isinstance(part, str))


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


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(item, below(path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _strings(item, below(path, index))
