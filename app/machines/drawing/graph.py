"""A machine as nodes and edges. A wildcard is shown once for each state that it leaves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.machines.machine import ANY, MachineDraft, State, Transition
from app.machines.plan import leaving


@dataclass(frozen=True, slots=True)
class Node:
    """One state.

    depth: how many transitions lead to it at least from the initial state; one more than the deepest if none do.
    """

    state: State
    depth: int


@dataclass(frozen=True, slots=True)
class Edge:
    """One transition from one state.

    is_wildcard: whether it is defined for every state.
    is_timer: whether the timer of its state fires it.
    """

    source: str
    target: str
    name: str
    conditions: Sequence[str]
    is_wildcard: bool
    is_timer: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """nodes: in the order of the definition. edges: by their sources, in that order."""

    nodes: Sequence[Node]
    edges: Sequence[Edge]


def graph_of(machine: MachineDraft) -> Graph:
    edges = [edge for state in machine.states for edge in _leaving(machine, state)]
    depths = _depths(machine, edges)
    deepest = max(depths.values(), default=0)
    nodes = [Node(state, depths.get(state.name, deepest + 1)) for state in machine.states]
    return Graph(nodes, edges)


def graph_document(graph: Graph) -> dict[str, Any]:
    return {
        "states": [
            {
                "name": node.state.name,
                "initial": node.state.initial,
                "final": node.state.final,
                "depth": node.depth,
                "metadata": dict(node.state.metadata),
            }
            for node in graph.nodes
        ],
        "transitions": [
            {
                "from": edge.source,
                "to": edge.target,
                "name": edge.name,
                "conditions": list(edge.conditions),
                "wildcard": edge.is_wildcard,
                "timer": edge.is_timer,
            }
            for edge in graph.edges
        ],
    }


def _leaving(machine: MachineDraft, state: State) -> Iterator[Edge]:
    for one in leaving(machine.transitions, state):
        yield Edge(state.name, one.target, one.name, list(one.conditions), one.source == ANY, _is_timer(state, one))


def _is_timer(state: State, one: Transition) -> bool:
    timer = state.after
    return timer is not None and (one.name == timer.transition or one.target == timer.to)


def _depths(machine: MachineDraft, edges: Sequence[Edge]) -> dict[str, int]:
    targets: dict[str, list[str]] = {}
    for edge in edges:
        targets.setdefault(edge.source, []).append(edge.target)
    depths = {state.name: 0 for state in machine.states if state.initial}
    waiting = list(depths)
    for name in waiting:  # grows while it is read: breadth first
        for target in targets.get(name, ()):
            if target not in depths:
                depths[target] = depths[name] + 1
                waiting.append(target)
    return depths
