"""Which stored task each task of a new list is: the one whose id it states, or else the one with its name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.definitions.changes import draft_fields, same_task
from app.domain.definitions import Task, TaskDraft, Workflow
from app.domain.errors import Invalid, Problem
from app.domain.stated import NOTHING_STATED, Stated

UNKNOWN_ID = "no task of this workflow has this id; leave it out to add a task"
USED_ID = "an earlier task of this list has this id; leave it out to add a task"
OF_A_NEW_TASK = "the service sets this; leave it out of a new task"


@dataclass(frozen=True, slots=True)
class ReturnedTask(TaskDraft):
    """A task as a caller sends it back after reading it: with some of the fields that only the service sets."""

    stated: Stated = NOTHING_STATED

    @property
    def stated_id(self) -> int | None:
        return self.stated.fixed.get("id")


def matched(current: Workflow, drafts: Sequence[TaskDraft]) -> tuple[Task | TaskDraft, ...]:
    """Each draft of a stored task becomes that task with new contents, so that its id stays. The others are new.

    A task that has not changed is the same object as before. Raise `Invalid` for an id that no stored task has or that
    is stated twice; `Invalid` or `Outdated` as `Stated.checked` does.
    """
    found = _by_id(current, drafts)
    with_id = {task.id for task in found.values()}
    named = {task.name: task for task in current.tasks if task.id not in with_id}
    for position, draft in enumerate(drafts):
        # A repeated name is refused later; until then only its first draft can have the id.
        if position not in found and (stored := named.pop(draft.name, None)) is not None:
            found[position] = stored
    _check_stated(drafts, found)
    return tuple(_onto(found.get(position), draft) for position, draft in enumerate(drafts))


def _by_id(current: Workflow, drafts: Sequence[TaskDraft]) -> dict[int, Task]:
    """The stored tasks whose ids are stated, by the position of the draft."""
    stored = {task.id: task for task in current.tasks}
    remaining, found, problems = dict(stored), dict[int, Task](), list[Problem]()
    for position, draft in enumerate(drafts):
        if not isinstance(draft, ReturnedTask) or (task_id := draft.stated_id) is None:
            continue
        if task_id in remaining:
            found[position] = remaining.pop(task_id)
        else:
            problems.append(Problem(f"tasks[{position}].id", USED_ID if task_id in stored else UNKNOWN_ID))
    if problems:
        raise Invalid(problems)
    return found


def _check_stated(drafts: Sequence[TaskDraft], found: dict[int, Task]) -> None:
    returned = [(position, draft) for position, draft in enumerate(drafts) if isinstance(draft, ReturnedTask)]
    problems: list[Problem] = []
    for position, draft in returned:
        path = f"tasks[{position}]."
        if position in found:
            problems += draft.stated.problems(found[position], path)
        else:
            problems += (Problem(path + name, OF_A_NEW_TASK) for name in draft.stated.names)
    if problems:
        raise Invalid(problems)
    for position, draft in returned:
        draft.stated.check_version(found[position], f"tasks[{position}].")


def _onto(stored: Task | None, draft: TaskDraft) -> Task | TaskDraft:
    if stored is None:
        return draft
    changed = replace(stored, **draft_fields(draft))
    return stored if same_task(changed, stored) else changed
