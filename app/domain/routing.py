"""Routed workflows: conditions choose the next task by how the last one ended."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.domain.graph import Graph

END = "end"
"""The target that ends an execution; no task of a routed workflow can have this name."""

DEFAULT_MAX_VISITS = 100


class RouteOutcome(StrEnum):
    """The end of the source task that a condition matches. A skipped task counts as a success."""

    SUCCESS = "success"
    FAILURE = "failure"
    ANY = "any"

    def matches(self, *, failed: bool) -> bool:
        return self is RouteOutcome.ANY or failed is (self is RouteOutcome.FAILURE)


@dataclass(frozen=True, slots=True)
class Condition:
    """Where an execution continues when `source_task` has ended.

    outcome: if it matches the end of the task, `target_task_success` is next, otherwise `target_task_failure`.
    targets: the name of a task, or `END`.
    """

    name: str
    source_task: str
    outcome: RouteOutcome
    target_task_success: str
    target_task_failure: str = END
    description: str | None = None

    def target(self, *, failed: bool) -> str:
        return self.target_task_success if self.outcome.matches(failed=failed) else self.target_task_failure


@dataclass(frozen=True, slots=True)
class Turn:
    """The indexes of the tasks after a success and after a failure; None ends the execution."""

    after_success: int | None
    after_failure: int | None


@dataclass(frozen=True, slots=True)
class Route:
    """The compiled conditions. `turns` has no entry for a task without a condition, which ends the execution."""

    start: int
    turns: Mapping[int, Turn]
    max_visits: int

    def next_task(self, index: int, *, failed: bool) -> int | None:
        """The task after the end of task `index`; None if the execution ends."""
        turn = self.turns.get(index)
        if turn is None:
            return None
        return turn.after_failure if failed else turn.after_success


class RoutedWorkflow(Protocol):
    """What a route is compiled from; `WorkflowDraft` and `Workflow` satisfy it."""

    @property
    def start_task(self) -> str | None: ...
    @property
    def conditions(self) -> tuple[Condition, ...]: ...
    @property
    def max_visits(self) -> int | None: ...


def compile_route(workflow: RoutedWorkflow, names: Sequence[str]) -> Route | None:
    """The route of a valid workflow, whose tasks have these `names`; None without a `start_task`."""
    if workflow.start_task is None:
        return None
    index_named = {name: index for index, name in enumerate(names)}
    turns = {
        index_named[condition.source_task]: Turn(
            index_named.get(condition.target(failed=False)), index_named.get(condition.target(failed=True))
        )
        for condition in workflow.conditions
    }
    return Route(index_named[workflow.start_task], turns, workflow.max_visits or DEFAULT_MAX_VISITS)


def unconnected_graph(task_count: int) -> Graph:
    """A graph in which no task waits for another: conditions choose the next task."""
    return Graph(((),) * task_count, (0,) * task_count, task_count, frozenset())


def steps_from_start(route: Route) -> Mapping[int, int]:
    """The tasks that can be reached from the start task by some outcomes, and after how many steps at the earliest."""
    found, waiting = {route.start: 0}, deque([route.start])
    while waiting:
        index = waiting.popleft()
        for failed in (False, True):
            following = route.next_task(index, failed=failed)
            if following is not None and following not in found:
                found[following] = found[index] + 1
                waiting.append(following)
    return found


def reachable(route: Route) -> frozenset[int]:
    """The tasks that can be reached from the start task by some outcomes."""
    return frozenset(steps_from_start(route))
