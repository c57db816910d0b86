"""The task type `transform`: returns its `value`, with the expressions evaluated."""

from typing import Any

from app.domain.handlers import Attempt
from app.tasks.task_type import TaskConfig, TaskType, config_of


class TransformConfig(TaskConfig):
    """`value` is any JSON, usually with expressions."""

    value: Any


class TransformHandler:
    is_pure = True

    def run_now(self, attempt: Attempt) -> Any:
        return config_of(attempt, TransformConfig).value


def transform_type() -> TaskType:
    return TaskType(TransformConfig, TransformHandler())
