"""What schedules need from outside: protocols that `adapters/` implement and `wiring/` connects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.domain.actions import Act
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.schedules.schedule import Schedule

NEW_SCHEDULES = "workflow_schedules"


@dataclass(frozen=True, slots=True)
class DueSchedule:
    """A schedule that this engine has claimed.

    now: the time of the claim, on the store's clock.
    previous_is_running: whether the execution of the previous start has not ended.
    """

    schedule: Schedule
    now: datetime
    previous_is_running: bool


class ScheduleStore(Protocol):
    """Each method is one transaction, on the store's clock. It raises `Unavailable` when the store does not respond.

    All but `now` and `claim` are in one tenant, and what another tenant has is as what does not exist.

    Deleting a workflow deletes its schedules.
    """

    async def now(self) -> datetime: ...

    async def workflow_id(self, ref: Ref) -> int | None:
        """The id of an existing workflow."""

    async def insert(self, act: Act, schedule: Schedule) -> Schedule:
        """Store a new schedule with a new id and version 1; `act` is audited.

        Raise `NotFound` if the tenant has no such workflow, `Conflict` if the key is taken.
        """

    async def get(self, ref: Ref) -> Schedule | None: ...

    async def list_schedules(
        self, tenant_id: int, workflow_id: int | None, skip: int, limit: int
    ) -> tuple[Sequence[Schedule], int]:
        """One page ordered by id, and the number of all schedules of the tenant, or of the workflow."""

    async def save(self, schedule: Schedule, hold_seconds: float | None = None) -> Schedule | None:
        """Store a changed schedule as its next version; return None if it was changed meanwhile or deleted.

        With `hold_seconds` no engine can claim it for that time. Raise `Conflict` if the key is taken, `NotFound` if
        the workflow does not exist.
        """

    async def change(self, act: Act, before: Schedule, after: Schedule) -> Schedule | None:
        """As `save`; `act` is audited, with the schedule as it was and as it is."""

    async def delete(self, act: Act, schedule_id: int) -> Schedule | None:
        """Delete a schedule of the caller's tenant and return it; `act` is audited. Return None if there is none."""

    async def claim(self, limit: int, hold_seconds: float) -> Sequence[DueSchedule]:
        """Claim at most `limit` due schedules; no other caller gets them for `hold_seconds`.

        A schedule with a waiting start is not due while the previous execution is running.
        """


class Executions(Protocol):
    """What schedules need from executions."""

    async def start(self, schedule_id: int, workflow: Ref, input: Payload, idempotency_key: str) -> UUID:
        """Start an execution for a schedule, or find the one with this key.

        Raise `NotFound` if the workflow does not exist.
        """

    async def cancel(self, tenant_id: int, execution_id: UUID, reason: str) -> None:
        """Ask an execution of the tenant to stop; no effect if it has ended or does not exist."""
