"""The interface between the engine and task types."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from typing_extensions import TypeIs

from app.domain.callers import DEFAULT_TENANT_ID
from app.domain.definitions import Config
from app.domain.shares import Group


class TaskError(Exception):
    """An attempt failed.

    code: stable and machine-readable.
    message: for people.
    retryable: whether another attempt makes sense.
    retry_after_seconds: asks for a longer wait than that of the retry policy.
    """

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
    """What one attempt of one task receives.

    number: of the attempt, from 1.
    config: with all expressions evaluated.
    input: of the execution.
    upstream: the outputs of the tasks before this one, by name.
    first_started_at: the start of attempt 1, also after a restart.
    timeout_seconds: after this time the engine ends the attempt; None for no limit.
    report: `report(percent, message)` writes progress into the history and the stream. It never waits and can be called
        from any thread. The engine may merge calls that arrive faster than it can write them.
    element: the position in the list of a `for_each` task; None for other tasks.
    is_handed_over: while it returns true, a cancellation means that this engine stops and another one repeats the
        attempt. Work that the attempt has started elsewhere should then continue.
    visit: how often conditions have led to the task, from 1. Each visit has its own task key.
    masked: `masked(text)` is the text without the secrets of the workflow. The engine hides them in all that a handler
        returns, reports and raises; a handler that cuts a text hides them before, since a part of one is not found.
    workflow_key: the key of the workflow; None if it has none.
    tenant: the key of the tenant whose execution it is; empty for none, which has no rights.
    kept: a cache for values derived from the config, shared by all attempts of the revision; None if the config
        contains expressions.
    tenant_id: the tenant of the execution.
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
    workflow_key: str | None = None
    masked: Callable[[str], str] = str
    tenant: str = ""
    tenant_id: int = DEFAULT_TENANT_ID

    @property
    def group(self) -> Group:
        """On whose behalf the attempt is made."""
        return Group(self.tenant_id, self.workflow_id)

    @property
    def task_key(self) -> str:
        """The same for all attempts of this visit and element of the task: use it to make an effect happen once."""
        visit = "" if self.visit == 1 else f"@{self.visit}"
        element = "" if self.element is None else f"[{self.element}]"
        return f"{self.execution_id}/{self.task_id}{visit}{element}"

    @property
    def attempt_key(self) -> str:
        """Identifies this attempt."""
        return f"{self.task_key}/{self.number}"


class TaskHandler(Protocol):
    """Runs attempts of one task type. The result must be a JSON value; raise `TaskError` to fail.

    A handler that stores its config, or a part of it, has `stores_config = True`: an attempt whose config contains a
    secret then fails before the handler is called. One that mostly waits for something outside of this process has
    `waits_outside = True`: an execution that only has such attempts leaves its place in the engine to others.
    """

    async def run(self, attempt: Attempt) -> Any: ...


class InstantHandler(Protocol):
    """A handler that neither waits nor blocks. It runs within the engine's own step, without an asyncio task.

    A handler without side effects has `is_pure = True`: a dry run may call it.
    """

    def run_now(self, attempt: Attempt) -> Any: ...


ENTITY_STATE = "entity_state"
"""The task type that waits for entities."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a task waits for.

    seconds: the task completes with `output` after this time; None for no such time.
    signal: the task completes with the payload of this signal; None for no signal.
    children: whether the task waits for the executions that the engine starts for it.
    """

    seconds: float | None = None
    output: Any = None
    signal: str | None = None
    children: bool = False


class WaitingHandler(Protocol):
    """A handler of tasks that only wait. The engine does the waiting; long waits use no memory.

    `wait` must return quickly and can raise `TaskError`. A handler whose waits no signal ends has
    `takes_signals = False`: a signal whose name no task waits for is then refused, also where the config of such a task
    has expressions.
    """

    def wait(self, config: Config) -> Wait: ...


@dataclass(frozen=True, slots=True)
class Call:
    """The workflow that a task runs as its child.

    workflow: its id or key.
    input: a JSON object.
    """

    workflow: str
    input: Mapping[str, Any]


class CallingHandler(Protocol):
    """A handler of tasks that run a workflow. The engine starts the child and waits for its end, on whatever engine.

    `call` must return quickly and can raise `TaskError`.
    """

    def call(self, config: Config) -> Call: ...


Handler = TaskHandler | InstantHandler | WaitingHandler | CallingHandler


def is_calling(handler: Handler) -> TypeIs[CallingHandler]:
    return hasattr(handler, "call")


def is_waiting(handler: Handler) -> TypeIs[WaitingHandler]:
    return hasattr(handler, "wait")


def is_instant(handler: Handler) -> TypeIs[InstantHandler]:
    """Quicker than `isinstance` with a protocol, which this is on the way of every attempt."""
    return hasattr(handler, "run_now")
