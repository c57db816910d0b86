"""What a revision says about the order of its tasks, as a check of histories needs it.

The sync tasks of a group are compared by the rule itself, not by the graph that was compiled from it: a mistake in the
graph would otherwise excuse the history that follows from it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.compensation import compensation_names
from app.domain.definitions import ExecutionType, Task, Workflow
from app.engine.plan import compile_plan
from app.engine.route_check import RoutedOrder


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
    plan = compile_plan(workflow)
    route = RoutedOrder.of(workflow)
    apart = tuple(_apart(workflow.tasks)) if route is None else (0,) * len(workflow.tasks)
    undone_by = {task.index: task.compensated_by for task in plan.tasks if task.compensated_by}
    return TaskOrder(
        names=tuple(task.name for task in workflow.tasks),
        index_of=plan.index_of,
        before=plan.before,
        apart=apart,
        may_fail=_mask(index for index, task in enumerate(plan.tasks) if task.may_fail),
        compensations=_mask(index for undoing in undone_by.values() for index in undoing),
        undone_by=undone_by,
        route=route,
    )


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
