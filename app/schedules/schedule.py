"""What a schedule is: which workflow starts when, and what happens when the times do not suit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.definitions import key_problems
from app.domain.documents import rfc3339
from app.domain.errors import Invalid, Problem
from app.schedules.times import cron_problems, last_match, matches, next_match, time_zone_problems

MIN_CATCH_UP_SECONDS = 10.0
MAX_CATCH_UP_SECONDS = 366 * 24 * 3600.0
DEFAULT_CATCH_UP_SECONDS = 3600.0


class Overlap(StrEnum):
    """What a fire does while the execution of the fire before still goes on: `SKIP` drops it, `QUEUE` lets one fire
    wait for the end, `CANCEL_PREVIOUS` cancels that execution and starts when it has ended.
    """

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_PREVIOUS = "cancel_previous"


@dataclass(frozen=True, slots=True)
class Timing:
    """Either `cron` in `time_zone`, or one instant `at`."""

    cron: str | None = None
    time_zone: str = "UTC"
    at: datetime | None = None

    def problems(self) -> list[Problem]:
        if (self.cron is None) == (self.at is None):
            return [Problem("", "needs either `cron` or `at`")]
        if self.cron is not None:
            return time_zone_problems(self.time_zone) + cron_problems(self.cron)
        if self.time_zone != "UTC":
            return [Problem("time_zone", "belongs to `cron`; an `at` has an offset of its own")]
        return []

    def next_after(self, instant: datetime) -> datetime | None:
        if self.cron is None:
            return self.at if self.at is not None and self.at > instant else None
        return next_match(self.cron, ZoneInfo(self.time_zone), instant)

    def last_until(self, first: datetime, until: datetime) -> datetime:
        """The latest fire that is not later than `until`, where `first` is one."""
        return first if self.cron is None else last_match(self.cron, ZoneInfo(self.time_zone), first, until)

    def preview(self, after: datetime, count: int) -> Sequence[datetime]:
        if self.cron is None:
            return [self.at] if self.at is not None and self.at > after else []
        return list(islice(matches(self.cron, ZoneInfo(self.time_zone), after), count))


@dataclass(frozen=True, slots=True)
class ScheduleDraft:
    """A schedule as a caller describes it. `workflow` is an id or key; `input` the text of a JSON object.

    `paused` None leaves a stored schedule as it is; a new one is not paused.
    """

    workflow: str
    timing: Timing
    input: str = "{}"
    key: str | None = None
    overlap: Overlap = Overlap.SKIP
    catch_up_seconds: float = DEFAULT_CATCH_UP_SECONDS
    paused: bool | None = None

    def check(self) -> None:
        """Raise `Invalid` with every broken rule."""
        found = key_problems(self.key) + self.timing.problems()
        if not MIN_CATCH_UP_SECONDS <= self.catch_up_seconds <= MAX_CATCH_UP_SECONDS:
            limits = f"{MIN_CATCH_UP_SECONDS:.0f} to {MAX_CATCH_UP_SECONDS:.0f}"
            found.append(Problem("catch_up_seconds", f"must be from {limits}"))
        if found:
            raise Invalid(found)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A stored schedule. `version` counts its changes.

    `next_fire_at` is None when it will not fire again. `waiting_fire_at` is a fire that has been decided on and whose
    execution is not known to be started. `last_fire_at` and `last_execution_id` tell of the latest one that was.
    """

    id: int
    version: int
    workflow_id: int
    timing: Timing
    input: str
    key: str | None
    overlap: Overlap
    catch_up_seconds: float
    paused: bool
    created_at: datetime
    updated_at: datetime
    next_fire_at: datetime | None = None
    waiting_fire_at: datetime | None = None
    last_fire_at: datetime | None = None
    last_execution_id: UUID | None = None

    @property
    def due_at(self) -> datetime | None:
        """When an engine has to look at it."""
        return None if self.paused else self.waiting_fire_at or self.next_fire_at

    def idempotency_key(self, fire_at: datetime) -> str:
        return f"schedule:{self.id}:{rfc3339(fire_at)}"

    def due_fire(self, now: datetime) -> datetime | None:
        """The latest fire that has come due by `now`; None when it was missed by more than `catch_up_seconds`."""
        if self.next_fire_at is None or self.next_fire_at > now:
            return None
        latest = self.timing.last_until(self.next_fire_at, now)
        return latest if now - latest <= timedelta(seconds=self.catch_up_seconds) else None

    def moved_on(self, now: datetime) -> "Schedule":
        """With the first fire after `now` as the next."""
        if self.next_fire_at is None or self.next_fire_at > now:
            return self
        return replace(self, next_fire_at=self.timing.next_after(now))

    def started(self, fire_at: datetime, execution_id: UUID, now: datetime) -> "Schedule":
        """After the execution of a fire was started; repeated and late news change nothing."""
        done = replace(self, waiting_fire_at=None) if self.waiting_fire_at == fire_at else self
        if done.last_fire_at is None or done.last_fire_at <= fire_at:
            done = replace(done, last_fire_at=fire_at, last_execution_id=execution_id)
        return done.moved_on(now)

    def dropped(self, fire_at: datetime, now: datetime) -> "Schedule":
        """Without the waiting fire."""
        done = replace(self, waiting_fire_at=None) if self.waiting_fire_at == fire_at else self
        return done.moved_on(now)
