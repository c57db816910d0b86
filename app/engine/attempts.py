"""One attempt of one task: call its handler, bound its time, and turn whatever comes back into an outcome."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog
from typing_extensions import TypeIs

from app.domain.definitions import Config
from app.domain.errors import Invalid, TooLarge
from app.domain.handlers import Attempt, Handler, InstantHandler, TaskError, TaskHandler, Wait, WaitingHandler
from app.engine.outcomes import Failed, Outcome, Stopped, Succeeded
from app.engine.ports import Handlers
from app.engine.values import encode

log = structlog.get_logger(__name__)


Report = Callable[[Outcome], None]


class Attempts:
    """Runs attempts; holds nothing between them but the settings."""

    def __init__(self, handlers: Handlers, max_output_bytes: int) -> None:
        self._handlers = handlers
        self._max_output_bytes = max_output_bytes

    def start(self, attempt: Attempt, task_type: str | None, report: Report) -> asyncio.Task[Outcome] | None:
        """Begin the attempt; `report` gets its outcome exactly once. None when it has already ended."""
        handler = self._handlers.handler(task_type)
        if handler is None:
            report(Failed(_unknown_type(task_type)))
            return None
        if is_waiting(handler):
            report(Failed(_not_a_wait(handler, attempt)))
            return None
        if is_instant(handler):
            report(self._run_now(handler, attempt))
            return None
        task = asyncio.create_task(self._run(handler, attempt), name=f"attempt {attempt.attempt_key}")
        task.add_done_callback(partial(_hand_on, report))
        return task

    def wait(self, task_type: str | None, config: Config) -> Wait | None:
        """What a task of this type and config waits for; None when it does something, or its config is wrong."""
        handler = self._handlers.handler(task_type)
        if handler is None or not is_waiting(handler):
            return None
        try:
            return handler.wait(config)
        except TaskError:
            return None

    def _run_now(self, handler: InstantHandler, attempt: Attempt) -> Outcome:
        try:
            return self._succeeded(handler.run_now(attempt))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what a handler raises fails its task, not the engine
            return Failed(_task_error(error, attempt))

    async def _run(self, handler: TaskHandler, attempt: Attempt) -> Outcome:
        limit = asyncio.timeout(attempt.timeout_seconds)
        try:
            async with limit:
                return self._succeeded(await handler.run(attempt))
        except asyncio.CancelledError:
            return Stopped()
        except TimeoutError as error:
            return Failed(timed_out(attempt.timeout_seconds) if limit.expired() else _task_error(error, attempt))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as in _run_now
            return Failed(_task_error(error, attempt))

    def _succeeded(self, value: object) -> Outcome:
        try:
            return Succeeded(encode(value, "output", self._max_output_bytes))
        except (Invalid, TooLarge) as error:
            return Failed(TaskError("bad_output", f"the task's {error.message}", retryable=False))


def is_waiting(handler: Handler) -> TypeIs[WaitingHandler]:
    return hasattr(handler, "wait")


def is_instant(handler: Handler) -> TypeIs[InstantHandler]:
    """Quicker than `isinstance` with a protocol, which this is on the way of every attempt."""
    return hasattr(handler, "run_now")


def _hand_on(report: Report, task: asyncio.Task[Outcome]) -> None:
    """A task that is cancelled before its first step runs none of its own code, so it cannot report by itself."""
    report(Stopped() if task.cancelled() else task.result())


def _task_error(error: BaseException, attempt: Attempt) -> TaskError:
    if isinstance(error, TaskError):
        return error
    log.error("task_handler_failed", task=attempt.task_name, execution_id=str(attempt.execution_id), exc_info=error)
    return TaskError("handler_error", f"{type(error).__name__}: {error}")


def timed_out(seconds: float | None) -> TaskError:
    return TaskError("timeout", f"the attempt did not end within {seconds:g} s")


def _not_a_wait(handler: WaitingHandler, attempt: Attempt) -> TaskError:
    """Why the task that should have waited did not: its config, or a wait that a newer engine did not write down."""
    try:
        handler.wait(attempt.config)
    except TaskError as error:
        return error
    return TaskError("wait_unknown", "the history does not say what the task waits for", retryable=True)


def _unknown_type(task_type: str | None) -> TaskError:
    return TaskError("unknown_task_type", f"this engine does not know the task type {task_type!r}", retryable=False)
