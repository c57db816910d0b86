"""Compiles what a definition holds before its rules are checked, if that takes long.

Rules are checked within the callback of a change, which does not wait. So a large definition raises `Unprepared` there;
its expressions and schemas are compiled piece by piece, and the check begins again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from app.background.turns import TURN_STEPS
from app.contracts.contract import SMALL_BYTES, is_small
from app.contracts.json_schemas import problems_of_schema
from app.definitions.ports import SchemaCheck
from app.domain.definitions import Config, TaskDraft
from app.domain.errors import Problem
from app.expressions.compiling import Compiler
from app.expressions.template import templated_strings

SMALL_CHARACTERS = 3_000
"""The texts of so many characters are compiled at once: at most 12 ms."""

Result = TypeVar("Result")
Stated = Sequence[tuple[str, Config]]
"""Schemas with their paths."""


class Unprepared(Exception):
    """The expressions of `tasks` and the schemas have to be compiled first."""

    def __init__(self, tasks: Sequence[TaskDraft], schemas: Stated) -> None:
        super().__init__()
        self.tasks = tasks
        self.schemas = schemas


@dataclass(slots=True)
class Prepared:
    """What compiling has found. What is missing is compiled when it is asked for.

    is_complete: false for a definition of which nothing was compiled yet; a large one raises `Unprepared`.
    """

    is_complete: bool = True
    expressions: Compiler = field(default_factory=Compiler)
    _schemas: dict[tuple[str, bytes], Sequence[Problem]] = field(default_factory=dict)

    def demand(self, tasks: Sequence[TaskDraft], schemas: Stated) -> None:
        """Raise `Unprepared`. Call it for a definition whose size is known to be within the limits."""
        if self.is_complete:
            return
        size = sum(len(orjson.dumps(schema)) for _, schema in schemas)
        if _characters(tasks) > SMALL_CHARACTERS or size > SMALL_BYTES or not all(is_small(one) for _, one in schemas):
            raise Unprepared(tasks, schemas)

    def problems_of(self, schema: Config, path: str) -> Sequence[Problem]:
        """As `problems_of_schema`."""
        known = self._schemas.get(_key(schema, path))
        return problems_of_schema(schema, path) if known is None else known

    def know(self, schema: Config, path: str, problems: Sequence[Problem]) -> None:
        self._schemas[_key(schema, path)] = problems


async def with_prepared(check: SchemaCheck, step: Callable[[Prepared], Awaitable[Result]]) -> Result:
    """The result of `step`, which is repeated when it raises `Unprepared`.

    A step counts as a whole turn, so that of many that come together each has one of its own.
    """
    await check.turns.next()
    check.turns.spend(TURN_STEPS)
    try:
        return await step(Prepared(is_complete=False))
    except Unprepared as large:
        prepared = Prepared()
        await prepared.expressions.prepare(large.tasks, check.turns)
        for path, schema in large.schemas:
            prepared.know(schema, path, await check.problems_of_schema(schema, path))
    await check.turns.next()
    check.turns.spend(TURN_STEPS)
    return await step(prepared)


def _characters(tasks: Sequence[TaskDraft]) -> int:
    """Of all texts with expressions."""
    conditions = (text for task in tasks for text in (task.when, task.for_each) if text is not None)
    texts = (text for task in tasks for _, text in templated_strings(task.effective_config))
    return sum(map(len, conditions)) + sum(map(len, texts))


def _key(schema: Any, path: str) -> tuple[str, bytes]:
    return path, orjson.dumps(schema)
