"""What a task gets when it starts, from its expressions and its data. Pure; each function has one meter for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.definitions import Config
from app.engine.planning.data_flow import TaskFlow, condition_holds, elements_of
from app.expressions.errors import EvaluationError
from app.expressions.limits import Meter


@dataclass(slots=True)
class Begun:
    """What an attempt gets.

    - config: filled in; for a task with `for_each` it is as written, because each element has its own
    - elements: those that the task runs for; None for a task without `for_each`
    """

    config: Config
    elements: list[Any] | None = None


@dataclass(slots=True)
class Started:
    """What is to be known before a task starts.

    - holds: false when its condition says that it is to be skipped
    - config: for a task that only waits, because what it waits for is recorded when it starts; None for other tasks,
      and for a config that cannot be evaluated, which fails the attempt
    """

    holds: bool
    config: Config | None = None


def begun(flow: TaskFlow, written: Config, scope: Mapping[str, Any], meter: Meter) -> Begun:
    """Raise `EvaluationError`, also for a wrong condition, which does not keep the task from starting."""
    if not condition_holds(flow, scope, meter):
        # It could not be evaluated when the task was about to start, but can be now.
        raise EvaluationError(
            flow.when.source if flow.when else "", "is false, which was not known when the task started"
        )
    if flow.for_each is not None:
        return Begun(written, elements_of(flow.for_each, scope, meter))
    return Begun(flow.config.fill(scope, meter))


def started(flow: TaskFlow, scope: Mapping[str, Any], meter: Meter, *, waits: bool) -> Started:
    """`waits` is true for a task that only waits. Raise `EvaluationError` for a wrong condition."""
    if not condition_holds(flow, scope, meter):
        return Started(holds=False)
    try:
        return Started(holds=True, config=flow.config.fill(scope, meter) if waits else None)
    except EvaluationError:
        return Started(holds=True)
