"""The configs of a task that runs for each element, made one by one when their elements start."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from app.domain.definitions import Config
from app.domain.handlers import TaskError
from app.domain.shares import Group
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.jobs import flow_job
from app.engine.planning.plan import PlannedTask
from app.engine.running.scopes import Scopes
from app.expressions.errors import OverBudget
from app.expressions.limits import Meter


class ElementConfigs:
    """For one attempt of the whole task."""

    __slots__ = ("_check", "_elements", "_evaluations", "_failure", "_is_long", "_planned", "_scopes", "_values")

    def __init__(
        self,
        planned: PlannedTask,
        elements: Sequence[Any],
        scopes: Scopes,
        evaluations: Evaluations,
        failure: Callable[[Exception], TaskError],
        check: Callable[[Config], None],
    ) -> None:
        """`failure` makes the failure of an element whose config cannot be made, or for which `check` raises."""
        self._planned = planned
        self._elements = elements
        self._scopes = scopes
        self._evaluations = evaluations
        self._failure = failure
        self._check = check
        self._values: dict[str, Any] | None = None
        self._is_long = False

    def __len__(self) -> int:
        return len(self._elements)

    async def config(self, number: int, group: Group) -> Config:
        """The config of element `number`. Raise `TaskError`."""
        if not self._planned.flow.config.expressions:
            return self._planned.config
        filled, job = partial(self._filled, number), partial(self._job, number)
        try:
            config: Config = await self._evaluations.later(filled, job, _as_it_is, group)
            self._check(config)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong before the element is the element's failure
            raise self._failure(error) from None
        return config

    def _filled(self, number: int) -> Config:
        # What took too long for one element does so for the next one.
        if self._is_long:
            raise OverBudget
        try:
            return self._evaluations.inline(partial(self._fill, number))
        except OverBudget:
            self._is_long = True
            raise

    def _fill(self, number: int, meter: Meter) -> Config:
        if self._values is None:
            self._values = self._scopes.values(self._planned.index, self._planned.flow)
        config: Config = self._planned.flow.config.fill(self._values | self._element(number), meter)
        return config

    def _job(self, number: int) -> bytes:
        scope = self._scopes.fragments(self._planned.index, self._planned.flow) | self._element(number)
        return flow_job("element", self._planned.config, self._planned.flow, scope)

    def _element(self, number: int) -> dict[str, Any]:
        return {"item": self._elements[number], "index": number}


def _as_it_is(value: Any) -> Any:
    return value
