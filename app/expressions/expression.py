"""One expression: compiled once, evaluated with the data that it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.texts import text_problem
from app.expressions.errors import EvaluationError, ExpressionError, NoValue, TooCostlyError, TooMuch
from app.expressions.evaluation import compiled
from app.expressions.frame import Evaluate, Frame
from app.expressions.limits import Meter
from app.expressions.names import ROOTS, Names, names_in, simple_path
from app.expressions.parser import parse
from app.expressions.results import json_result
from app.expressions.syntax import size

MAX_SOURCE = 2_000
"""The largest number of characters of an expression."""

Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    Attributes:
        source: its text.
        names: the names that it uses.
        path: the keys from a root to the value, if the expression only names a value; its size is not limited then.
        value: computes the value.
        parts: the number of its parts, which are the steps that an evaluation takes at least.
    """

    source: str
    names: Names
    path: tuple[str | int, ...] | None
    value: Evaluate
    parts: int

    def evaluate(self, scope: Scope, meter: Meter | None = None) -> Any:
        """The JSON value for `scope`, which has a value for each root.

        meter: counts the cost; None stands for a new one with the full limits.

        Raise `EvaluationError`, and what the meter raises beyond its limits.
        """
        meter = Meter() if meter is None else meter
        try:
            meter.spend(self.parts)
            found = self.value(Frame(scope, meter))
            return found if self.path is not None else json_result(found, meter)
        except NoValue as error:
            raise EvaluationError(self.source, str(error)) from None
        except TooMuch as error:
            raise TooCostlyError(self.source, str(error)) from None
        except RecursionError:
            raise EvaluationError(self.source, "the data are nested too deeply") from None
        except UnicodeEncodeError:
            raise EvaluationError(self.source, "a string contains a lone surrogate, which is not a character") from None


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
    tree, roots = parse(source), ROOTS | extra_roots
    names = names_in(source, tree, roots)
    return Expression(source, names, simple_path(tree, roots), compiled(tree, {}), size(tree))
