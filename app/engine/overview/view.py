"""An execution with all that has happened to each of its tasks, as of one moment."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from app.engine.overview.outline import Outline
from app.engine.overview.ports import OutlinedEvent, Snapshot
from app.engine.overview.task import TaskOverview

EVENTS_AT_ONCE = 1_000
"""Applying so many takes a few milliseconds."""


@dataclass(frozen=True, slots=True)
class View:
    """last_sequence: the number of the last event that it shows."""

    snapshot: Snapshot
    outline: Outline
    last_sequence: int
    percent: int
    tasks: Sequence[TaskOverview]

    @property
    def done(self) -> int:
        return sum(task.has_passed and not task.task.undo for task in self.tasks)


async def view_of(snapshot: Snapshot, outline: Outline) -> View:
    """Fold the events, with pauses in which everything else runs."""
    tasks = {task.id: TaskOverview(task) for task in outline.tasks.values()}
    for number, event in enumerate(snapshot.events, 1):
        if event.task_id in tasks:
            tasks[event.task_id].apply(event)
        if number % EVENTS_AT_ONCE == 0:
            await asyncio.sleep(0)
    sequence, percent = _end(snapshot.events)
    return View(snapshot, outline, sequence, percent, list(tasks.values()))


def _end(events: Sequence[OutlinedEvent]) -> tuple[int, int]:
    return (events[-1].sequence, events[-1].progress_percent) if events else (0, 0)
