"""Which task of an execution comes next: the one thing in which graphs and routes differ."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from app.domain.executions import Failure
from app.domain.states import TaskStatus
from app.engine.deciding.graph_course import GraphCourse
from app.engine.deciding.route_course import RouteCourse
from app.engine.deciding.task_state import TaskState
from app.engine.planning.plan import Plan


class Course(Protocol):
    """One execution's way through its plan.

    It reads the states of the tasks. `ExecutionState` alone changes them, and does so before it calls `end`. When a
    compensation begins and what follows it is also for the state alone to decide: none is ever ready here.

    - ready: the tasks that may start now, in the order in which they came up. Always the same dict.
    """

    ready: dict[int, None]

    @property
    def done(self) -> int:
        """How many steps the execution has gone on behind."""

    @property
    def is_done(self) -> bool:
        """True when no step is left to run."""

    def begin(self, index: int) -> int:
        """Take a ready task out of `ready`; return which visit of it this is, from 1."""

    def end(self, index: int) -> Failure | None:
        """Make ready what follows the task, which has just ended; return why the execution fails, if it does."""

    def may_skip(self, index: int) -> bool:
        """True when a request to skip the task can be met now."""

    def has_skipped(self, index: int) -> bool:
        """True when the task has ended by being skipped, so that another request to skip it is harmless."""

    def skip_refusal(self, index: int) -> str:
        """Why the task can be skipped no more; ends a sentence that names it."""

    def visit(self, index: int) -> int:
        """The number of the task's latest visit, from 1."""

    def visible_to(self, index: int) -> int:
        """The tasks whose outputs the task gets: bit i is set for task i."""

    def status_seen(self, index: int, by: int) -> TaskStatus | None:
        """How task `index` looks to an expression of task `by`; None when that one must not look at it."""

    def counts_when_failed(self, index: int) -> bool:
        """True when the task counts as done for the progress although it has failed."""

    def progress(self, index: int, own: float, reported: Mapping[int, float]) -> int:
        """Whole percent of the execution when the task has come to `own` percent, the others to `reported`."""

    def output(self, limit: int) -> str | None:
        """The execution's output as JSON text; None for `null`, or when it is longer than `limit` bytes."""


def course_of(plan: Plan, tasks: Sequence[TaskState]) -> Course:
    """The course of a new execution. `tasks` are its own, by index."""
    return GraphCourse(plan, tasks) if plan.route is None else RouteCourse(plan, plan.route, tasks)
