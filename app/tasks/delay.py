"""The task type `delay`: waits. The engine records the end of the wait, so a restart does not restart it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from app.domain.definitions import Config
from app.domain.handlers import Wait
from app.tasks.task_type import TaskConfig, TaskType, parse_config

MAX_DELAY_SECONDS = 366 * 24 * 3600

Seconds = Annotated[float, Field(ge=0, le=MAX_DELAY_SECONDS)]


class DelayConfig(TaskConfig):
    """`duration` is another name of `seconds`; exactly one of them is given."""

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
    takes_signals = False

    def wait(self, config: Config) -> Wait:
        seconds = parse_config(DelayConfig, config).length_seconds
        return Wait(seconds=seconds, output={"seconds": int(seconds) if seconds.is_integer() else seconds})


def delay_type() -> TaskType:
    return TaskType(DelayConfig, DelayHandler())
