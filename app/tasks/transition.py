"""The task type `transition`: moves an entity of a state machine, or starts it.

The key of the task is the idempotency key of the transition. So a task that is repeated, because its engine has died
after the commit, moves the entity once.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from app.domain.entity_moves import EntityMove, EntityMoves
from app.domain.errors import Problem
from app.domain.handlers import Attempt, TaskError
from app.tasks.task_type import TaskConfig, TaskType, config_of

Name = Annotated[str, Field(min_length=1, max_length=200)]
Id = Name | Annotated[int, Field(ge=0)]
"""A number is taken as its digits, since expressions often yield ids as numbers."""


class TransitionConfig(TaskConfig):
    machine: Id
    entity_table: Name
    entity_id: Id
    to: Name | None = None
    transition: Name | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] | None = None
    notes: str | None = None
    start: bool = False
    on_conflict: Literal["fail", "retry"] = "fail"


class LateEntityMoves:
    """Task types are read before there is a database; machines are connected when there is one."""

    def __init__(self) -> None:
        self._moves: EntityMoves | None = None

    def connect(self, moves: EntityMoves) -> None:
        self._moves = moves

    async def move(self, wanted: EntityMove) -> Mapping[str, Any]:
        if self._moves is None:
            raise TaskError("no_machines", "this process has no engine, so that its tasks move no entities")
        return await self._moves.move(wanted)


class TransitionHandler:
    """moves: moves entities."""

    def __init__(self, moves: EntityMoves) -> None:
        self._moves = moves

    async def run(self, attempt: Attempt) -> Mapping[str, Any]:
        config = config_of(attempt, TransitionConfig)
        return await self._moves.move(
            EntityMove(
                tenant_id=attempt.tenant_id,
                execution_id=attempt.execution_id,
                key=attempt.task_key,
                machine=str(config.machine),
                table=config.entity_table,
                entity=str(config.entity_id),
                to=config.to,
                transition=config.transition,
                context=config.context,
                notes=config.notes,
                data=config.data,
                start=config.start,
                retries=config.on_conflict == "retry",
            )
        )


def transition_type(moves: EntityMoves) -> TaskType:
    return TaskType(TransitionConfig, TransitionHandler(moves), _check)


def _check(config: TransitionConfig) -> list[Problem]:
    if config.to is None and config.transition is None and not config.start:
        return [Problem("config.to", "name a state, or a `transition`, or set `start`")]
    return []
