"""What a task type is to the engine, and the engine to a task type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from app.domain.definitions import Config


class TaskError(Exception):
    """An attempt failed. `retry_after_seconds` asks for a longer wait than the retry policy's."""

    def __init__(
        self, code: str, message: str, *, retryable: bool = True, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds


def _never() -> bool:
    return False


@dataclass(slots=True)
class Attempt:
    """What one attempt of one task may know.

    `report(percent, message)` puts progress into the history and the stream; it never waits, may be called from
    any thread, and the engine may merge calls that come faster than it writes. `first_started_at` is when attempt 1
    began, also after a restart. `upstream` maps the names of the tasks before this one to their outputs. The
    engine ends the attempt after `timeout_seconds`, where the task has such a limit. `element` is the position in the
    list of a task that runs for each element of one. While `is_handed_over()`, a cancellation only means that the
    engine stops, and that another one makes the attempt again: what was begun elsewhere should be left as it is.
    `visit` counts, from 1, how often conditions have led to the task; each visit has a task key of its own. `kept` is
    for what follows from a config that is the same for all attempts of the revision; None where it is not.
    """

    execution_id: UUID
    workflow_id: int
    task_id: int
    task_name: str
    number: int
    config: Config
    input: Any
    upstream: Mapping[str, Any]
    first_started_at: datetime
    timeout_seconds: float | None
    report: Callable[[float | None, str], None]
    element: int | None = None
    is_handed_over: Callable[[], bool] = _never
    visit: int = 1
    kept: dict[Any, Any] | None = None

    @property
    def task_key(self) -> str:
        """Stable over all attempts of this visit of the task, and of its element: it makes an effect happen once."""
        visit = "" if self.visit == 1 else f"@{self.visit}"
        element = "" if self.element is None else f"[{self.element}]"
        return f"{self.execution_id}/{self.task_id}{visit}{element}"

    @property
    def attempt_key(self) -> str:
        """Names this attempt alone."""
        return f"{self.task_key}/{self.number}"


class TaskHandler(Protocol):
    """Runs attempts of one task type. The answer must be a JSON value; raise `TaskError` to fail.

    One that only waits for other executions has `follows_executions = True`: it needs no place of its own.
    """

    async def run(self, attempt: Attempt) -> Any: ...


class InstantHandler(Protocol):
    """A handler that neither waits nor blocks: it runs within the engine's own step, without a task of its own.

    One without any effect has `is_pure = True`: a dry run may run it.
    """

    def run_now(self, attempt: Attempt) -> Any: ...


@dataclass(frozen=True, slots=True)
class Wait:
    """Until `seconds` have passed, then the task completes with `output`; or until `signal` arrives, whose payload
    becomes the output. None of either never comes.
    """

    seconds: float | None = None
    output: Any = None
    signal: str | None = None


class WaitingHandler(Protocol):
    """A handler of tasks that only wait. The engine does the waiting, without memory where it is long.

    `wait` must be quick and may raise `TaskError`.
    """

    def wait(self, config: Config) -> Wait: ...


Handler = TaskHandler | InstantHandler | WaitingHandler
