"""Which task the conditions of a revision allow next, for the check of histories.

It evaluates the conditions as they are written, not the route that was compiled from them. Otherwise a mistake in the
compilation would hide the wrong history that follows from it.
"""

from dataclasses import dataclass

from app.domain.definitions import Workflow
from app.domain.routing import DEFAULT_MAX_VISITS, END
from app.domain.states import TaskStatus

_UNSUCCESSFUL = frozenset({TaskStatus.FAILED, TaskStatus.CANCELLED})


class RouteCheck:
    """Follows one history. `due` is the name of the task whose turn it is; None if the execution must end."""

    __slots__ = ("_conditions", "_last", "_limit", "_visits", "due")

    def __init__(self, workflow: Workflow) -> None:
        self._conditions = {condition.source_task: condition for condition in workflow.conditions}
        self._limit = workflow.max_visits or DEFAULT_MAX_VISITS
        self._visits: dict[str, int] = {}
        self._last = ""
        self.due: str | None = workflow.start_task

    def visit(self, name: str) -> str | None:
        """Why the task must not be visited now; None if it is its turn."""
        due, self.due = self.due, None
        self._visits[name] = self._visits.get(name, 0) + 1
        if name == due:
            return None
        return f"task {name!r} starts although {_whose_turn(due)}"

    def end(self, name: str, status: TaskStatus) -> str | None:
        """Record the end of a task; return why no other task may follow, if that is a failure."""
        failed = status is TaskStatus.FAILED
        self._last = f"task {name!r} {status}" if status in _UNSUCCESSFUL else ""
        condition = self._conditions.get(name)
        target = END if condition is None or status is TaskStatus.CANCELLED else condition.target(failed=failed)
        if target == END:
            return self._last if failed else None
        if self._visits.get(target, 0) >= self._limit:
            return f"task {target!r} had its {self._limit} visits"
        self.due = target
        return None

    def ending_problem(self, *, completed: bool, stopped: bool) -> str | None:
        """Why the execution must not end now; None if it may."""
        if stopped and not completed:
            return None
        if self.due is not None:
            return f"comes although {_whose_turn(self.due)}"
        if completed:
            return f"comes after {self._last}" if self._last else None
        return "comes although nothing has failed"


def _whose_turn(due: str | None) -> str:
    return "the execution is to end" if due is None else f"it is the turn of task {due!r}"


@dataclass(frozen=True, slots=True)
class RoutedOrder:
    """Creates the check for each history of one revision; None stands for a workflow without conditions."""

    workflow: Workflow

    @classmethod
    def of(cls, workflow: Workflow) -> "RoutedOrder | None":
        return None if workflow.start_task is None else cls(workflow)

    def check(self) -> RouteCheck:
        return RouteCheck(self.workflow)
