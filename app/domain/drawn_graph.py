"""A revision as nodes and edges, for those who draw it. What waits for what is known to `graph` and `routing` alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.calls import called_workflow
from app.domain.definitions import Task, Workflow
from app.domain.graph import Graph, build_graph, ranks
from app.domain.routing import Route, compile_route, steps_from_start


class EdgeKind(StrEnum):
    """ORDER: `to` waits for `source`. UNDO: `to` undoes it. The others: it has ended so, and `to` is next."""

    ORDER = "order"
    UNDO = "undo"
    SUCCESS = "success"
    FAILURE = "failure"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Node:
    """A task, or a gate if `task` is None.

    id: unique in the graph.
    group: the `sequence` of the task, or of the group that waits for the gate.
    rank: its layer, from 0.
    undo: whether it is a compensation.
    workflow: the id or key of the workflow that it starts as its child.
    """

    id: str
    task: Task | None
    group: int
    rank: int
    undo: bool = False
    workflow: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """label: the name of the condition that leads from one task to the other."""

    source: str
    to: str
    kind: EdgeKind
    label: str | None = None


@dataclass(frozen=True, slots=True)
class DrawnGraph:
    """nodes: the tasks in the workflow's order, then the gates.
    start: the first node of a routed workflow; None for other workflows.
    """

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    start: str | None = None


def drawn_graph(workflow: Workflow) -> DrawnGraph:
    """The graph of a valid workflow."""
    route = compile_route(workflow, [task.name for task in workflow.tasks])
    return _ordered(workflow.tasks) if route is None else _routed(workflow, route)


def _ordered(tasks: Sequence[Task]) -> DrawnGraph:
    graph = build_graph(tasks)
    layers = list(ranks(graph))
    index_named = {task.name: index for index, task in enumerate(tasks)}
    undone = [(index, index_named[name]) for index, task in enumerate(tasks) for name in task.compensate]
    for index, compensation in undone:
        layers[compensation] = layers[index] + 1
    nodes = [_node(task, layers[index], undo=index in graph.compensations) for index, task in enumerate(tasks)]
    for number, group in enumerate(graph.gates):
        nodes.append(Node(f"g{group}", None, group, layers[graph.task_count + number]))
    edges = [*_order(graph, nodes), *(Edge(nodes[a].id, nodes[b].id, EdgeKind.UNDO) for a, b in undone)]
    return DrawnGraph(nodes, edges)


def _node(task: Task, rank: int, *, undo: bool = False) -> Node:
    return Node(f"t{task.id}", task, task.sequence, rank, undo, called_workflow(task))


def _order(graph: Graph, nodes: Sequence[Node]) -> Iterator[Edge]:
    for node, successors in enumerate(graph.successors):
        for successor in successors:
            yield Edge(nodes[node].id, nodes[successor].id, EdgeKind.ORDER)


def _routed(workflow: Workflow, route: Route) -> DrawnGraph:
    layers = steps_from_start(route)
    nodes = [_node(task, layers.get(index, 0)) for index, task in enumerate(workflow.tasks)]
    labels = {condition.source_task: condition.name for condition in workflow.conditions}
    edges = [
        Edge(nodes[index].id, nodes[target].id, kind, labels.get(task.name))
        for index, task in enumerate(workflow.tasks)
        for target, kind in _turns(route, index)
    ]
    return DrawnGraph(nodes, edges, nodes[route.start].id)


def _turns(route: Route, index: int) -> Iterator[tuple[int, EdgeKind]]:
    """Where the execution continues behind a task; nothing for the end."""
    after_success, after_failure = (route.next_task(index, failed=failed) for failed in (False, True))
    if after_success is not None and after_success == after_failure:
        yield after_success, EdgeKind.ANY
        return
    if after_success is not None:
        yield after_success, EdgeKind.SUCCESS
    if after_failure is not None:
        yield after_failure, EdgeKind.FAILURE
