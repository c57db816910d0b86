"""The rule of task names: an expression must be able to name each task, `tasks['any name']`."""

from collections.abc import Container, Iterator, Sequence

from app.domain.definitions import TaskDraft
from app.domain.errors import Problem

BACKSLASH, LINE_BREAK = "\\", "\n"


def name_problems(tasks: Sequence[TaskDraft], known: Container[str]) -> Iterator[Problem]:
    """A problem for each name that cannot be used, except `known`: the names in the stored workflow."""
    for index, task in enumerate(tasks):
        if task.name not in known and (wrong := _wrong(task.name)) is not None:
            what, instead = wrong
            message = f"must not contain {what}: no expression could name the task, as in tasks['NAME']; {instead}"
            yield Problem(f"tasks[{index}].name", message)


def _wrong(name: str) -> tuple[str, str] | None:
    """What the name must not contain, and what to do instead; None if the name can be used."""
    if BACKSLASH in name:
        return f"a backslash (character {name.index(BACKSLASH) + 1})", "leave it out or use /"
    if LINE_BREAK in name:
        return f"a line break (character {name.index(LINE_BREAK) + 1})", "use a space"
    if "'" in name and '"' in name:
        return "both ' and \"", "use one kind of quotes"
    return None
