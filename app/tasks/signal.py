"""The task type `signal`: waits until the execution receives a signal of this name; its payload becomes the output.

A signal that arrives before the task starts is kept for it. `timeout_seconds` of the task limits the wait.
"""

from typing import Annotated

from pydantic import Field

from app.domain.definitions import Config
from app.domain.handlers import Wait
from app.tasks.task_type import TaskConfig, TaskType, parse_config


class SignalConfig(TaskConfig):
    name: Annotated[str, Field(min_length=1, max_length=200)]


class SignalHandler:
    def wait(self, config: Config) -> Wait:
        return Wait(signal=parse_config(SignalConfig, config).name)


def signal_type() -> TaskType:
    return TaskType(SignalConfig, SignalHandler())
