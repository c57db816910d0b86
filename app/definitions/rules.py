"""Checks whether a new or changed workflow can be stored; problems have the paths of the request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from app.contracts.json_schemas import too_heavy, weight_of_patterns
from app.definitions.changes import workflow_fields
from app.definitions.expression_rules import excess_of_expressions, expression_problems
from app.definitions.name_rules import name_problems
from app.definitions.ports import TaskTypes, WorkflowEdit
from app.definitions.preparing import Prepared
from app.domain.definitions import Config, TaskDraft, Workflow, WorkflowDraft, workflow_problems
from app.domain.errors import Invalid, Problem
from app.domain.graph import build_graph
from app.domain.routing_rules import routing_problems

MAX_SCHEMA_BYTES = 524_288
"""The most bytes of all schemas of a definition. Compiling takes 0.1 to 0.3 µs per byte, twice."""

MAX_PATTERN_WEIGHT = 300_000
"""The largest weight of the patterns of all its schemas, see `pattern_weight`. Compiling them takes about 100 ms."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of the domain and of the task types, and the limit of tasks per workflow."""

    task_types: TaskTypes
    max_tasks: int

    def check_new(self, draft: WorkflowDraft, prepared: Prepared | None = None, tenant: str = "") -> None:
        """Raise `Invalid` with every problem, and `Unprepared`; without `prepared` everything is compiled at once.

        tenant: the key of the tenant that saves it; empty for none, which has no rights.
        """
        tasks = draft.tasks or ()
        self._check_count(len(tasks), 0)

        def config_problems(task: TaskDraft, path: str) -> list[Problem]:
            return self.task_types.config_problems(task, path, tenant)

        _check_whole(draft, tasks, _Before(), config_problems, prepared or Prepared())

    def check(self, current: Workflow, edit: WorkflowEdit, prepared: Prepared | None = None, tenant: str = "") -> None:
        """As `check_new`.

        Configs and expressions of unchanged tasks are not checked again, nor are stored names, so that a rule that has
        become stricter does not prevent an unrelated change.
        """
        self._check_count(len(edit.tasks), len(current.tasks))
        before = _Before.of(current)

        def config_problems(task: TaskDraft, path: str) -> list[Problem]:
            return [] if before.has(task) else self.task_types.config_problems(task, path, tenant)

        draft = WorkflowDraft(**workflow_fields(edit))
        _check_whole(draft, edit.tasks, before, config_problems, prepared or Prepared())

    def _check_count(self, count: int, before: int) -> None:
        # A workflow that is over a lowered limit can still be changed and reduced.
        if count > max(self.max_tasks, before):
            raise Invalid.at("tasks", f"would be {count}; the limit is {self.max_tasks}")


@dataclass(frozen=True, slots=True)
class _Before:
    """The stored tasks.

    names: their names.
    tasks: the ids of their objects. An edit that leaves a task unchanged contains the same object.
    """

    names: frozenset[str] = frozenset()
    tasks: frozenset[int] = frozenset()

    @classmethod
    def of(cls, current: Workflow) -> "_Before":
        return cls(frozenset(task.name for task in current.tasks), frozenset(map(id, current.tasks)))

    def has(self, task: TaskDraft) -> bool:
        return id(task) in self.tasks


def _check_whole(
    draft: WorkflowDraft,
    tasks: Sequence[TaskDraft],
    before: _Before,
    config_problems: Callable[[TaskDraft, str], list[Problem]],
    prepared: Prepared,
) -> None:
    """Raise `Invalid` with every problem. Cycles are searched for only if there is no other problem."""
    found = workflow_problems(draft, tasks, config_problems)
    found += name_problems(tasks, before.names)
    found += _problems_of_compiled(draft, tasks, before, prepared)
    found += routing_problems(draft, tasks)
    if found:
        raise Invalid(found)
    build_graph(tasks)


def _problems_of_compiled(
    draft: WorkflowDraft, tasks: Sequence[TaskDraft], before: _Before, prepared: Prepared
) -> list[Problem]:
    """Every problem of the expressions, and of the schemas. Nothing is compiled of what there is too much of."""
    stated = [("input_schema", draft.input_schema)]
    stated += [(f"tasks[{index}].output_schema", task.output_schema) for index, task in enumerate(tasks)]
    schemas = [(path, schema) for path, schema in stated if schema is not None]
    if too_much := excess_of_expressions(tasks):
        return [Problem("tasks", too_much)]
    if too_much := _excess_of_schemas([schema for _, schema in schemas]):
        return [Problem("", too_much)]
    prepared.demand(tasks, schemas)
    found = expression_problems(draft, tasks, before.has, prepared.expressions)
    return [*found, *(problem for path, schema in schemas for problem in prepared.problems_of(schema, path))]


def _excess_of_schemas(schemas: Sequence[Config]) -> str | None:
    """What there is too much of in all schemas together, counted before anything is compiled."""
    if (size := sum(len(orjson.dumps(schema)) for schema in schemas)) > MAX_SCHEMA_BYTES:
        return f"its schemas have {size} bytes together; the limit is {MAX_SCHEMA_BYTES}"
    if (weight := sum(map(weight_of_patterns, schemas))) > MAX_PATTERN_WEIGHT:
        return f"its schemas together: {too_heavy(weight, MAX_PATTERN_WEIGHT)}"
    return None
