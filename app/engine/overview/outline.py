"""What an overview needs to know of a revision: names, order, and what counts as done. Nothing is compiled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.definitions import OnFailure


@dataclass(frozen=True, slots=True)
class OutlinedTask:
    """undo: whether it is a compensation. may_fail: whether the execution continues when it has failed."""

    id: int
    name: str
    undo: bool
    may_fail: bool
    for_each: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """A revision.

    tasks: by id, in the order in which they run.
    undo: the ids of the compensations.
    may_fail: the ids of the tasks that may fail.
    """

    name: str
    key: str | None
    tasks: Mapping[int, OutlinedTask]
    undo: Sequence[int]
    may_fail: Sequence[int]

    @property
    def steps(self) -> int:
        """How many tasks are not compensations."""
        return len(self.tasks) - len(self.undo)

    def name_of(self, task_id: int) -> str | None:
        task = self.tasks.get(task_id)
        return None if task is None else task.name


def outline_of(document: Mapping[str, Any]) -> Outline:
    """The outline of a snapshot, which may lack newer fields."""
    tasks = document["tasks"]
    undoing = {name for task in tasks for name in task.get("compensate", ())}
    outlined = [
        OutlinedTask(
            task["id"],
            task["name"],
            task["name"] in undoing,
            task.get("on_failure") == OnFailure.CONTINUE,
            task.get("for_each") is not None,
        )
        for task in tasks
    ]
    return Outline(
        document["name"],
        document.get("key"),
        {task.id: task for task in outlined},
        [task.id for task in outlined if task.undo],
        [task.id for task in outlined if task.may_fail],
    )


UNKNOWN = Outline("", None, {}, (), ())
"""That of a revision that is not stored."""
