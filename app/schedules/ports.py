"""What schedules need from outside. Implemented in `adapters/`, joined in `wiring/`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from app.schedules.schedule import Schedule

NEW_SCHEDULES = "workflow_schedules"


@dataclass(frozen=True, slots=True)
class DueSchedule:
    """A schedule that is this engine's to look at for a while, and what holds at that moment.

    `now` is the store's clock; `previous_is_running` tells of the execution of the fire before.
    """

    schedule: Schedule
    now: datetime
    previous_is_running: bool


class ScheduleStore(Protocol):
    """Each method is one transaction, on the store's clock. Raises `Unavailable` when the store does not answer.

    A schedule goes with its workflow.
    """

    async def now(self) -> datetime: ...

    async def workflow_id(self, ref: str) -> int | None:
        """The id of an existing workflow, by id or key."""

    async def insert(self, schedule: Schedule) -> Schedule:
        """Store a new schedule under an id of its own, at version 1.

        Raise `NotFound` when the workflow is gone, `Conflict` when the key is taken.
        """

    async def get(self, ref: str) -> Schedule | None:
        """By id or key."""

    async def list_schedules(self, workflow_id: int | None, skip: int, limit: int) -> tuple[Sequence[Schedule], int]:
        """One page ordered by id, and how many there are in all."""

    async def save(self, schedule: Schedule, hold_seconds: float | None = None) -> Schedule | None:
        """Store a changed schedule as its next version; None when it has changed meanwhile or is gone.

        With `hold_seconds` no engine is given it for so long. Raise `Conflict` when the key is taken, `NotFound` when
        the workflow is gone.
        """

    async def delete(self, schedule_id: int) -> bool: ...

    async def claim(self, limit: int, hold_seconds: float) -> Sequence[DueSchedule]:
        """At most `limit` schedules that are due, each to one caller only for `hold_seconds`.

        One with a waiting fire is not due while the execution of the fire before goes on.
        """


class Executions(Protocol):
    """What a schedule does with executions."""

    async def start(self, workflow_id: int, input: Mapping[str, Any], idempotency_key: str) -> UUID:
        """Start, or find what the key has started; raise `NotFound` when the workflow is gone."""

    async def cancel(self, execution_id: UUID, reason: str) -> None:
        """Ask an execution to stop; nothing happens to one that has ended or is gone."""


class Wake(Protocol):
    async def wait(self, seconds: float | None = None) -> None:
        """Until there may be something to do, `seconds` at most."""
