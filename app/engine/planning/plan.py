"""Compiles a revision into the form that the engine runs. All executions of the revision share it."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.contracts.contract import Contract, contract
from app.domain.calls import CALLING_TYPE
from app.domain.definitions import Config, OnFailure, RetryPolicy, Task, Workflow
from app.domain.graph import Graph, build_graph, tasks_before
from app.domain.handlers import ENTITY_STATE
from app.domain.routing import Route, compile_route, unconnected_graph
from app.engine.planning.data_flow import TaskFlow, compile_flow
from app.expressions.compiling import Compiler

NO_RETRY = RetryPolicy()


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task of a plan.

    - index: its position in `Plan.tasks`
    - id: its id in the database
    - name: its name
    - type: its task type; None runs as `log`
    - config: the config that its handler gets, before expressions are evaluated
    - timeout_seconds: how long an attempt may take; None means without limit
    - retry: how often and when a failed attempt is retried
    - may_fail: whether the execution continues when this task has failed
    - compensated_by: the indexes of the tasks that undo this one
    - flow: its compiled expressions
    - output: the schema of its output; None accepts any
    """

    index: int
    id: int
    name: str
    type: str | None
    config: Config
    timeout_seconds: float | None
    retry: RetryPolicy
    may_fail: bool
    compensated_by: tuple[int, ...]
    flow: TaskFlow
    output: Contract | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled revision.

    - workflow_id: the workflow
    - revision: the number of the revision
    - tasks: all tasks, in the order in which they run, as far as it is known
    - graph: the order in which tasks run, by their indexes in `tasks`; it has no edges when there is a `route`
    - index_of: the index of each task, by id
    - index_named: the index of each task, by name
    - first: the tasks that may start when the execution starts
    - last: the tasks that no other task waits for
    - before: bit i of `before[n]` is set when task i must have ended well before task n may start
    - timeout_seconds: how long an execution may take; None means without limit
    - key: the key of the workflow; None when it has none
    - variables: the variables of the workflow
    - secrets: the names of the secrets that the workflow may use
    - input: the schema of the input of executions; None accepts any
    - steps: the number of tasks that are not compensations
    - route: the conditions that choose the next task; None when the graph gives the order
    - calls_workflows: True when a task runs another workflow
    - awaits_entities: True when a task waits for a state of an entity
    - tenant: the key of the tenant, whose secrets and rights its tasks have; empty for none
    """

    workflow_id: int
    revision: int
    tasks: tuple[PlannedTask, ...]
    graph: Graph
    index_of: dict[int, int]
    index_named: dict[str, int]
    first: tuple[int, ...]
    last: tuple[int, ...]
    before: tuple[int, ...]
    timeout_seconds: float | None
    key: str | None
    variables: Config
    secrets: frozenset[str]
    input: Contract | None
    steps: int
    route: Route | None = None
    calls_workflows: bool = False
    awaits_entities: bool = False
    tenant: str = ""

    @property
    def follows_conditions(self) -> bool:
        """True when conditions choose the next task, so that a task may run more than once."""
        return self.route is not None

    def task_name(self, task_id: int | None) -> str | None:
        return None if task_id is None else self.tasks[self.index_of[task_id]].name


def compile_plan(workflow: Workflow, compiler: Compiler | None = None, tenant: str = "") -> Plan:
    """Compile a workflow of a tenant. Raise `Invalid` when its tasks wait for each other in a cycle."""
    route = compile_route(workflow, [task.name for task in workflow.tasks])
    graph = build_graph(workflow.tasks) if route is None else unconnected_graph(len(workflow.tasks))
    index_named = {task.name: index for index, task in enumerate(workflow.tasks)}
    tasks = tuple(_planned(task, index, index_named, compiler) for index, task in enumerate(workflow.tasks))
    steps = [index for index in range(graph.task_count) if index not in graph.compensations]
    unawaiting = tuple(index for index in steps if graph.predecessor_counts[index] == 0)
    return Plan(
        workflow_id=workflow.id,
        revision=workflow.revision,
        tasks=tasks,
        graph=graph,
        index_of={task.id: task.index for task in tasks},
        index_named=index_named,
        first=unawaiting if route is None else (route.start,),
        last=tuple(index for index in steps if not graph.successors[index]),
        before=tasks_before(graph, workflow.tasks),
        timeout_seconds=workflow.timeout_seconds,
        key=workflow.key,
        variables=workflow.variables,
        secrets=frozenset(workflow.secrets),
        input=contract(workflow.input_schema),
        steps=len(steps),
        route=route,
        calls_workflows=any(task.type == CALLING_TYPE for task in workflow.tasks),
        awaits_entities=any(task.type == ENTITY_STATE for task in workflow.tasks),
        tenant=tenant,
    )


def _planned(task: Task, index: int, index_named: Mapping[str, int], compiler: Compiler | None) -> PlannedTask:
    return PlannedTask(
        index=index,
        id=task.id,
        name=task.name,
        type=task.type,
        config=task.effective_config,
        timeout_seconds=task.timeout_seconds,
        retry=task.retry or NO_RETRY,
        may_fail=task.on_failure is OnFailure.CONTINUE,
        compensated_by=tuple(index_named[name] for name in task.compensate),
        flow=compile_flow(task, compiler),
        output=contract(task.output_schema),
    )
