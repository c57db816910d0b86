"""Runs a task once per element of a list, side by side, and collects the outputs in the list's order."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import orjson

from app.domain.definitions import Config
from app.domain.handlers import Attempt, TaskError
from app.domain.shares import Group
from app.engine.deciding.outcomes import Failed, Stopped, Succeeded
from app.engine.running.attempts import UNASKED_CANCELLATION, Attempts
from app.engine.running.masking import TaskMask

DEFAULT_CONCURRENCY = 10


class Configs(Protocol):
    """The configs of all elements."""

    def __len__(self) -> int: ...

    async def config(self, number: int, group: Group) -> Config:
        """What element `number` gets. Raise `TaskError`."""


@dataclass(frozen=True, slots=True)
class Elements:
    """A handler for one attempt of the whole task.

    The first element that fails fails the attempt; the others are cancelled, and the next attempt runs those that have
    not completed.

    - configs: what each element gets; asked for when the element starts
    - done: the outputs, as JSON text, that earlier attempts have recorded
    - max_concurrency: how many elements run at the same time; None stands for `DEFAULT_CONCURRENCY`
    - completed: records the output of one more element
    - mask: keeps the secrets that the task sees out of the log; None for a task that sees none
    """

    attempts: Attempts
    task_type: str | None
    configs: Configs
    done: Mapping[int, str | None]
    max_concurrency: int | None
    completed: Callable[[int, str | None], None]
    mask: TaskMask | None = None

    async def run(self, attempt: Attempt) -> Any:
        outputs = dict(self.done)
        waiting = iter([number for number in range(len(self.configs)) if number not in outputs])
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.max_concurrency or DEFAULT_CONCURRENCY, len(self.configs) - len(outputs))):
                    group.create_task(self._work(attempt, waiting, outputs))
        except BaseExceptionGroup as failed:
            errors = failed.exceptions
            raise next((error for error in errors if isinstance(error, TaskError)), errors[0]) from None
        texts = (outputs[number] for number in range(len(self.configs)))
        return [None if text is None else orjson.Fragment(text) for text in texts]

    async def _work(self, attempt: Attempt, waiting: Iterator[int], outputs: dict[int, str | None]) -> None:
        for number in waiting:
            outputs[number] = await self._run_one(attempt, number)
            self.completed(number, outputs[number])
            # Its handler may have suppressed the cancellation. What it has done counts, but nothing more begins.
            if _told_to_stop():
                return

    async def _config(self, attempt: Attempt, number: int) -> Config:
        try:
            return await self.configs.config(number, attempt.group)
        except TaskError as error:
            raise _of_element(number, error) from None

    async def _run_one(self, attempt: Attempt, number: int) -> str | None:
        own = replace(
            attempt,
            config=await self._config(attempt, number),
            kept=None,
            element=number,
            timeout_seconds=None,
            report=partial(_report, attempt, number),
        )
        outcome = await self.attempts.run_one(own, self.task_type, self.mask)
        match outcome:
            case Succeeded(output):
                return output
            case Failed(error):
                raise _of_element(number, error)
            case Stopped() if _told_to_stop():
                raise asyncio.CancelledError
            case Stopped():
                raise TaskError("handler_error", f"element {number}: {UNASKED_CANCELLATION}")


def _of_element(number: int, error: TaskError) -> TaskError:
    return TaskError(
        error.code,
        f"element {number}: {error.message}",
        retryable=error.retryable,
        retry_after_seconds=error.retry_after_seconds,
    )


def _told_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _report(attempt: Attempt, number: int, percent: float | None, message: str) -> None:
    """An element's own percentage is left out: it is no share of the whole task."""
    attempt.report(None, f"element {number}: {message}")
