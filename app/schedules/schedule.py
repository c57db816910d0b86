"""A schedule: which workflow starts when, overlap, and missed starts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.documents import rfc3339
from app.domain.errors import Invalid, Problem
from app.domain.payloads import Payload
from app.domain.refs import Ref, key_problems
from app.schedules.cron import CronExpression, cron_problems, parse_cron
from app.schedules.times import last_match, matches, next_match
from app.schedules.zones import time_zone_problems, zone_named

MIN_CATCH_UP_SECONDS = 10.0
MAX_CATCH_UP_SECONDS = 366 * 24 * 3600.0
DEFAULT_CATCH_UP_SECONDS = 3600.0
EVERY_SECOND = (
    "{!r} fires every second, at up to 60 executions a minute; set `allow_every_second` to true if that is meant, else"
    " write 0 as the first of the six fields"
)


class Overlap(StrEnum):
    """What happens if a start comes due while the previous execution is running.

    SKIP: the start is dropped.
    QUEUE: the start waits for the end of the execution; at most one start waits.
    CANCEL_PREVIOUS: the execution is cancelled, and the start happens when it has ended.
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

    @property
    def problem(self) -> str | None:
        """Why the times of a stored schedule cannot be computed; None if they can.

        An older release accepted what is refused now, or this process lacks the time zone.
        """
        found = self.problems()
        return str(Invalid(found)) if found else None

    @property
    def is_every_second(self) -> bool:
        """Whether `cron` has all 60 seconds; False if it has problems."""
        return self.cron is not None and not cron_problems(self.cron) and parse_cron(self.cron).is_every_second

    def next_after(self, instant: datetime) -> datetime | None:
        """The first start after `instant`. Raise `Invalid` if there is a `problem`, as do the two methods below."""
        if self.cron is None:
            return self.at if self.at is not None and self.at > instant else None
        return next_match(*self._rules(self.cron), instant)

    def last_until(self, first: datetime, until: datetime) -> datetime:
        """The latest start that is not later than `until`; `first` is a start."""
        return first if self.cron is None else last_match(*self._rules(self.cron), first, until)

    def preview(self, after: datetime, count: int) -> Sequence[datetime]:
        if self.cron is None:
            return [self.at] if self.at is not None and self.at > after else []
        return list(islice(matches(*self._rules(self.cron), after), count))

    def _rules(self, cron: str) -> tuple[CronExpression, ZoneInfo]:
        if found := self.problems():
            raise Invalid(found)
        return parse_cron(cron), zone_named(self.time_zone)


@dataclass(frozen=True, slots=True)
class ScheduleDraft:
    """A schedule as a caller describes it.

    workflow: None keeps that of a stored schedule.
    input: a JSON object.
    paused: None keeps the value of a stored schedule; a new schedule is then not paused.
    allow_every_second: confirms a cron expression with all 60 seconds; it is not stored.
    """

    workflow: Ref | None
    timing: Timing
    input: Payload = field(default_factory=lambda: Payload("{}"))
    key: str | None = None
    overlap: Overlap = Overlap.SKIP
    catch_up_seconds: float = DEFAULT_CATCH_UP_SECONDS
    paused: bool | None = None
    allow_every_second: bool = False

    def check(self) -> None:
        """Raise `Invalid` with every broken rule."""
        found = key_problems(self.key) + self.timing.problems()
        if not MIN_CATCH_UP_SECONDS <= self.catch_up_seconds <= MAX_CATCH_UP_SECONDS:
            limits = f"{MIN_CATCH_UP_SECONDS:.0f} to {MAX_CATCH_UP_SECONDS:.0f}"
            found.append(Problem("catch_up_seconds", f"must be from {limits}"))
        if self.timing.is_every_second and not self.allow_every_second:
            found.append(Problem("cron", EVERY_SECOND.format(self.timing.cron)))
        if found:
            raise Invalid(found)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A stored schedule.

    tenant_id: the tenant of its workflow.
    version: counts its changes.
    next_fire_at: the next start; None if there is none.
    waiting_fire_at: a start that was decided and whose execution is not known to be started.
    last_fire_at, last_execution_id: the latest start that was carried out, and its execution.
    """

    id: int
    version: int
    tenant_id: int
    workflow_id: int
    timing: Timing
    input: Payload
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
        """When an engine has to handle the schedule; None for never."""
        return None if self.paused else self.waiting_fire_at or self.next_fire_at

    def idempotency_key(self, fire_at: datetime) -> str:
        return f"schedule:{self.id}:{rfc3339(fire_at)}"

    def due_fire(self, now: datetime) -> datetime | None:
        """The latest start that is due at `now`; None if there is none, or if it is late by more than
        `catch_up_seconds`.
        """
        if self.next_fire_at is None or self.next_fire_at > now:
            return None
        latest = self.timing.last_until(self.next_fire_at, now)
        return latest if now - latest <= timedelta(seconds=self.catch_up_seconds) else None

    def moved_on(self, now: datetime) -> "Schedule":
        """The schedule with the first start after `now` as the next; unchanged if its times cannot be computed."""
        if self.next_fire_at is None or self.next_fire_at > now or self.timing.problem:
            return self
        return replace(self, next_fire_at=self.timing.next_after(now))

    def started(self, fire_at: datetime, execution_id: UUID, now: datetime) -> "Schedule":
        """The schedule after the execution of a start was created. Repeated and late calls change nothing."""
        done = replace(self, waiting_fire_at=None) if self.waiting_fire_at == fire_at else self
        if done.last_fire_at is None or done.last_fire_at <= fire_at:
            done = replace(done, last_fire_at=fire_at, last_execution_id=execution_id)
        return done.moved_on(now)

    def dropped(self, fire_at: datetime, now: datetime) -> "Schedule":
        """The schedule without the waiting start."""
        done = replace(self, waiting_fire_at=None) if self.waiting_fire_at == fire_at else self
        return done.moved_on(now)
