"""The task type `entity_state`: waits until an entity is in one of some states.

The engine parks the wait as that for a signal. The signal's name says what is awaited; the database, which stores the
steps of entities, and the engines find who waits for them.
"""

from typing import Annotated

import orjson
from pydantic import Field

from app.domain.definitions import Config
from app.domain.handlers import Wait
from app.domain.waiting import ENTITY_SIGNALS
from app.tasks.task_type import TaskConfig, TaskType, parse_config
from app.tasks.transition import Id, Name


class EntityStateConfig(TaskConfig):
    machine: Id
    entity_table: Name
    entity_id: Id
    states: Annotated[list[Name], Field(min_length=1, max_length=200)]


class EntityStateHandler:
    takes_signals = False

    def wait(self, config: Config) -> Wait:
        wanted = parse_config(EntityStateConfig, config)
        about = [str(wanted.machine), wanted.entity_table, str(wanted.entity_id), wanted.states]
        return Wait(signal=f"{ENTITY_SIGNALS}{orjson.dumps(about).decode()}")


def entity_state_type() -> TaskType:
    return TaskType(EntityStateConfig, EntityStateHandler())
