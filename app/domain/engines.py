"""Engines, as they show themselves and as they are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.states import TaskStatus


class EngineStatus(StrEnum):
    """`DRAINING` takes no more executions; `OFFLINE` has no lease any more."""

    ONLINE = "online"
    DRAINING = "draining"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class EngineProfile:
    """What an engine is. It stays the same for as long as its process runs.

    name: host and process.
    kind: what runs tasks; so far only engines do.
    host, pid: where it runs; None if that is not known.
    version: of the program.
    capacity: how many executions may work at the same time.
    task_types: those that it can run.
    functions: those that `python` tasks can call.
    """

    name: str
    kind: str = "engine"
    host: str | None = None
    pid: int | None = None
    version: str | None = None
    capacity: int = 0
    task_types: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """What an engine does at one moment.

    running: how many executions work.
    parked: how many of those in its memory only wait.
    draining: whether it takes no more executions.
    """

    running: int = 0
    parked: int = 0
    draining: bool = False


IDLE = EngineLoad()


@dataclass(frozen=True, slots=True)
class RecentTask:
    """A task that an engine has run, or is running.

    id: `execution/task`.
    ended_at: when it came to a final status; None before that.
    """

    id: str
    name: str
    workflow_id: int
    status: TaskStatus
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class EngineWork:
    """What one tenant's executions have done on an engine, as far as they are looked at.

    current: `execution/task`, that was started last of those that are in progress; None without one.
    total: how many tasks have begun.
    failed: how many of these have failed.
    succeeded_attempts, failed_attempts: those that ended in the last hour.
    recent: some of the tasks, the one that was started last first.
    """

    current: str | None = None
    total: int = 0
    failed: int = 0
    succeeded_attempts: int = 0
    failed_attempts: int = 0
    recent: Sequence["RecentTask"] = ()

    @property
    def attempts(self) -> int:
        """How many ended in the last hour."""
        return self.succeeded_attempts + self.failed_attempts

    @property
    def success_rate(self) -> float | None:
        """Between 0 and 1; None when there were too few attempts to say."""
        return None if self.attempts < FEWEST_ATTEMPTS else round(self.succeeded_attempts / self.attempts, 4)


FEWEST_ATTEMPTS = 20
"""Of fewer, one failure more or less would change the rate by more than it says."""

NO_WORK = EngineWork()


@dataclass(frozen=True, slots=True)
class ShownEngine:
    """An engine with a lease, or one whose lease has ended not long ago.

    started_at: since when it has, or had, the lease.
    renewed_at: when it last renewed its lease.
    ended_at: when its lease has ended; None while it has one.
    work: that of the tenant for which it is shown.
    is_whole: false if what the machines are and what others do was left out.
    """

    id: int
    profile: EngineProfile
    load: EngineLoad
    status: EngineStatus
    started_at: datetime
    renewed_at: datetime
    ended_at: datetime | None = None
    work: EngineWork = NO_WORK
    is_whole: bool = True
