"""The task types. Exports what authors of functions and task types need. Processes and `wiring` may import it; the
engine knows task types only by the protocols of `app.domain.handlers`.
"""

from app.domain.handlers import Attempt, TaskError
from app.tasks.functions import task_function
from app.tasks.kafka import KafkaOptions, RecordPublisher
from app.tasks.plugins import PluginError
from app.tasks.registry import TaskTypeRegistry, build_registry
from app.tasks.rights import HttpRights, TenantRights
from app.tasks.task_type import HttpOptions, TaskConfig, TaskOptions, TaskType, parse_config
from app.tasks.transition import LateEntityMoves

__all__ = [
    "Attempt",
    "HttpOptions",
    "HttpRights",
    "KafkaOptions",
    "LateEntityMoves",
    "PluginError",
    "RecordPublisher",
    "TaskConfig",
    "TaskError",
    "TaskOptions",
    "TaskType",
    "TaskTypeRegistry",
    "TenantRights",
    "build_registry",
    "parse_config",
    "task_function",
]
