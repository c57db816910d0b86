"""Evaluates at once what is cheap, and has an evaluator evaluate everything else."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from app.background.turns import Turns
from app.contracts.contract import Contract, is_small
from app.contracts.json_schemas import problems_of_schema
from app.domain.definitions import Config
from app.domain.errors import Problem, Unavailable
from app.domain.payloads import Payload
from app.domain.shares import Group
from app.engine.evaluating.jobs import definition_job, problems_of, schema_job, value_of
from app.engine.evaluating.ports import TOO_COSTLY, Evaluator, EvaluatorError
from app.expressions.errors import OverBudget
from app.expressions.limits import InlineMeter, Meter

Value = TypeVar("Value")

NOBODY = Group(0, 0)
"""Stands for the workflow of a definition that is being checked, and for its tenant."""

SMALL_SCHEMA_STEPS = 15_000
"""What compiling a small schema counts as: at most 5 ms."""

CHECKS_A_STEP = 2

INLINE_CHECKS = 20_000
"""The checks of a schema that are made at once: 0.1 to 2.6 ms."""


class Evaluations:
    """Shared by everything that evaluates in a process.

    - turns: counts what is evaluated at once
    """

    def __init__(self, evaluator: Evaluator, turns: Turns) -> None:
        self._evaluator = evaluator
        self.turns = turns

    def inline(self, evaluate: Callable[[Meter], Value]) -> Value:
        """Evaluate at once. Raise `OverBudget` when that takes too long, or when this turn is spent."""
        if self.turns.is_spent:
            raise OverBudget
        meter = InlineMeter()
        try:
            return evaluate(meter)
        finally:
            self.turns.spend(meter.spent)

    async def later(
        self,
        evaluate: Callable[[], Value],
        job: Callable[[], bytes],
        read: Callable[[Any], Value],
        group: Group,
    ) -> Value:
        """`evaluate` in a turn of its own; where it raises `OverBudget`, what `read` makes of the answer to `job`.

        Raise `EvaluationError` and `EvaluatorError`.
        """
        await self.turns.next()
        try:
            return evaluate()
        except OverBudget:
            return read(value_of(await self._evaluator.answer(job, group)))

    def problems_at_once(self, contract: Contract, payload: Payload, path: str) -> Sequence[Problem]:
        """As `Contract.problems`. Raise `OverBudget` when that takes too long, or when this turn is spent."""
        if self.turns.is_spent or not contract.is_small or (cost := contract.cost(payload.text)) > INLINE_CHECKS:
            raise OverBudget
        self.turns.spend(cost // CHECKS_A_STEP + contract.steps_to_compile)
        return contract.problems(payload.value, path)

    async def problems_of_schema(self, schema: Config, path: str) -> Sequence[Problem]:
        """As `json_schemas.problems_of_schema`, wherever it takes place. Raise `Unavailable`."""
        if is_small(schema):
            await self.turns.next()
            self.turns.spend(SMALL_SCHEMA_STEPS)
            return problems_of_schema(schema, path)
        try:
            return problems_of(value_of(await self._evaluator.answer(partial(definition_job, schema, path), NOBODY)))
        except EvaluatorError as error:
            if error.reason != TOO_COSTLY:
                raise Unavailable(f"{path} cannot be checked now: {error}") from None
            return [Problem(path, f"takes too long to compile: {error}")]

    async def problems(self, contract: Contract, payload: Payload, path: str, group: Group) -> Sequence[Problem]:
        """As `Contract.problems`, wherever it takes place. Raise `EvaluatorError` unless it is `TOO_COSTLY`, which is a
        problem of the value.
        """
        await self.turns.next()
        with suppress(OverBudget):
            return self.problems_at_once(contract, payload, path)
        try:
            answer = await self._evaluator.answer(partial(schema_job, contract, payload, path), group)
        except EvaluatorError as error:
            if error.reason != TOO_COSTLY:
                raise
            return [Problem(path, f"takes too long to check: {error}")]
        return problems_of(value_of(answer))
