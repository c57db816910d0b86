"""A revision as nodes and edges: it shows the order in which tasks run, and nothing else."""

from datetime import UTC, datetime

from app.domain.definitions import ExecutionType, Task, Workflow
from app.domain.drawn_graph import DrawnGraph, drawn_graph
from app.domain.graph import build_graph, tasks_before
from app.domain.routing import Condition, RouteOutcome

SYNC, ASYNC = ExecutionType.SYNC, ExecutionType.ASYNC
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def workflow(*tasks: Task, start: str | None = None, conditions: tuple[Condition, ...] = ()) -> Workflow:
    return Workflow(7, "k", "n", None, 1, tasks, NOW, NOW, start_task=start, conditions=conditions)


def task(number: int, kind: ExecutionType = SYNC, group: int = 0, **more) -> Task:
    return Task(f"task {number}", kind, sequence=group, id=number, **more)


def edges(graph: DrawnGraph) -> set[tuple[str, str, str, str | None]]:
    return {(edge.source, edge.to, edge.kind.value, edge.label) for edge in graph.edges}


def ranks(graph: DrawnGraph) -> dict[str, int]:
    return {node.id: node.rank for node in graph.nodes}


def before(graph: DrawnGraph) -> dict[str, set[str]]:
    """What each node comes after, as the edges of the order say it."""
    found: dict[str, set[str]] = {node.id: set() for node in graph.nodes}
    for _ in graph.nodes:
        for edge in graph.edges:
            if edge.kind == "order":
                found[edge.to] |= found[edge.source] | {edge.source}
    return found


def test_a_chain_has_no_gates_and_one_layer_for_each_task():
    graph = drawn_graph(workflow(task(1), task(2), task(3, group=5)))
    assert edges(graph) == {("t1", "t2", "order", None), ("t2", "t3", "order", None)}
    assert ranks(graph) == {"t1": 0, "t2": 1, "t3": 2}
    assert [node.group for node in graph.nodes] == [0, 0, 5]
    assert graph.start is None


def test_a_group_that_waits_for_a_group_waits_for_one_gate():
    tasks = [*(task(n, ASYNC, 1) for n in range(1, 501)), *(task(n, ASYNC, 2) for n in range(501, 1001))]
    graph = drawn_graph(workflow(*tasks))
    assert len(graph.edges) == 1_000
    gate = graph.nodes[-1]
    assert (gate.id, gate.task, gate.group, gate.rank) == ("g2", None, 2, 1)
    assert {node.rank for node in graph.nodes[:500]} == {0}
    assert {node.rank for node in graph.nodes[500:1_000]} == {2}


def test_a_compensation_stands_behind_the_task_that_it_undoes():
    tasks = (task(1), task(2, compensate=("task 3",)), task(3, group=9), task(4, group=1))
    graph = drawn_graph(workflow(*tasks))
    assert edges(graph) == {("t1", "t2", "order", None), ("t2", "t4", "order", None), ("t2", "t3", "undo", None)}
    assert {node.id: node.undo for node in graph.nodes} == {"t1": False, "t2": False, "t3": True, "t4": False}
    assert ranks(graph)["t3"] == 2


def test_the_edges_are_what_the_engine_waits_for():
    tasks = (
        task(1, ASYNC),
        task(2, ASYNC),
        task(3, group=1, depends_on=("task 1",)),
        task(4, ASYNC, group=2),
        task(5, ASYNC, group=2, depends_on=()),
        task(6, group=3),
    )
    graph, masks = drawn_graph(workflow(*tasks)), tasks_before(build_graph(tasks), tasks)
    seen = before(graph)
    for index, one in enumerate(tasks):
        waits_for = {f"t{other.id}" for place, other in enumerate(tasks) if masks[index] >> place & 1}
        assert {name for name in seen[f"t{one.id}"] if name.startswith("t")} == waits_for
    by_rank = ranks(graph)
    assert all(by_rank[edge.source] < by_rank[edge.to] for edge in graph.edges)
    assert [node.id for node in graph.nodes if node.task is None] == ["g2", "g3"]


def test_conditions_are_labels_of_edges_and_the_end_is_none():
    tasks = (task(1), task(2), task(3))
    conditions = (
        Condition("paid?", "task 1", RouteOutcome.SUCCESS, "task 2", "task 3"),
        Condition("again", "task 2", RouteOutcome.ANY, "task 1"),
        Condition("failed?", "task 3", RouteOutcome.FAILURE, "task 1", "end"),
    )
    graph = drawn_graph(workflow(*tasks, start="task 1", conditions=conditions))
    assert edges(graph) == {
        ("t1", "t2", "success", "paid?"),
        ("t1", "t3", "failure", "paid?"),
        ("t2", "t1", "any", "again"),
        ("t3", "t1", "failure", "failed?"),
    }
    assert (graph.start, ranks(graph)) == ("t1", {"t1": 0, "t2": 1, "t3": 1})


def test_a_child_is_named_unless_an_expression_names_it():
    calls = task(1, type="workflow", config={"workflow": "ship"})
    unknown = task(2, type="workflow", config={"workflow": "${input.which}"})
    graph = drawn_graph(workflow(calls, unknown, task(3, config={"workflow": "no child"})))
    assert [node.workflow for node in graph.nodes] == ["ship", None, None]


def test_a_workflow_without_tasks_has_an_empty_graph():
    assert drawn_graph(workflow()) == DrawnGraph([], [])
