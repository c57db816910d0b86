"""Which tasks undo which: the rules of `compensate`.

A task that another task names in `compensate` is a compensation. It belongs to no group, no task waits for it, and it
runs only if the execution fails or is cancelled after the task that it undoes has completed.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from app.domain.errors import Problem


class CompensatedTask(Protocol):
    """What the rules need of a task; `TaskDraft` and `Task` satisfy it."""

    @property
    def name(self) -> str: ...
    @property
    def depends_on(self) -> tuple[str, ...] | None: ...
    @property
    def compensate(self) -> tuple[str, ...]: ...


def compensation_names(tasks: Sequence[CompensatedTask]) -> frozenset[str]:
    """The names of the tasks that are compensations."""
    return frozenset(name for task in tasks for name in task.compensate)


def compensation_problems(tasks: Sequence[CompensatedTask]) -> list[Problem]:
    """Every problem of the names in `compensate`, and of the tasks that they name."""
    names = {task.name for task in tasks}
    undone_by: dict[str, str] = {}
    found = []
    for index, task in enumerate(tasks):
        for position, name in enumerate(task.compensate):
            message = _wrong_name(name, task.name, names, undone_by)
            if message:
                found.append(Problem(f"tasks[{index}].compensate[{position}]", message))
            else:
                undone_by[name] = task.name
    for index, task in enumerate(tasks):
        found += _order_problems(f"tasks[{index}]", task, undone_by)
    return found


def _wrong_name(name: str, own: str, names: set[str], undone_by: dict[str, str]) -> str | None:
    if name == own:
        return "a task cannot undo itself"
    if name not in names:
        return f"no task of this workflow is named {name!r}"
    if name in undone_by:
        return f"{name!r} is listed twice" if undone_by[name] == own else f"{name!r} undoes {undone_by[name]!r} already"
    return None


def _order_problems(path: str, task: CompensatedTask, undone_by: dict[str, str]) -> Iterator[Problem]:
    if task.name in undone_by and task.depends_on is not None:
        yield Problem(f"{path}.depends_on", f"must not be given: the task undoes {undone_by[task.name]!r}")
    if task.name in undone_by and task.compensate:
        yield Problem(f"{path}.compensate", f"must be empty: the task undoes {undone_by[task.name]!r}")
    for position, name in enumerate(task.depends_on or ()):
        if name in undone_by:
            yield Problem(
                f"{path}.depends_on[{position}]", f"{name!r} undoes {undone_by[name]!r} and is no step to wait for"
            )
