"""The graph to which a workflow is compiled: which tasks must have completed before each task can start.

Groups (equal `sequence`) run in ascending order. Within a group the sync tasks run one after another, then the async
tasks run concurrently. A task with `depends_on` waits only for that list, but later groups still wait for the task.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from app.domain.compensation import compensation_names
from app.domain.errors import Invalid, Problem

SHOWN_OF_A_CYCLE = 12


class GraphTask(Protocol):
    """What the graph needs of a task; `TaskDraft` and `Task` satisfy it."""

    @property
    def name(self) -> str: ...
    @property
    def execution_type(self) -> str: ...
    @property
    def sequence(self) -> int: ...
    @property
    def depends_on(self) -> tuple[str, ...] | None: ...
    @property
    def compensate(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes 0 … task_count-1 are the tasks in the given order; the other nodes are gates.

    A gate stands for "all tasks of the groups before": it does nothing and completes when its predecessors have. It
    keeps the number of edges linear when a thousand tasks wait for a thousand others. A gate exists only if a task
    waits for it, so a task without successors is a last task.

    predecessor_counts: for each node, the number of its direct predecessors.
    compensations: nodes without edges.
    gates: for each gate, the group that waits for it.
    """

    successors: tuple[tuple[int, ...], ...]
    predecessor_counts: tuple[int, ...]
    task_count: int
    compensations: frozenset[int]
    gates: tuple[int, ...] = ()


def build_graph(tasks: Sequence[GraphTask]) -> Graph:
    """Compile the tasks; those of one group must be in the order of their ids.

    Raise `Invalid` for a `depends_on` that names the task itself, a task twice or an unknown task, and for a cycle,
    whose names are listed. Problem paths are `tasks[index].depends_on`.
    """
    if found := dependency_problems(tasks):
        raise Invalid(found)
    builder = _Builder(tasks)
    builder.connect()
    graph = builder.graph()
    _refuse_cycles(graph, builder)
    return graph


def tasks_before(graph: Graph, tasks: Sequence[GraphTask]) -> tuple[int, ...]:
    """Bit i of element n is set if task i must have completed before task n can start. `graph` is that of `tasks`.

    A compensation comes after the task that it undoes and all tasks before that one.
    """
    masks = [0] * len(graph.successors)
    missing = list(graph.predecessor_counts)
    ready = [node for node, count in enumerate(missing) if count == 0]
    while ready:
        node = ready.pop()
        passed_on = masks[node] | (1 << node if node < graph.task_count else 0)
        for successor in graph.successors[node]:
            masks[successor] |= passed_on
            missing[successor] -= 1
            if missing[successor] == 0:
                ready.append(successor)
    index_named = {task.name: index for index, task in enumerate(tasks)}
    for index, task in enumerate(tasks):
        for name in task.compensate:
            masks[index_named[name]] = masks[index] | 1 << index
    return tuple(masks[: graph.task_count])


def ranks(graph: Graph) -> tuple[int, ...]:
    """The layer of each node: 0 without predecessors, otherwise one more than the highest layer before it."""
    found = [0] * len(graph.successors)
    missing = list(graph.predecessor_counts)
    ready = [node for node, count in enumerate(missing) if count == 0]
    while ready:
        node = ready.pop()
        for successor in graph.successors[node]:
            found[successor] = max(found[successor], found[node] + 1)
            missing[successor] -= 1
            if missing[successor] == 0:
                ready.append(successor)
    return tuple(found)


def dependency_problems(tasks: Sequence[GraphTask]) -> list[Problem]:
    """Every problem of the names in `depends_on`."""
    names = {task.name for task in tasks}
    found = []
    for index, task in enumerate(tasks):
        seen: set[str] = set()
        for position, name in enumerate(task.depends_on or ()):
            message = _wrong_name(name, task.name, names, seen)
            if message:
                found.append(Problem(f"tasks[{index}].depends_on[{position}]", message))
            seen.add(name)
    return found


def _wrong_name(name: str, own: str, names: set[str], seen: set[str]) -> str | None:
    if name == own:
        return "a task cannot depend on itself"
    if name not in names:
        return f"no task of this workflow is named {name!r}"
    return f"{name!r} is listed twice" if name in seen else None


class _Builder:
    """Collects the predecessors of each node. `labels` are the names with which a cycle is shown."""

    def __init__(self, tasks: Sequence[GraphTask]) -> None:
        self.tasks = tasks
        self.predecessors: list[list[int]] = [[] for _ in tasks]
        self.labels = [repr(task.name) for task in tasks]
        self.gates: list[int] = []
        undoing = compensation_names(tasks)
        self.compensations = frozenset(index for index, task in enumerate(tasks) if task.name in undoing)

    def connect(self) -> None:
        index_of = {task.name: index for index, task in enumerate(self.tasks)}
        steps = (index for index in range(len(self.tasks)) if index not in self.compensations)
        in_order = sorted(steps, key=lambda index: self.tasks[index].sequence)
        unfinished: list[int] = []
        for sequence, group in groupby(in_order, key=lambda index: self.tasks[index].sequence):
            members = tuple(group)
            ruled = [index for index in members if self.tasks[index].depends_on is None]
            free = [index for index in members if self.tasks[index].depends_on is not None]
            for index in free:
                self.predecessors[index] = [index_of[name] for name in self.tasks[index].depends_on or ()]
            if ruled:
                unfinished = self._connect_group(ruled, self._gate(unfinished, sequence))
            unfinished += free

    def _connect_group(self, ruled: Iterable[int], start: list[int]) -> list[int]:
        """Chain the sync tasks after `start`, the async ones after the chain; return the nodes that end the group."""
        side_by_side = []
        for index in ruled:
            if self.tasks[index].execution_type == "async":
                side_by_side.append(index)
            else:
                self.predecessors[index] = start
                start = [index]
        for index in side_by_side:
            self.predecessors[index] = start
        return side_by_side or start

    def _gate(self, unfinished: list[int], sequence: int) -> list[int]:
        """A node that stands for all of `unfinished`, in a list; an empty list if there are none."""
        if len(unfinished) < 2:
            return unfinished
        self.predecessors.append(unfinished)
        self.labels.append(f"the groups before {sequence}")
        self.gates.append(sequence)
        return [len(self.predecessors) - 1]

    def graph(self) -> Graph:
        successors: list[list[int]] = [[] for _ in self.predecessors]
        for node, before in enumerate(self.predecessors):
            for predecessor in before:
                successors[predecessor].append(node)
        counts = tuple(len(before) for before in self.predecessors)
        return Graph(tuple(map(tuple, successors)), counts, len(self.tasks), self.compensations, tuple(self.gates))


def _refuse_cycles(graph: Graph, builder: _Builder) -> None:
    waiting = _never_ready(graph)
    start = next((node for node in waiting if node < graph.task_count and builder.tasks[node].depends_on), None)
    if start is None:
        return
    cycle = _cycle_from(start, builder.predecessors, waiting)
    first = min(node for node in cycle if node < graph.task_count and builder.tasks[node].depends_on)
    turned = cycle[cycle.index(first) :] + cycle[: cycle.index(first)]
    raise Invalid.at(f"tasks[{first}].depends_on", _sentence([builder.labels[node] for node in turned]))


def _never_ready(graph: Graph) -> dict[int, None]:
    """The nodes that can never start, in ascending order: those on a cycle and those after one."""
    counts = list(graph.predecessor_counts)
    ready = [node for node, count in enumerate(counts) if count == 0]
    while ready:
        for successor in graph.successors[ready.pop()]:
            counts[successor] -= 1
            if counts[successor] == 0:
                ready.append(successor)
    return {node: None for node, count in enumerate(counts) if count > 0}


def _cycle_from(start: int, predecessors: Sequence[Sequence[int]], waiting: dict[int, None]) -> list[int]:
    """Find a cycle by walking backwards. Every waiting node has a waiting predecessor, so the walk must repeat."""
    position: dict[int, int] = {}
    path: list[int] = []
    node = start
    while node not in position:
        position[node] = len(path)
        path.append(node)
        node = next(before for before in predecessors[node] if before in waiting)
    return path[position[node] :]


def _sentence(labels: list[str]) -> str:
    hidden = len(labels) - SHOWN_OF_A_CYCLE
    shown = labels if hidden <= 0 else [*labels[:SHOWN_OF_A_CYCLE], f"{hidden} more"]
    return f"would wait for ever: {' waits for '.join([*shown, labels[0]])}"
