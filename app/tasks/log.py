"""The task type `log`: writes a line to the service's log. Without a message and fields it does nothing."""

from typing import Any

import structlog

from app.domain.handlers import Attempt
from app.tasks.task_type import TaskConfig, TaskType, config_of

logger = structlog.get_logger(__name__)


class LogConfig(TaskConfig):
    message: str | None = None
    fields: Any = None


class LogHandler:
    def run_now(self, attempt: Attempt) -> dict[str, str] | None:
        """`{"message": …}`, or None if the config has no message."""
        config = config_of(attempt, LogConfig)
        if config.message is None and config.fields is None:
            return None
        logger.info(
            "task_logged",
            execution_id=str(attempt.execution_id),
            task=attempt.task_name,
            message=config.message,
            fields=config.fields,
        )
        return None if config.message is None else {"message": config.message}


def log_type() -> TaskType:
    return TaskType(LogConfig, LogHandler())
