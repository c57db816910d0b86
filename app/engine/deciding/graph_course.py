"""The course of an execution whose tasks wait for one another, as the graph of its revision says."""

from collections.abc import Mapping, Sequence

import orjson

from app.domain.executions import Failure
from app.domain.states import TaskStatus
from app.engine.deciding.task_state import TaskState
from app.engine.planning.plan import Plan

# Looked up once: this is on the way of every task, and an enum's member costs more than a name.
_PENDING = TaskStatus.PENDING
_FAILED = TaskStatus.FAILED
_CANCELLED = TaskStatus.CANCELLED


class GraphCourse:
    """A `Course` on which every task has one turn, as soon as all before it have ended well.

    - ready: the tasks that may start now
    - done: how many steps have completed, were skipped, or failed where they may
    """

    __slots__ = ("_missing", "_plan", "_tasks", "done", "ready")

    def __init__(self, plan: Plan, tasks: Sequence[TaskState]) -> None:
        self._plan = plan
        self._tasks = tasks
        self._missing = list(plan.graph.predecessor_counts)
        self.ready: dict[int, None] = dict.fromkeys(plan.first)
        self.done = 0

    @property
    def is_done(self) -> bool:
        return self.done == self._plan.steps

    def begin(self, index: int) -> int:
        del self.ready[index]
        return 1

    def end(self, index: int) -> Failure | None:
        task, planned = self._tasks[index], self._plan.tasks[index]
        if task.status is _CANCELLED:
            return None
        if task.status is _FAILED and not planned.may_fail:
            return task.failure_of_execution(planned.name)
        self.done += 1
        # A task may be skipped before its turn. It is passed when its turn comes, not now: what waits for it also
        # waits for all that comes before it.
        if self._missing[index] == 0:
            self._pass_on(index)
        return None

    def _pass_on(self, node: int) -> None:
        """Make ready what waited for `node` alone.

        A gate is passed at once, and so is a task that was skipped before its turn. There may be thousands of these in
        a row, so this keeps a stack of its own instead of calling itself. It goes depth first, in the graph's order,
        so that the same history always makes tasks ready in the same order.
        """
        graph, tasks, missing = self._plan.graph, self._tasks, self._missing
        following = [*graph.successors[node]]
        following.reverse()
        while following:
            reached = following.pop()
            missing[reached] -= 1
            if missing[reached]:
                continue
            if reached < graph.task_count and tasks[reached].status is _PENDING:
                self.ready[reached] = None
            else:
                following.extend(reversed(graph.successors[reached]))

    def may_skip(self, index: int) -> bool:
        return not self._tasks[index].status.is_final

    def has_skipped(self, index: int) -> bool:
        return self._tasks[index].status is TaskStatus.SKIPPED

    def skip_refusal(self, index: int) -> str:
        return f"is {self._tasks[index].status} and cannot be skipped"

    def visit(self, index: int) -> int:
        return 1

    def visible_to(self, index: int) -> int:
        # What merely happened to end earlier is not visible, so that every attempt sees the same.
        return self._plan.before[index]

    def status_seen(self, index: int, by: int) -> TaskStatus | None:
        return self._tasks[index].status if self._plan.before[by] >> index & 1 else None

    def counts_when_failed(self, index: int) -> bool:
        return self._plan.tasks[index].may_fail

    def progress(self, index: int, own: float, reported: Mapping[int, float]) -> int:
        others = sum(percent for other, percent in reported.items() if other != index) if reported else 0
        return int((100.0 * self.done + others + own) / self._plan.steps)

    def output(self, limit: int) -> str | None:
        """The last tasks' outputs by name, nulls left out.

        An execution whose every task succeeded does not fail for the sum of its outputs; each stays with its task.
        """
        named = {
            self._plan.tasks[index].name: orjson.Fragment(output)
            for index in self._plan.last
            if (output := self._tasks[index].output) is not None
        }
        if not named or sum(len(self._tasks[index].output or "") for index in self._plan.last) > limit:
            return None
        text = orjson.dumps(named)
        return text.decode() if len(text) <= limit else None
