"""The task type `transform`: its `value`, with the expressions filled in, is the output."""

from typing import Any

from app.domain.handlers import Attempt
from app.tasks.task_type import TaskConfig, TaskType, config_of


class TransformConfig(TaskConfig):
    """Any JSON; it is the expressions in it that make it worth writing."""

    value: Any


class TransformHandler:
    is_pure = True

    def run_now(self, attempt: Attempt) -> Any:
        return config_of(attempt, TransformConfig).value


def transform_type() -> TaskType:
    return TaskType(TransformConfig, TransformHandler())
