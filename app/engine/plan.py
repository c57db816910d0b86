"""A revision made ready to run: compiled once, shared by all its executions."""

from collections import OrderedDict
from dataclasses import dataclass

from app.domain.definitions import Config, RetryPolicy, Workflow
from app.domain.graph import Graph, build_graph
from app.engine.ports import DefinitionReader

NO_RETRY = RetryPolicy()


@dataclass(frozen=True, slots=True)
class PlannedTask:
    index: int
    id: int
    name: str
    type: str | None
    config: Config
    timeout_seconds: float | None
    retry: RetryPolicy


@dataclass(frozen=True, slots=True)
class Plan:
    """`graph` numbers the tasks as `tasks` does. `last` are the tasks that no other task waits for.

    Bit i of `before[n]` is set when task i must have completed before task n may start.
    """

    workflow_id: int
    revision: int
    tasks: tuple[PlannedTask, ...]
    graph: Graph
    index_of: dict[int, int]
    index_named: dict[str, int]
    last: tuple[int, ...]
    before: tuple[int, ...]

    def task_name(self, task_id: int | None) -> str | None:
        return None if task_id is None else self.tasks[self.index_of[task_id]].name


def compile_plan(workflow: Workflow) -> Plan:
    """Raise `Invalid` when the tasks' order has a cycle."""
    tasks = tuple(
        PlannedTask(index, task.id, task.name, task.type, task.config, task.timeout_seconds, task.retry or NO_RETRY)
        for index, task in enumerate(workflow.tasks)
    )
    graph = build_graph(workflow.tasks)
    return Plan(
        workflow_id=workflow.id,
        revision=workflow.revision,
        tasks=tasks,
        graph=graph,
        index_of={task.id: task.index for task in tasks},
        index_named={task.name: task.index for task in tasks},
        last=tuple(index for index in range(graph.task_count) if not graph.successors[index]),
        before=_before(graph),
    )


def _before(graph: Graph) -> tuple[int, ...]:
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
    return tuple(masks[: graph.task_count])


class Plans:
    """Compiled plans by (workflow id, revision), the most recently used `limit` of them. Revisions never change."""

    def __init__(self, definitions: DefinitionReader, limit: int = 1_000) -> None:
        self._definitions = definitions
        self._limit = limit
        self._plans: OrderedDict[tuple[int, int], Plan] = OrderedDict()

    async def get(self, workflow_id: int, revision: int) -> Plan | None:
        """None when the revision is not stored."""
        key = (workflow_id, revision)
        if (plan := self._plans.get(key)) is not None:
            self._plans.move_to_end(key)
            return plan
        workflow = await self._definitions.revision(workflow_id, revision)
        return None if workflow is None else self._keep(key, compile_plan(workflow))

    def _keep(self, key: tuple[int, int], plan: Plan) -> Plan:
        self._plans[key] = plan
        if len(self._plans) > self._limit:
            self._plans.popitem(last=False)
        return plan
