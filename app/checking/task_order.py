"""The order of the tasks of a revision, for the check of histories.

The sync tasks of a group are checked by the rule itself, not by the graph that was compiled from it. Otherwise a
mistake in the graph would hide the wrong history that follows from it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.checking.routes import RoutedOrder
from app.domain.compensation import compensation_names
from app.domain.definitions import ExecutionType, OnFailure, Task, Workflow
from app.domain.graph import build_graph, tasks_before


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """The order of the tasks, as sets of bits.

    before[n]: bit i is set if task i must have completed before task n starts.
    apart[n]: bit i is set if the tasks i and n never overlap.
    may_fail: bit i is set if the execution continues after a failure of task i.
    undone_by[n]: the tasks that undo task n.
    compensations: the bits of all tasks that undo others.
    route: the conditions of a routed workflow, which alone decide the order; None for other workflows.
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
        """The bits of all tasks that are not compensations."""
        return (1 << len(self.names)) - 1 & ~self.compensations

    def names_in(self, mask: int) -> str:
        return ", ".join(repr(name) for index, name in enumerate(self.names) if mask >> index & 1)


def task_order(workflow: Workflow) -> TaskOrder:
    """The order of the tasks. Raise `Invalid` if it has a cycle."""
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
