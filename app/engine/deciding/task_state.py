"""How one task of an execution stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.domain.executions import Failure
from app.domain.states import TaskStatus
from app.engine.deciding.waits import WaitState

ENGINE_LOST = "engine_lost"
"""The code of an attempt that ended with its engine; it does not use up the retry policy's attempts."""

SUSPECT_AFTER_LOSSES = 2
"""Once may be chance: a machine that fails, or an update, ends everything that runs."""

# Looked up once: an enum's member costs more than a name.
_RUNNING = TaskStatus.RUNNING
_RETRYING = TaskStatus.RETRYING


@dataclass(slots=True)
class TaskState:
    """One task, as far as the events of its execution have come. A routed task is shown with its latest visit.

    - status: pending until the first event about it
    - attempt: the number of its latest attempt, from 1; 0 before the first
    - failures: how many attempts the retry policy counts
    - lost: how many attempts ended with their engine; the retry policy does not count these
    - first_started_at: when its first attempt started
    - started_at: when its latest attempt started
    - ended_at: when it came to a final status
    - retry_at: when its next attempt starts, while it is retrying
    - wait: what it waits for, while it runs without a handler
    - output: JSON text of what it completed with; None stands for `null`
    - failure: why its latest attempt failed; None once it has completed or was skipped
    """

    status: TaskStatus = TaskStatus.PENDING
    attempt: int = 0
    failures: int = 0
    lost: int = 0
    first_started_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    retry_at: datetime | None = None
    wait: WaitState | None = None
    output: str | None = None
    failure: Failure | None = None
    _elements: dict[int, str | None] | None = None
    _children: dict[int | None, UUID] | None = None

    @property
    def only_waits(self) -> bool:
        """True when no handler runs for the task, although it has started and not ended."""
        return self.status is _RETRYING or (self.status is _RUNNING and self.wait is not None)

    @property
    def has_attempt(self) -> bool:
        """True while a handler runs for the task, or is about to."""
        return self.status is _RUNNING and self.wait is None

    @property
    def is_suspect(self) -> bool:
        """True when the task may be what stops engines."""
        return self.lost >= SUSPECT_AFTER_LOSSES

    @property
    def due_at(self) -> datetime | None:
        """When a task that waits continues by itself: its next attempt, or the end of what it waits for."""
        if self.status is _RETRYING:
            return self.retry_at
        return self.wait.until if self.only_waits and self.wait is not None else None

    @property
    def waits_for_children(self) -> bool:
        """True while the task runs and waits for executions that are, or will be, started for it."""
        return self.status is _RUNNING and self.wait is not None and self.wait.children

    @property
    def children(self) -> Mapping[int | None, UUID]:
        """The executions that the task waits for, by the element that each is for; None for the whole task."""
        return (self._children or {}) if self.waits_for_children else {}

    def begin_wait(self, wait: WaitState) -> None:
        """The task has started and runs without a handler."""
        self.wait = wait
        self._children = None

    def add_child(self, element: int | None, execution_id: UUID) -> None:
        """An execution was started for the task."""
        if self._children is None:
            self._children = {}
        self._children[element] = execution_id

    @property
    def elements(self) -> Mapping[int, str | None]:
        """The outputs, as JSON text, of the elements that have completed."""
        return self._elements or {}

    def add_element(self, index: int, output: str | None) -> None:
        """`output` is JSON text."""
        if self._elements is None:
            self._elements = {}
        self._elements[index] = output
        if self._children:
            self._children.pop(index, None)

    def wait_for_retry(self, failure: Failure, retry_at: datetime | None) -> None:
        """The attempt has failed and another follows at `retry_at`."""
        self.failure = failure
        self.wait = None
        self.retry_at = retry_at
        if failure.code == ENGINE_LOST:
            self.lost += 1
        else:
            self.failures += 1

    def begin_visit(self) -> None:
        """Begin a visit after the first: attempts are numbered on, and the output stays until the next completion."""
        self.failures = self.lost = 0
        self.first_started_at = self.ended_at = None
        self.failure = None
        self._elements = None

    def failure_of_execution(self, name: str) -> Failure | None:
        """What an execution fails with because this task, which has this name, has failed."""
        failure = self.failure
        return None if failure is None else Failure(failure.code, f"task {name!r} failed: {failure.message}")
