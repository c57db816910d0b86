"""How long executions of a workflow and the attempts of their tasks have taken, and how they have ended."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.states import ExecutionStatus
from app.engine.overview.ports import Ended, TaskAttempts


@dataclass(frozen=True, slots=True)
class Durations:
    """count: of how many. p50, p95: in seconds; None without any."""

    count: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class EndedStatistics:
    """failures: how many have an error, by its code."""

    count: int
    oldest_created_at: datetime | None
    newest_created_at: datetime | None
    by_status: Mapping[ExecutionStatus, int]
    failures: Mapping[str, int]
    durations: Durations


@dataclass(frozen=True, slots=True)
class TaskStatistics:
    name: str | None
    attempts: TaskAttempts


@dataclass(frozen=True, slots=True)
class Statistics:
    """of_tasks: in how many of the executions attempts were counted."""

    executions: EndedStatistics
    of_tasks: int
    tasks: Sequence[TaskStatistics]


def ended_statistics(ended: Sequence[Ended]) -> EndedStatistics:
    """`ended` has the newest first."""
    by_status = Counter(one.status for one in ended)
    failures = Counter(one.code for one in ended if one.code is not None)
    return EndedStatistics(
        count=len(ended),
        oldest_created_at=ended[-1].created_at if ended else None,
        newest_created_at=ended[0].created_at if ended else None,
        by_status={status: by_status[status] for status in ExecutionStatus if status.is_final},
        failures=dict(sorted(failures.items(), key=lambda one: (-one[1], one[0]))),
        durations=_durations(
            [
                (one.finished_at - one.started_at).total_seconds()
                for one in ended
                if one.status is ExecutionStatus.COMPLETED and one.started_at is not None
            ]
        ),
    )


def _durations(seconds: Sequence[float]) -> Durations:
    ordered = sorted(seconds)
    return Durations(len(ordered), _percentile(ordered, 0.5), _percentile(ordered, 0.95))


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """Interpolated between the two nearest values, as `percentile_cont` of PostgreSQL."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
