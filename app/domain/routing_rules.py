"""The rules of `start_task`, `conditions` and `max_visits`, and of the tasks of a workflow that has them."""

from collections.abc import Iterator, Sequence

from app.domain.definitions import MAX_DESCRIPTION, MAX_NAME, OnFailure, TaskDraft, WorkflowDraft, text_problems
from app.domain.errors import Problem
from app.domain.routing import END, Condition, compile_route, reachable

MAX_VISITS = 10_000


def routing_problems(draft: WorkflowDraft, tasks: Sequence[TaskDraft]) -> list[Problem]:
    """Every broken rule. Unreachable tasks are reported only if there is no other problem."""
    if draft.start_task is None:
        return list(_without_start(draft))
    names = [task.name for task in tasks]
    found = list(_own_problems(draft, names))
    for index, task in enumerate(tasks):
        found += _task_problems(f"tasks[{index}]", task)
    first_of: dict[str, int] = {}
    for index, condition in enumerate(draft.conditions):
        found += _condition_problems(f"conditions[{index}]", condition, names)
        if (first := first_of.setdefault(condition.source_task, index)) != index:
            message = f"{condition.source_task!r} is already the source of conditions[{first}]"
            found.append(Problem(f"conditions[{index}].source_task", message))
    return found or list(_unreachable(draft, names))


def _without_start(draft: WorkflowDraft) -> Iterator[Problem]:
    if draft.conditions:
        yield Problem("conditions", "need a `start_task`: without one, groups say what comes next")
    if draft.max_visits is not None:
        yield Problem("max_visits", "needs a `start_task`: without one, every task runs once")


def _own_problems(draft: WorkflowDraft, names: Sequence[str]) -> Iterator[Problem]:
    if draft.start_task not in names:
        yield Problem("start_task", f"no task of this workflow is named {draft.start_task!r}")
    if draft.max_visits is not None and not 1 <= draft.max_visits <= MAX_VISITS:
        yield Problem("max_visits", f"must be from 1 to {MAX_VISITS}")


def _task_problems(path: str, task: TaskDraft) -> Iterator[Problem]:
    if task.name == END:
        yield Problem(f"{path}.name", f"must not be {END!r}: as a target that ends the execution")
    if task.depends_on is not None:
        yield Problem(f"{path}.depends_on", "must not be given beside `start_task`: the conditions say what comes next")
    if task.on_failure is not OnFailure.FAIL:
        yield Problem(f"{path}.on_failure", "must be fail beside `start_task`: the conditions say what a failure means")
    if task.compensate:
        yield Problem(f"{path}.compensate", "must be empty beside `start_task`: let a condition lead to what undoes it")


def _condition_problems(path: str, condition: Condition, names: Sequence[str]) -> Iterator[Problem]:
    yield from text_problems(f"{path}.name", condition.name, MAX_NAME, required=True)
    yield from text_problems(f"{path}.description", condition.description, MAX_DESCRIPTION)
    if condition.source_task not in names:
        yield Problem(f"{path}.source_task", f"no task of this workflow is named {condition.source_task!r}")
    for field in ("target_task_success", "target_task_failure"):
        target = getattr(condition, field)
        if target != END and target not in names:
            yield Problem(f"{path}.{field}", f"no task of this workflow is named {target!r}; {END!r} ends it")


def _unreachable(draft: WorkflowDraft, names: Sequence[str]) -> Iterator[Problem]:
    route = compile_route(draft, names)
    reached = frozenset[int]() if route is None else reachable(route)
    for index, name in enumerate(names):
        if index not in reached:
            message = f"{name!r} is never reached: nothing leads to it from {draft.start_task!r}"
            yield Problem(f"tasks[{index}].name", message)
