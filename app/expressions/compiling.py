"""Compiles the expressions of many tasks, each of them once, in pieces between which everything else runs."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from app.domain.definitions import TaskDraft
from app.expressions.errors import ExpressionError
from app.expressions.expression import Expression, compile_expression
from app.expressions.names import ELEMENT_ROOTS
from app.expressions.template import Part, TextError, compile_condition, parts_of, sources_in, templated_strings

STEPS_A_CHARACTER = 14
"""Compiling takes 2 to 4 µs per character of an expression."""

Roots = frozenset[str]


class Pace(Protocol):
    """Says when the next piece of work may be done."""

    async def next(self) -> None: ...

    def spend(self, steps: int) -> None: ...


class Compiler:
    """Keeps what it has compiled, and what cannot be compiled. What is missing is compiled when it is asked for."""

    def __init__(self) -> None:
        self._expressions: dict[tuple[str, Roots], Expression | ExpressionError] = {}
        self._texts: dict[tuple[str, Roots], tuple[Part, ...] | TextError] = {}

    def parts(self, text: str, extra_roots: Roots) -> tuple[Part, ...]:
        """As `parts_of`."""
        if (found := self._texts.get((text, extra_roots))) is None:
            try:
                found = parts_of(text, extra_roots, self.expression)
            except TextError as error:
                found = error
            self._texts[text, extra_roots] = found
        if isinstance(found, TextError):
            raise TextError(found.source, str(found))
        return found

    def condition(self, text: str) -> Expression:
        """As `compile_condition`."""
        return compile_condition(text, self.expression)

    def expression(self, source: str, extra_roots: Roots) -> Expression:
        """As `compile_expression`."""
        if (found := self._expressions.get((source, extra_roots))) is None:
            try:
                found = compile_expression(source, extra_roots)
            except ExpressionError as error:
                found = error
            self._expressions[source, extra_roots] = found
        if isinstance(found, ExpressionError):
            raise ExpressionError(str(found))
        return found

    async def prepare(self, tasks: Iterable[TaskDraft], pace: Pace) -> None:
        """Compile everything in `tasks`."""
        for task in tasks:
            for _, text in templated_strings(task.effective_config):
                await self._prepare_text(text, extra_roots_of(task), pace)
            for condition in (task.when, task.for_each):
                if condition is not None:
                    await _pause(pace, condition)
                    with suppress(ExpressionError):
                        self.condition(condition)

    async def _prepare_text(self, text: str, extra_roots: Roots, pace: Pace) -> None:
        for source in sources_in(text):
            await _pause(pace, source)
            with suppress(ExpressionError):
                self.expression(source, extra_roots)
        with suppress(ExpressionError):
            self.parts(text, extra_roots)


def extra_roots_of(task: TaskDraft) -> Roots:
    """The roots that the config of the task may use in addition to `ROOTS`."""
    return frozenset() if task.for_each is None else ELEMENT_ROOTS


async def _pause(pace: Pace, text: str) -> None:
    await pace.next()
    pace.spend(len(text) * STEPS_A_CHARACTER)
