"""What rules look at: executions as plain values. Times are seconds since 1970, lengths of time are seconds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from uuid import UUID

from app.domain.definitions import Task, Workflow

DAY = 86_400.0


class Outcome(Enum):
    """How an attempt ended. LOST: with its engine, so it does not count. OPEN: not yet."""

    COMPLETED = auto()
    FAILED = auto()
    CANCELLED = auto()
    LOST = auto()
    OPEN = auto()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a task.

    number: from 1.
    at: when it started.
    seconds: how long it took, or how long it has run until now.
    code, message: why it failed; empty if it has not.
    """

    number: int
    at: float
    seconds: float
    outcome: Outcome
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a `for_each` task.

    index: its place in the list.
    ended_at: when it was completed.
    """

    index: int
    ended_at: float


@dataclass(frozen=True, slots=True)
class TaskRun:
    """What one execution has done of a task. A task that conditions lead to again has one for each visit.

    attempts: in their order; none for a task that was skipped.
    outcome: that of the last attempt; CANCELLED also for a task that was skipped.
    ended_at: when it ended; None if it has not.
    output_bytes: the length of its output as JSON; 0 without one.
    elements: those that were completed, in that order.
    element_count: how many there are; 0 for a task that runs once.
    """

    attempts: tuple[Attempt, ...]
    outcome: Outcome
    ended_at: float | None
    output_bytes: int = 0
    elements: tuple[Element, ...] = ()
    element_count: int = 0

    @property
    def started_at(self) -> float:
        return self.attempts[0].at

    @property
    def seconds(self) -> float:
        """From the first start to the end, with the pauses between attempts."""
        return 0.0 if not self.attempts or self.ended_at is None else self.ended_at - self.started_at


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution.

    runs: by the id of the task. Completions that were reused are left out.
    reused: the tasks whose completions were reused.
    was_paused: its times between tasks say nothing.
    input: a digest of its input.
    """

    id: UUID
    revision: int
    created_at: float
    started_at: float | None
    finished_at: float | None
    completed: bool
    origin_id: UUID | None
    input: str
    runs: Mapping[int, Sequence[TaskRun]]
    reused: frozenset[int] = frozenset()
    was_paused: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """The executions of a workflow that a rule looks at, in the order of their ids.

    workflow: the revision for which something is suggested.
    executions: those that have ended.
    open: those that have not.
    now: when it was taken.
    """

    workflow: Workflow
    executions: Sequence[Execution]
    open: Sequence[Execution] = ()
    now: float = 0.0

    @property
    def days(self) -> float:
        """How long it reaches back: from the oldest execution until now."""
        return max((self.now - self.executions[0].created_at) / DAY, 1 / 24) if self.executions else 1.0

    @property
    def per_day(self) -> float:
        return len(self.executions) / self.days


@dataclass(frozen=True, slots=True)
class TaskSample:
    """A sample of executions in which one task has had the shape that it has now.

    sample: these executions.
    """

    task: Task
    sample: Sample
    runs: Sequence[tuple[Execution, TaskRun]] = field(init=False)

    def __post_init__(self) -> None:
        task_id = self.task.id
        found = [(one, run) for one in self.sample.executions for run in one.runs.get(task_id, ())]
        object.__setattr__(self, "runs", found)

    def first_attempts(self) -> Iterator[tuple[Execution, Attempt]]:
        """Those that have failed or completed."""
        for execution, run in self.runs:
            if run.attempts and run.attempts[0].number == 1 and is_told(run.attempts[0]):
                yield execution, run.attempts[0]

    def attempts(self) -> Iterator[tuple[Execution, Attempt]]:
        """Those that have failed or completed."""
        for execution, run in self.runs:
            for attempt in run.attempts:
                if is_told(attempt):
                    yield execution, attempt

    def running(self) -> Iterator[Attempt]:
        """Those that run now."""
        for execution in self.sample.open:
            for run in execution.runs.get(self.task.id, ()):
                yield from (attempt for attempt in run.attempts if attempt.outcome is Outcome.OPEN)


def is_told(attempt: Attempt) -> bool:
    """Whether the attempt says how the task does."""
    return attempt.outcome in (Outcome.COMPLETED, Outcome.FAILED)
