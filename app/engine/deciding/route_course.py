"""The course of an execution that goes from task to task, as the conditions of its revision say."""

from collections.abc import Mapping, Sequence

from app.domain.executions import Failure
from app.domain.routing import Route
from app.domain.states import TaskStatus
from app.engine.deciding.task_state import TaskState
from app.engine.planning.plan import Plan

TOO_MANY_VISITS = "too_many_visits"


class RouteCourse:
    """A `Course` on which one task at a time has its turn, and may have another one later.

    - ready: the task whose turn it is and that has not begun, or nothing
    """

    __slots__ = ("_at", "_ended", "_last_output", "_plan", "_route", "_tasks", "_visits", "ready")

    def __init__(self, plan: Plan, route: Route, tasks: Sequence[TaskState]) -> None:
        self._plan = plan
        self._route = route
        self._tasks = tasks
        self._at: int | None = None
        self._visits: dict[int, int] = {}
        # How the latest visit of each task has ended. Its state does not say so any more once another one has begun.
        self._ended: dict[int, TaskStatus] = {}
        self._last_output: str | None = None
        self.ready: dict[int, None] = dict.fromkeys(plan.first)

    @property
    def done(self) -> int:
        return len(self._ended)

    @property
    def is_done(self) -> bool:
        return self._at is None and not self.ready

    def begin(self, index: int) -> int:
        del self.ready[index]
        self._at = index
        self._visits[index] = number = self._visits.get(index, 0) + 1
        return number

    def end(self, index: int) -> Failure | None:
        task = self._tasks[index]
        self._at = None
        self._ended[index] = task.status
        if task.status is TaskStatus.COMPLETED:
            self._last_output = task.output
        if task.status is TaskStatus.CANCELLED:
            return None
        failed = task.status is TaskStatus.FAILED
        following = self._route.next_task(index, failed=failed)
        if following is None:
            return task.failure_of_execution(self._plan.tasks[index].name) if failed else None
        if self._visits.get(following, 0) >= self._route.max_visits:
            return self._too_many_visits(following)
        self.ready[following] = None
        return None

    def _too_many_visits(self, index: int) -> Failure:
        limit = self._route.max_visits
        times = "once" if limit == 1 else f"{limit} times"
        message = f"task {self._plan.tasks[index].name!r} has run {times}, which is the limit (max_visits)"
        return Failure(TOO_MANY_VISITS, message)

    def may_skip(self, index: int) -> bool:
        """Only the task whose turn it is: any other may come again, or never."""
        return index == self._at or index in self.ready

    def has_skipped(self, index: int) -> bool:
        return not self.may_skip(index) and self._ended.get(index) is TaskStatus.SKIPPED

    def skip_refusal(self, index: int) -> str:
        return "cannot be skipped now: it is not its turn"

    def visit(self, index: int) -> int:
        return self._visits[index]

    def visible_to(self, index: int) -> int:
        """All that have ended: tasks run one at a time, so every attempt sees the same."""
        return sum(1 << ended for ended in self._ended)

    def status_seen(self, index: int, by: int) -> TaskStatus | None:
        """Which tasks have run is not known when the definition is written; one that has not is pending."""
        return self._ended.get(index, TaskStatus.PENDING)

    def counts_when_failed(self, index: int) -> bool:
        return True

    def progress(self, index: int, own: float, reported: Mapping[int, float]) -> int:
        """The share of the tasks that have ended at least once; how often they come again is not known before the end.

        So 100 is for the end alone.
        """
        counted = 0.0 if index in self._ended else own
        return min(99, int((100.0 * self.done + counted) / self._plan.steps))

    def output(self, limit: int) -> str | None:
        """That of the last task that completed, which has been held to the limit."""
        return self._last_output
