"""What a revision says about the order of its tasks, as a check of histories needs it.

The sync tasks of a group are compared by the rule itself, not by the graph that was compiled from it: a mistake in the
graph would otherwise excuse the history that follows from it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.domain.definitions import ExecutionType, Task, Workflow
from app.engine.plan import compile_plan


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """Bit i of `before[n]`: task i must have completed before n starts. Bit i of `apart[n]`: they never overlap."""

    names: tuple[str, ...]
    index_of: dict[int, int]
    before: tuple[int, ...]
    apart: tuple[int, ...]

    def names_in(self, mask: int) -> str:
        return ", ".join(repr(name) for index, name in enumerate(self.names) if mask >> index & 1)


def task_order(workflow: Workflow) -> TaskOrder:
    """Raise `Invalid` when the tasks' order has a cycle."""
    plan = compile_plan(workflow)
    apart = tuple(_apart(workflow.tasks))
    return TaskOrder(tuple(task.name for task in workflow.tasks), plan.index_of, plan.before, apart)


def _apart(tasks: Sequence[Task]) -> Iterator[int]:
    groups: dict[int, int] = {}
    for index, task in enumerate(tasks):
        if _takes_turns(task):
            groups[task.sequence] = groups.get(task.sequence, 0) | 1 << index
    for index, task in enumerate(tasks):
        yield groups[task.sequence] & ~(1 << index) if _takes_turns(task) else 0


def _takes_turns(task: Task) -> bool:
    return task.execution_type is ExecutionType.SYNC and task.depends_on is None
