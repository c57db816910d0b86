"""Makes samples of stored histories."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from app.domain.events import EventType
from app.domain.states import ExecutionStatus
from app.insights.samples import Attempt, Element, Execution, Outcome, TaskRun

LOST = "engine_lost"

ENDS = {
    EventType.TASK_COMPLETED: Outcome.COMPLETED,
    EventType.TASK_FAILED: Outcome.FAILED,
    EventType.TASK_CANCELLED: Outcome.CANCELLED,
}
READ = (
    EventType.TASK_STARTED,
    EventType.TASK_ITEM_COMPLETED,
    EventType.TASK_RETRYING,
    *ENDS,
    EventType.TASK_SKIPPED,
    EventType.TASK_REUSED,
    EventType.EXECUTION_PAUSED,
)
"""The types of events that are read."""


class StoredExecution(NamedTuple):
    """The row of an execution; times in seconds since 1970."""

    id: UUID
    revision: int
    status: ExecutionStatus
    created_at: float
    started_at: float | None
    finished_at: float | None
    origin_id: UUID | None
    input: str


class StoredEvent(NamedTuple):
    """What is read of an event.

    code, message: of a failure.
    size: the length of an output.
    place, places: of an element, and how many there are.
    """

    execution_id: UUID
    type: EventType
    at: float
    task_id: int | None
    attempt: int
    code: str | None = None
    message: str | None = None
    size: int = 0
    place: int | None = None
    places: int | None = None


@dataclass(slots=True)
class _Run:
    """A task run that is being read."""

    attempts: list[Attempt] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    count: int = 0
    started: tuple[int, float] | None = None

    def end_attempt(self, event: StoredEvent, outcome: Outcome) -> None:
        if self.started is not None:
            number, at = self.started
            told = (event.code or "", event.message or "") if outcome is Outcome.FAILED else ("", "")
            self.attempts.append(Attempt(number, at, max(event.at - at, 0.0), outcome, *told))
            self.started = None

    def done(self, outcome: Outcome, ended_at: float | None, size: int = 0) -> TaskRun:
        return TaskRun(tuple(self.attempts), outcome, ended_at, size, tuple(self.elements), self.count)


class _Folding:
    """Takes the events of one execution, in their order."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._open: dict[int, _Run] = {}
        self.runs: defaultdict[int, list[TaskRun]] = defaultdict(list)
        self.reused: set[int] = set()
        self.was_paused = False

    def take(self, event: StoredEvent) -> None:
        if event.task_id is None:
            self.was_paused |= event.type is EventType.EXECUTION_PAUSED
            return
        if event.type is EventType.TASK_REUSED:
            self.reused.add(event.task_id)
            return
        self._take_of_task(event, event.task_id)

    def _take_of_task(self, event: StoredEvent, task_id: int) -> None:
        run = self._open.setdefault(task_id, _Run())
        if event.type is EventType.TASK_STARTED:
            run.started = event.attempt, event.at
        elif event.type is EventType.TASK_ITEM_COMPLETED:
            run.count = event.places or run.count
            run.elements.append(Element(event.place or 0, event.at))
        elif event.type is EventType.TASK_RETRYING:
            run.end_attempt(event, Outcome.LOST if event.code == LOST else Outcome.FAILED)
        else:
            self._end(event, task_id, run)

    def _end(self, event: StoredEvent, task_id: int, run: _Run) -> None:
        outcome = ENDS.get(event.type, Outcome.CANCELLED)
        if outcome is Outcome.FAILED and event.code == LOST:
            outcome = Outcome.LOST
        run.end_attempt(event, outcome)
        self.runs[task_id].append(run.done(outcome, event.at, event.size))
        del self._open[task_id]

    def finish(self) -> None:
        """What has not ended runs, or waits for its next attempt."""
        for task_id, run in self._open.items():
            if run.started is not None:
                number, at = run.started
                run.attempts.append(Attempt(number, at, max(self._now - at, 0.0), Outcome.OPEN))
            self.runs[task_id].append(run.done(Outcome.OPEN, None))


def fold(rows: Iterable[StoredExecution], events: Iterable[StoredEvent], now: float) -> Sequence[Execution]:
    """The executions of `rows`, in the order of their ids. `events` are those of each, in their order."""
    foldings: defaultdict[UUID, _Folding] = defaultdict(lambda: _Folding(now))
    for event in events:
        foldings[event.execution_id].take(event)
    return [_execution(row, foldings[row.id]) for row in sorted(rows, key=lambda row: row.id.int)]


def _execution(row: StoredExecution, folding: _Folding) -> Execution:
    folding.finish()
    return Execution(
        id=row.id,
        revision=row.revision,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        completed=row.status == ExecutionStatus.COMPLETED,
        origin_id=row.origin_id,
        input=row.input,
        runs=dict(folding.runs),
        reused=frozenset(folding.reused),
        was_paused=folding.was_paused,
    )
