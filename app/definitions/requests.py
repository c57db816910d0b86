"""What the body of a change is: a whole workflow or one of its tasks. Problems have the paths of that body."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from app.definitions.ports import WorkflowEdit
from app.domain.definitions import Task
from app.domain.errors import Invalid, Problem


@dataclass(frozen=True, slots=True)
class Request:
    """A change.

    task_id: the only task that the body is about; None if it is about another one, or about the workflow.
    adds_task: whether the body is the task that becomes the last one.
    """

    task_id: int | None = None
    adds_task: bool = False

    @contextmanager
    def in_words(self, edit: WorkflowEdit) -> Iterator[None]:
        """Give the problems of an `Invalid` the paths of the body."""
        try:
            yield
        except Invalid as error:
            raise Invalid(self.placed(error.problems, edit)) from None

    def placed(self, problems: Sequence[Problem], edit: WorkflowEdit) -> Sequence[Problem]:
        """The problems with the paths of the body."""
        return [self._placed(problem, edit) for problem in problems]

    def _placed(self, problem: Problem, edit: WorkflowEdit) -> Problem:
        """`retry.jitter` instead of `tasks[3].retry.jitter`, if that task is the body. Problems of other tasks get the
        name of their task.
        """
        if self == WHOLE_WORKFLOW:
            return problem
        own = self._index(edit)
        if own is not None and problem.path.startswith(prefix := f"tasks[{own}]."):
            return Problem(problem.path.removeprefix(prefix), problem.message)
        for index, task in enumerate(edit.tasks):
            if problem.path.startswith(prefix := f"tasks[{index}]."):
                return Problem("", f"{problem.path.removeprefix(prefix)} of task {task.name!r}: {problem.message}")
        return problem

    def _index(self, edit: WorkflowEdit) -> int | None:
        if self.adds_task:
            return len(edit.tasks) - 1
        ids = [task.id if isinstance(task, Task) else None for task in edit.tasks]
        return ids.index(self.task_id) if self.task_id in ids else None


WHOLE_WORKFLOW = Request()
ADDED_TASK = Request(adds_task=True)
