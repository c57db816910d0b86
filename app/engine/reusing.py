"""Which results of an ended execution its repetition can reuse on another revision of the workflow. Pure.

A result belongs to what the task was given. So the revision must have a task of that name, with the same type, config
and expressions, the same values of the variables that these use, and the same tasks before it, whose outputs it may
have read. How a task is retried, timed or undone does not change its result.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from app.domain.errors import Invalid, Problem
from app.domain.json_values import same_json
from app.domain.states import TaskStatus
from app.engine.deciding.state import ExecutionState
from app.engine.planning.plan import Plan, PlannedTask
from app.expressions.expression import Expression

FIELD = "revision"
_ADVICE = "rerun the execution on this revision from one of these tasks, or from one before them, or start a new one"


ProblemsOf = Callable[[PlannedTask, str | None], Sequence[Problem]]
"""Where an output, as JSON text, breaks the output schema of a task."""


def any_output(task: PlannedTask, output: str | None) -> Sequence[Problem]:
    return ()


def reused_on(
    plan: Plan,
    origin: ExecutionState,
    taken: Iterable[int],
    from_index: int | None,
    problems_of: ProblemsOf = any_output,
) -> Mapping[int, int]:
    """The tasks of the origin whose results are reused, by their indexes there, and their indexes in `plan`.

    plan: the plan of the other revision.
    taken: the tasks that a repetition on the origin's own revision would reuse.
    from_index: the task of `plan` from which on everything runs again; None if everything that is missing runs.
    problems_of: called with each task that has an output schema, and its output.

    Raise `Invalid` with a problem for each task whose result cannot be reused, and for each difference.
    """
    reused, problems = dict[int, int](), list[Problem]()
    for index in sorted(taken):
        task = origin.plan.tasks[index]
        new = plan.index_named.get(task.name)
        if new is not None and from_index is not None and (new == from_index or plan.before[new] >> from_index & 1):
            continue
        reasons = list(_reasons(plan, origin, index, new, problems_of))
        problems += [Problem(FIELD, f"the result of task {task.name!r} cannot be reused: {why}") for why in reasons]
        if new is not None:
            reused[index] = new
    if problems:
        raise Invalid([*problems, Problem(FIELD, _ADVICE)])
    return reused


def _reasons(plan: Plan, origin: ExecutionState, index: int, new: int | None, problems_of: ProblemsOf) -> Iterator[str]:
    """Why the result of the origin's task `index` cannot be that of the task `new` of `plan`."""
    where = f"revision {plan.revision}"
    if new is None:
        yield f"{where} has no task of this name"
        return
    if new in plan.graph.compensations:
        yield f"in {where} it undoes another task"
        return
    before, after = origin.plan.tasks[index], plan.tasks[new]
    if changed := list(_changed(origin.plan, before, plan, after)):
        yield f"in {where} its {', '.join(changed)} {'is' if len(changed) == 1 else 'are'} different"
    yield from _order(origin.plan, index, plan, new)
    status = origin.tasks[index].status
    if status is TaskStatus.FAILED and not after.may_fail:
        yield f"it failed, and {where} does not continue after that"
    if status is TaskStatus.COMPLETED and after.output is not None:
        for problem in problems_of(after, origin.tasks[index].output):
            yield f"in {where} it breaks output_schema: {problem.path}: {problem.message}"


def _changed(old_plan: Plan, old: PlannedTask, new_plan: Plan, new: PlannedTask) -> Iterator[str]:
    """The names of the fields and variables that differ."""
    if old.type != new.type:
        yield "type"
    yield from (f"config.{name}" for name in _different(old.config, new.config))
    if _source(old.flow.when) != _source(new.flow.when):
        yield "when"
    if _source(old.flow.for_each) != _source(new.flow.for_each):
        yield "for_each"
    used = old.flow.variables | new.flow.variables
    yield from (f"vars.{name}" for name in _different(old_plan.variables, new_plan.variables) if name in used)


def _source(expression: Expression | None) -> str | None:
    return None if expression is None else expression.source


def _different(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    """The keys whose JSON values differ, and those that only one of the two has."""
    missing = object()
    for name in dict.fromkeys((*old, *new)):
        one, other = old.get(name, missing), new.get(name, missing)
        if one is missing or other is missing or not same_json(one, other):
            yield name


def _order(old_plan: Plan, index: int, new_plan: Plan, new: int) -> Iterator[str]:
    old_names, new_names = _names_before(old_plan, index), _names_before(new_plan, new)
    if added := sorted(new_names - old_names):
        yield f"in revision {new_plan.revision} it runs after {', '.join(map(repr, added))}, too"
    if removed := sorted(old_names - new_names):
        yield f"in revision {new_plan.revision} it does not run after {', '.join(map(repr, removed))} any more"


def _names_before(plan: Plan, index: int) -> set[str]:
    return {task.name for task in plan.tasks if plan.before[index] >> task.index & 1}
