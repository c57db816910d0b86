"""The task type `delay`: wait. The wait counts from the first attempt's start, so a restart does not begin it again."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from app.domain.handlers import Attempt
from app.tasks.task_type import TaskConfig, TaskType, parse_config

MAX_DELAY_SECONDS = 366 * 24 * 3600
LONGEST_SLEEP_SECONDS = 30.0

Seconds = Annotated[float, Field(ge=0, le=MAX_DELAY_SECONDS)]


class DelayConfig(TaskConfig):
    """`duration` is another word for `seconds`."""

    seconds: Seconds | None = None
    duration: Seconds | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.seconds is None) == (self.duration is None):
            raise ValueError("needs exactly one of seconds and duration, which mean the same")
        return self

    @property
    def length_seconds(self) -> float:
        return self.seconds if self.seconds is not None else self.duration or 0.0


class DelayHandler:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    async def run(self, attempt: Attempt) -> dict[str, float]:
        seconds = parse_config(DelayConfig, attempt.config).length_seconds
        await self._sleep_until(attempt.first_started_at + timedelta(seconds=seconds), seconds)
        return {"seconds": int(seconds) if seconds.is_integer() else seconds}

    async def _sleep_until(self, due: datetime, at_most_seconds: float) -> None:
        """Ends when the wall clock reaches `due`; `at_most_seconds` guards against a clock behind another engine's.

        Sleeps in pieces: the loop's clock may stand still while the computer is suspended.
        """
        left = at_most_seconds
        while (remaining := min(left, (due - self._now()).total_seconds())) > 0:
            piece = min(remaining, LONGEST_SLEEP_SECONDS)
            await asyncio.sleep(piece)
            left -= piece


def delay_type(now: Callable[[], datetime]) -> TaskType:
    return TaskType(DelayConfig, DelayHandler(now))
