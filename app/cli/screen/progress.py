"""The state of an execution that a terminal shows, folded from its entries."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.client.entries import TASK_FINAL, Entry
from app.domain.waiting import Awaited

_LEAST_INTERESTING = {"pending": 1, "completed": 2, "cancelled": 2, "skipped": 2}


@dataclass(slots=True)
class TaskProgress:
    """One task's line. `seconds` counts from its first attempt and includes waits between attempts."""

    name: str
    status: str = "pending"
    attempt: int = 0
    message: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    waits_for: Awaited | None = None

    def seconds(self, now: datetime) -> float | None:
        return _between(self.started_at, self.ended_at or now)

    def take(self, entry: Entry) -> None:
        began = entry.task_status == "running" and (entry.attempt, "running") != (self.attempt, self.status)
        if began and self.started_at is None:
            self.started_at = entry.occurred_at
        if entry.task_status in TASK_FINAL:
            self.ended_at = entry.occurred_at
        self.message, self.waits_for = self._told_by(entry, began), entry.waits_for
        self.status, self.attempt = entry.task_status or self.status, entry.attempt

    def _told_by(self, entry: Entry, began: bool) -> str:
        """The reason of a failure, or the newest progress report. Start and end are shown by the glyph."""
        if entry.error is not None:
            return entry.error.message
        if entry.task_status == "running":
            return "" if began else entry.message
        return self.message


@dataclass(slots=True)
class Progress:
    """The execution after its newest entry.

    tasks: by id; the expected ones in the order of the definition, then others in the order of their start.
    """

    execution_id: str = ""
    workflow_id: str = ""
    status: str = ""
    percent: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    message: str = ""
    output: str | None = None
    tasks: dict[str, TaskProgress] = field(default_factory=dict)

    def expect(self, tasks: Sequence[tuple[str, str]]) -> None:
        """`tasks` are the ids and names of the tasks that may run."""
        self.tasks = {task_id: TaskProgress(name) for task_id, name in tasks} | self.tasks

    def take(self, entry: Entry) -> None:
        self.execution_id, self.workflow_id = entry.execution_id, entry.workflow_id
        self.status, self.percent = entry.status, entry.progress_percent
        if self.started_at is None:
            self.started_at = entry.occurred_at
        if entry.task_id is not None:
            name = entry.task_name or entry.task_id
            self.tasks.setdefault(entry.task_id, TaskProgress(name)).take(entry)
        else:
            self.message = entry.message
        if entry.is_final:
            self.ended_at, self.output = entry.occurred_at, entry.output

    def seconds(self, now: datetime) -> float | None:
        return _between(self.started_at, self.ended_at or now)


def lines_that_fit(tasks: Sequence[TaskProgress], room: int) -> tuple[list[TaskProgress], str]:
    """At most `room` tasks in their order, and a sentence about the others.

    Running and failed tasks are preferred, then those that come next, then those that have ended last.
    """
    if len(tasks) <= room:
        return list(tasks), ""
    ranked = sorted(range(len(tasks)), key=lambda index: _rank(tasks[index], index))
    kept = set(ranked[: max(room - 1, 1)])
    hidden = Counter(task.status for index, task in enumerate(tasks) if index not in kept)
    counts = ", ".join(f"{count} {status}" for status, count in hidden.items())
    return [tasks[index] for index in sorted(kept)], f"and {hidden.total()} more: {counts}"


def _rank(task: TaskProgress, index: int) -> tuple[int, int]:
    return _LEAST_INTERESTING.get(task.status, 0), index if task.status == "pending" else -index


def duration(seconds: float | None) -> str:
    """`0.4 s`, `1:05`, `2:03:04`; empty for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _between(start: datetime | None, end: datetime) -> float | None:
    # The clocks of the service and of this machine may differ, so the value can be negative.
    return None if start is None else max((end - start).total_seconds(), 0.0)
