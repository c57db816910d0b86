"""One expression: compiled once, evaluated with the data that it names."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cel
import orjson

from app.domain.texts import text_problem
from app.expressions.errors import EvaluationError, ExpressionError
from app.expressions.limits import MAX_RESULT_BYTES, excess
from app.expressions.names import ROOTS, TYPES, Names, names_in, simple_path
from app.expressions.url_encoding import url_encode

MAX_SOURCE = 2_000
"""The largest number of characters of an expression."""

Scope = Mapping[str, Any]

_UNEXPECTED = re.compile(
    r"(?:(?:mismatched|extraneous) input|no viable alternative at input|token recognition error at:) ('.*')"
)
_OUR_ERROR = re.compile(r"Function '(\w+)' error: Python function call failed: \w+: (.*)\. Check function arguments.*")
_SYNTAX_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*)")


@dataclass(frozen=True, slots=True)
class Expression:
    """`path` is set if the expression only names a value, which is then read without CEL, whatever its size."""

    source: str
    names: Names
    path: tuple[str | int, ...] | None
    program: cel.Program

    def evaluate(self, scope: Scope) -> Any:
        """The JSON value for `scope`, which has a value for each root. Raise `EvaluationError`."""
        if self.path is not None:
            return self._walk(scope, self.path)
        seen = {root: scope[root] for root in self.names.roots}
        if (reason := excess(self.names.growth, self.source, seen)) is not None:
            raise EvaluationError(self.source, reason)
        try:
            value = self.program.execute({**seen, **OUR_FUNCTIONS})
        except Exception as error:  # noqa: BLE001 - the library raises whatever fits
            raise EvaluationError(self.source, _reason(error)) from None
        return self._json(value)

    def _walk(self, scope: Scope, path: tuple[str | int, ...]) -> Any:
        value: Any = scope
        for key in path:
            if isinstance(key, str) and not isinstance(value, Mapping):
                raise EvaluationError(self.source, f"there is no {key!r} in {_kind(value)}")
            if isinstance(key, int) and not isinstance(value, list):
                raise EvaluationError(self.source, f"there is no element {key} in {_kind(value)}")
            try:
                value = value[key]
            except KeyError:
                raise EvaluationError(self.source, f"there is no {key!r}") from None
            except IndexError:
                raise EvaluationError(self.source, f"there is no element {key}: the list has {len(value)}") from None
        return value

    def _json(self, value: Any) -> Any:
        """The value as JSON. Raise `EvaluationError` for bytes, times, durations and NaN, which JSON does not have."""
        if not _is_finite(value):
            raise EvaluationError(self.source, "the result holds a number that is not finite, which JSON cannot")
        try:
            text = orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATETIME)
        except (TypeError, orjson.JSONEncodeError):
            kind = type(value).__name__
            raise EvaluationError(
                self.source, f"the result holds something that JSON cannot ({kind}); string(…) makes text of it"
            ) from None
        if len(text) > MAX_RESULT_BYTES:
            raise EvaluationError(self.source, f"the result has {len(text)} bytes; the limit is {MAX_RESULT_BYTES}")
        return orjson.loads(text)


def compile_expression(source: str, extra_roots: frozenset[str] = frozenset()) -> Expression:
    """Compile an expression. `extra_roots` are names that it may use in addition to `ROOTS`.

    Raise `ExpressionError` for an invalid expression and for unknown names.
    """
    if len(source) > MAX_SOURCE:
        raise ExpressionError(f"has {len(source)} characters; the limit is {MAX_SOURCE}")
    if not source.strip():
        raise ExpressionError("is empty")
    if problem := text_problem(source):
        raise ExpressionError(problem)
    try:
        program = cel.compile(source)
    except Exception as error:  # noqa: BLE001 - as above
        raise ExpressionError(_syntax_error(error)) from None
    names = names_in(source, extra_roots)
    _check_names(program, names)
    return Expression(source, names, simple_path(source, ROOTS | extra_roots), program)


def _check_names(program: cel.Program, names: Names) -> None:
    if unknown := sorted(set(program.functions()) - FUNCTIONS - set(OUR_FUNCTIONS)):
        raise ExpressionError(f"there is no function {unknown[0]!r}")
    # The names read from the tokens must equal those that CEL finds, so that no use of a name is overlooked.
    if unknown := sorted(set(program.variables()) - names.roots - names.bound - TYPES):
        raise ExpressionError(f"there is no {unknown[0]!r}")


FUNCTIONS = frozenset(
    word
    for word in """_+_ _-_ _*_ _/_ _%_ -_ !_ _<_ _<=_ _>_ _>=_ _==_ _!=_ _&&_ _||_ _?_:_ _[_] @in @not_strictly_false
    size contains startsWith endsWith matches int uint double string bytes timestamp duration type dyn max min
    getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds
    getMilliseconds""".split()  # noqa: SIM905 - a list of words reads better
)
"""CEL's operators and standard functions, with the names that a compiled program lists."""

OUR_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"url_encode": url_encode}
"""What expressions know beside CEL's own functions."""


def _is_finite(value: Any) -> bool:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, float) and not math.isfinite(item):
            return False
        if isinstance(item, Mapping | list):
            waiting.extend(item.values() if isinstance(item, Mapping) else item)
    return True


def _kind(value: Any) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", type(None): "null"}
    return kinds.get(type(value), "an object")


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]!r}"
    message = str(error).split("\n", 1)[0].strip()
    ours = _OUR_ERROR.fullmatch(message)
    return message if ours is None else f"{ours[1]}: {ours[2]}"


def _syntax_error(error: Exception) -> str:
    found = _SYNTAX_ERROR.search(str(error))
    if found is None:
        return "is no expression"
    line, column, message = found.groups()
    if "Recursion limit" in message:
        return "is nested too deeply"
    where = f"column {column}" if line == "1" else f"line {line}, column {column}"
    return f"is no expression: at {where}: {_plain(message.partition(' expecting ')[0])}"


def _plain(message: str) -> str:
    """The parser's message in plain words."""
    found = _UNEXPECTED.match(message)
    if found is None:
        return message
    return "the text ends too early" if found[1] == "'<EOF>'" else f"unexpected {found[1]}"
