"""What rules ask of a definition: the order of its tasks, and which of them uses the output of which."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from app.domain.definitions import Task, Workflow
from app.domain.graph import Graph, build_graph, tasks_before
from app.engine.planning.data_flow import compile_flow

WAITING = frozenset({"delay", "signal", "workflow", "entity_state"})
"""The types of tasks that wait: for a time, a person, an entity, or another execution."""

AWAITING = WAITING - {"workflow"}
"""Those that do nothing themselves: after a time limit, waiting again would only take longer."""

READING = frozenset({"transform", "log", "delay", "workflow"})
"""The types of tasks that change nothing outside. So does `http` with some methods."""

HARMLESS_METHODS = frozenset({"GET", "HEAD"})


def reads_only(task: Task) -> bool:
    """Whether running the task earlier, or beside others, changes nothing outside."""
    if task.type == "http":
        return str(task.config.get("method") or "GET").upper() in HARMLESS_METHODS
    return task.type is None or task.type in READING


@dataclass
class Definition:
    """A workflow, with what is derived from it once."""

    workflow: Workflow
    names: tuple[frozenset[str], ...] = field(init=False)

    def __post_init__(self) -> None:
        self.names = tuple(compile_flow(task).names for task in self.workflow.tasks)

    @cached_property
    def used(self) -> frozenset[str]:
        """The tasks that an expression names."""
        return frozenset().union(*self.names)

    @cached_property
    def graph(self) -> Graph:
        return build_graph(self.workflow.tasks)

    @cached_property
    def before(self) -> tuple[int, ...]:
        """As in a plan: bit i of element n is set when task i ends before task n starts."""
        return tasks_before(self.graph, self.workflow.tasks)

    def direct(self) -> list[set[int]]:
        """The tasks that each task waits for directly; a gate counts as all that it waits for."""
        return direct_of(self.graph)

    @cached_property
    def compensations(self) -> frozenset[str]:
        return frozenset(name for task in self.workflow.tasks for name in task.compensate)


def direct_of(graph: Graph) -> list[set[int]]:
    """As `Definition.direct`."""
    found: list[set[int]] = [set() for _ in graph.successors]
    for node, successors in enumerate(graph.successors):
        for successor in successors:
            found[successor].add(node)
    return [_expanded(found, before, graph.task_count) for before in found[: graph.task_count]]


def _expanded(found: Sequence[set[int]], nodes: set[int], task_count: int) -> set[int]:
    tasks: set[int] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node < task_count:
            tasks.add(node)
        else:
            waiting.extend(found[node])
    return tasks


def waiting_for(tasks: Sequence[Task], index: int, names: Sequence[str]) -> tuple[Task, ...]:
    """The tasks, where one of them waits for these."""
    changed = replace(tasks[index], depends_on=tuple(names))
    return (*tasks[:index], changed, *tasks[index + 1 :])
