"""What a revision says about the order of its tasks, as a check of histories needs it.

The sync tasks of a group are compared by the rule itself, not by the graph that was compiled from it: a mistake in the
graph would otherwise excuse the history that follows from it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.checking.routes import RoutedOrder
from app.domain.compensation import compensation_names
from app.domain.definitions import ExecutionType, OnFailure, Task, Workflow
from app.domain.graph import build_graph, tasks_before


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """Bit i of `before[n]`: task i must have ended well before n starts. Bit i of `apart[n]`: they never overlap.

    Bit i of `may_fail`: the execution goes on behind a failure of task i. `undone_by[n]` are the tasks that undo n, and
    `compensations` has the bits of all those. With a `route`, conditions say what comes next, and nothing else does.
    """

    names: tuple[str, ...]
    index_of: dict[int, int]
    before: tuple[int, ...]
    apart: tuple[int, ...]
    may_fail: int = 0
    compensations: int = 0
    undone_by: Mapping[int, Sequence[int]] = field(default_factory=dict)
    route: RoutedOrder | None = None

    @property
    def steps(self) -> int:
        """The bits of all tasks that are no compensations."""
        return (1 << len(self.names)) - 1 & ~self.compensations

    def names_in(self, mask: int) -> str:
        return ", ".join(repr(name) for index, name in enumerate(self.names) if mask >> index & 1)


def task_order(workflow: Workflow) -> TaskOrder:
    """Raise `Invalid` when the tasks' order has a cycle."""
    tasks = workflow.tasks
    index_named = {task.name: index for index, task in enumerate(tasks)}
    route = RoutedOrder.of(workflow)
    undone_by = {
        n: tuple(index_named[name] for name in task.compensate) for n, task in enumerate(tasks) if task.compensate
    }
    return TaskOrder(
        names=tuple(task.name for task in tasks),
        index_of={task.id: index for index, task in enumerate(tasks)},
        before=_before(tasks) if route is None else (0,) * len(tasks),
        apart=tuple(_apart(tasks)) if route is None else (0,) * len(tasks),
        may_fail=_mask(index for index, task in enumerate(tasks) if task.on_failure is OnFailure.CONTINUE),
        compensations=_mask(index for undoing in undone_by.values() for index in undoing),
        undone_by=undone_by,
        route=route,
    )


def _before(tasks: Sequence[Task]) -> tuple[int, ...]:
    return tasks_before(build_graph(tasks), tasks)


def _mask(indexes: Iterable[int]) -> int:
    mask = 0
    for index in indexes:
        mask |= 1 << index
    return mask


def _apart(tasks: Sequence[Task]) -> Iterator[int]:
    groups: dict[int, int] = {}
    undoing = compensation_names(tasks)
    for index, task in enumerate(tasks):
        if _takes_turns(task) and task.name not in undoing:
            groups[task.sequence] = groups.get(task.sequence, 0) | 1 << index
    for index, task in enumerate(tasks):
        takes_turns = _takes_turns(task) and task.name not in undoing
        yield groups[task.sequence] & ~(1 << index) if takes_turns else 0


def _takes_turns(task: Task) -> bool:
    return task.execution_type is ExecutionType.SYNC and task.depends_on is None
