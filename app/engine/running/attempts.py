"""One attempt of one task: call its handler, bound its time, and turn what it returns or raises into an outcome."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from traceback import format_exception
from typing import Any
from uuid import UUID

import orjson
import structlog

from app.domain.definitions import Config
from app.domain.errors import Invalid, TooLarge
from app.domain.handlers import (
    Attempt,
    CallingHandler,
    Handler,
    InstantHandler,
    TaskError,
    TaskHandler,
    Wait,
    WaitingHandler,
    is_calling,
    is_instant,
    is_waiting,
)
from app.domain.json_values import MAX_DEPTH, encode
from app.engine.deciding.outcomes import Failed, Outcome, Stopped, Succeeded
from app.engine.ports import Handlers
from app.engine.running.masking import TaskMask

log = structlog.get_logger(__name__)

Report = Callable[[Outcome], None]

UNASKED_CANCELLATION = "the task's handler let a cancellation out that was not meant for it"


class Attempts:
    """Runs the attempts of all executions; keeps nothing of them."""

    def __init__(self, handlers: Handlers, max_output_bytes: int) -> None:
        self._handlers = handlers
        self._max_output_bytes = max_output_bytes

    def start(
        self,
        attempt: Attempt,
        handler: TaskHandler | WaitingHandler | CallingHandler | None,
        task_type: str | None,
        report: Report,
        mask: TaskMask | None = None,
    ) -> asyncio.Task[Outcome] | None:
        """Start an attempt that is not instant; return None when it has already ended.

        `report` is called with its outcome exactly once. `mask` keeps the secrets that the task sees out of the log.
        """
        if handler is None:
            report(Failed(_unknown_type(task_type)))
            return None
        if is_waiting(handler) or is_calling(handler):
            report(Failed(self._not_a_wait(handler, attempt, mask)))
            return None
        task = asyncio.create_task(self._run(handler, attempt, mask), name=f"attempt {attempt.attempt_key}")
        task.add_done_callback(partial(_report_outcome, report))
        return task

    def handler(self, task_type: str | None) -> Handler | None:
        return self._handlers.handler(task_type)

    async def run_one(self, attempt: Attempt, task_type: str | None, mask: TaskMask | None = None) -> Outcome:
        """An attempt at one element, within the attempt of the whole task, which bounds its time.

        `mask` as in `start`.
        """
        handler = self._handlers.handler(task_type)
        if handler is None:
            return Failed(_unknown_type(task_type))
        if is_instant(handler):
            return self.run_now(handler, attempt, mask)
        if is_calling(handler):
            return Failed(self._not_a_wait(handler, attempt, mask))
        return await self._run(_Sleeper(handler) if is_waiting(handler) else handler, attempt, mask)

    def only_waits(self, task_type: str | None) -> bool:
        """True when tasks of this type wait for something and do nothing."""
        handler = self._handlers.handler(task_type)
        return handler is not None and is_waiting(handler)

    def stores_config(self, task_type: str | None) -> bool:
        """True when the config of such a task becomes part of a history or of another execution, before it has run."""
        handler = self._handlers.handler(task_type)
        if handler is None:
            return False
        return is_waiting(handler) or is_calling(handler) or getattr(handler, "stores_config", False)

    def waits_outside(self, task_type: str | None) -> bool:
        """True when attempts of this type mostly wait for something outside of this process."""
        return getattr(self._handlers.handler(task_type), "waits_outside", False)

    def wait(self, task_type: str | None, config: Config) -> Wait | None:
        """What a task of this type and config waits for; None when it does something, or there is no such wait.

        Why there is none is the error of the attempt that starts then.
        """
        handler = self._handlers.handler(task_type)
        if handler is None or not is_waiting(handler):
            return None
        try:
            return self._wait_of(handler, config)
        except (Exception, SystemExit):  # noqa: BLE001 - as in run_now
            return None

    async def carry_out(self, handler: Handler, attempt: Attempt, mask: TaskMask | None) -> Any:
        """The output of a handler of any kind, within an attempt that `start` has started. Raise what it raises."""
        if is_waiting(handler) or is_calling(handler):
            raise self._not_a_wait(handler, attempt, mask)
        return handler.run_now(attempt) if is_instant(handler) else await handler.run(attempt)

    def calls(self, task_type: str | None) -> bool:
        """True when tasks of this type run another workflow."""
        handler = self._handlers.handler(task_type)
        return handler is not None and is_calling(handler)

    def run_now(self, handler: InstantHandler, attempt: Attempt, mask: TaskMask | None) -> Outcome:
        """Make an attempt of an instant handler; `mask` as in `start`."""
        try:
            return self._succeeded(handler.run_now(attempt), attempt)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what a handler raises fails its task, not the engine
            return Failed(_task_error(error, attempt, mask))

    async def _run(self, handler: TaskHandler, attempt: Attempt, mask: TaskMask | None) -> Outcome:
        limit = asyncio.timeout(attempt.timeout_seconds)
        try:
            async with limit:
                outcome = self._succeeded(await handler.run(attempt), attempt)
        except asyncio.CancelledError:
            # Whether this attempt was cancelled is for `RunningAttempts` to say: the cancellation may also be one of
            # the handler's own tasks, which it let out.
            return Stopped()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as in run_now
            if limit.expired() and isinstance(error, TimeoutError):
                return Failed(timed_out(attempt.timeout_seconds))
            outcome = Failed(_task_error(error, attempt, mask))
        # Whatever a handler still does when its time is up, such as returning a value, comes too late.
        return Failed(timed_out(attempt.timeout_seconds)) if limit.expired() else outcome

    def of_child(self, output: str | None, *, in_list: bool = False) -> Outcome:
        """The outcome of a task whose child has this output, as JSON text; of an element if it is `in_list`."""
        max_depth = MAX_DEPTH - 1 if in_list else MAX_DEPTH
        if output is None:
            return Succeeded(None)
        # Most are so flat that they need not be parsed.
        is_flat = output.count("[") + output.count("{") <= max_depth
        return self._outcome(orjson.Fragment(output) if is_flat else orjson.loads(output), max_depth)

    def of_elements(self, outputs: Iterable[str | None]) -> Outcome:
        """The outcome of a task whose elements have these outputs, as JSON text."""
        return self._outcome([None if text is None else orjson.Fragment(text) for text in outputs])

    def _succeeded(self, value: object, attempt: Attempt) -> Outcome:
        # The output of an element is within the list that is the task's output.
        return self._outcome(value, MAX_DEPTH if attempt.element is None else MAX_DEPTH - 1)

    def _outcome(self, value: object, max_depth: int = MAX_DEPTH) -> Outcome:
        try:
            return Succeeded(self._output(value, max_depth))
        except TaskError as error:
            return Failed(error)

    def _output(self, value: object, max_depth: int = MAX_DEPTH) -> str | None:
        try:
            return encode(value, "output", self._max_output_bytes, max_depth)
        except (Invalid, TooLarge) as error:
            raise TaskError("bad_output", f"the task's {error.message}", retryable=False) from None

    def _wait_of(self, handler: WaitingHandler, config: Config) -> Wait:
        """Raise `TaskError` if the output of the wait cannot be stored, and whatever the handler raises."""
        wait = handler.wait(config)
        self._output(wait.output)
        return wait

    def _not_a_wait(
        self, handler: WaitingHandler | CallingHandler, attempt: Attempt, mask: TaskMask | None
    ) -> TaskError:
        """Why the task did not wait: there is no such wait, or the engine that started it did not record it."""
        try:
            if is_waiting(handler):
                self._wait_of(handler, attempt.config)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - as in run_now
            return _task_error(error, attempt, mask)
        return TaskError("wait_unknown", "the history does not say what the task waits for", retryable=True)


@dataclass(frozen=True, slots=True)
class _Sleeper:
    """Waits in memory, for an element of a task whose other elements wait, too."""

    handler: WaitingHandler

    async def run(self, attempt: Attempt) -> Any:
        wait = self.handler.wait(attempt.config)
        if wait.signal is not None or wait.seconds is None:
            raise TaskError(
                "invalid_config", "a task that runs for each element cannot wait for a signal", retryable=False
            )
        await asyncio.sleep(wait.seconds)
        return wait.output


def _report_outcome(report: Report, task: asyncio.Task[Outcome]) -> None:
    """A task that is cancelled before its first step runs none of its own code, so it cannot report by itself."""
    report(Stopped() if task.cancelled() else task.result())


def _task_error(error: BaseException, attempt: Attempt, mask: TaskMask | None) -> TaskError:
    return error if isinstance(error, TaskError) else unexpected(error, attempt.task_name, attempt.execution_id, mask)


def unexpected(error: BaseException, task: str, execution_id: UUID, mask: TaskMask | None) -> TaskError:
    """The failure for an error that is not meant to reach the engine. The log has its traceback."""
    about = {"task": task, "execution_id": str(execution_id)}
    if mask is None:
        log.error("task_handler_failed", **about, exc_info=error)
    else:
        log.error("task_handler_failed", **about, exception=mask.text("".join(format_exception(error))))
    return TaskError("handler_error", f"{type(error).__name__}: {error}")


def timed_out(seconds: float | None) -> TaskError:
    return TaskError("timeout", f"the attempt did not end within {seconds:g} s")


def _unknown_type(task_type: str | None) -> TaskError:
    return TaskError("unknown_task_type", f"this engine does not know the task type {task_type!r}", retryable=False)
