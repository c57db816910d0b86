"""Workflows with conditions in a few words: `routed("a", "b", conditions=["a success b end"])`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.domain.definitions import ExecutionType, Task, Workflow
from app.domain.routing import Condition, RouteOutcome
from tests.support.stories import workflow_of


def conditions(*words: str) -> tuple[Condition, ...]:
    """Each is `source outcome target-of-a-match target-of-anything-else`."""
    return tuple(_condition(number, *text.split()) for number, text in enumerate(words))


def _condition(number: int, source: str, outcome: str, success: str, failure: str) -> Condition:
    return Condition(f"c{number}", source, RouteOutcome(outcome), success, failure)


def tasks(names: str, **options: Any) -> list[Task]:
    """One per word. Their groups say nothing: they are the other way round."""
    words = names.split()
    return [Task(name, ExecutionType.SYNC, sequence=len(words) - n, **options) for n, name in enumerate(words)]


def routed(
    names: str, *words: str, start: str | None = None, max_visits: int | None = None, **options: Any
) -> Workflow:
    return of_tasks(tasks(names, **options), conditions(*words), start, max_visits)


def of_tasks(
    tasks: Sequence[Task], conditions: tuple[Condition, ...], start: str | None = None, max_visits: int | None = None
) -> Workflow:
    """Begins with the first task where nothing else is said."""
    first = tasks[0].name if start is None else start
    return replace(workflow_of(*tasks), start_task=first, conditions=conditions, max_visits=max_visits)
