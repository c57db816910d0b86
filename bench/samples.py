"""Samples of one window each, and their statistics over several rounds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """The result of one window of `subject` with `work` and `concurrency` callers, in round `round`.

    cpu_seconds, peak_bytes: by process.
    total: all operations, including those before and after the window.
    stored_bytes, wal_bytes, commits: caused by all `total` operations; None if no database of the run is used.
    """

    subject: str
    work: str
    concurrency: int
    operations: int
    seconds: float
    total: int
    first_ms: dict[str, float] | None = None
    end_ms: dict[str, float] | None = None
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)
    stored_bytes: int | None = None
    wal_bytes: int | None = None
    commits: int | None = None
    task_runs: int = 0
    round: int = 0

    @property
    def rate(self) -> float:
        """Operations per second."""
        return self.operations / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, lowest and highest value of the rounds."""

    median: float
    low: float
    high: float
    rounds: int


def spread(values: Iterable[float]) -> Spread | None:
    """The spread of the values; None if there are none."""
    found = list(values)
    return Spread(median(found), min(found), max(found), len(found)) if found else None


Value = Callable[[Sample], float | None]


@dataclass(frozen=True, slots=True)
class Samples:
    """All samples of a run, by round."""

    all: Sequence[Sample]

    def of(self, subject: str, work: str, concurrency: int | None = None) -> "Samples":
        return Samples(
            [
                sample
                for sample in self.all
                if sample.subject == subject
                and sample.work == work
                and (concurrency is None or sample.concurrency == concurrency)
            ]
        )

    def among(self, subjects: Iterable[str], work: str, concurrency: int | None = None) -> "Samples":
        """The samples of several subjects together."""
        return Samples([sample for subject in subjects for sample in self.of(subject, work, concurrency).all])

    def best(self, value: Value, choose: Callable[[Iterable[float]], float] = max) -> dict[int, float]:
        """By round, the best value of these samples."""
        by_round: dict[int, list[float]] = {}
        for sample in self.all:
            if (found := value(sample)) is not None:
                by_round.setdefault(sample.round, []).append(found)
        return {number: choose(values) for number, values in by_round.items()}

    def spread(self, value: Value) -> Spread | None:
        return spread(found for sample in self.all if (found := value(sample)) is not None)

    def per_operation(self, total: Value) -> float | None:
        """A quantity of all calls, divided by their number; None if it is not known."""
        known = [(found, sample.total) for sample in self.all if (found := total(sample)) is not None and sample.total]
        return sum(found for found, _ in known) / sum(calls for _, calls in known) if known else None


def ratio(one: dict[int, float], other: dict[int, float]) -> Spread | None:
    """The spread of `one` divided by `other`, over the rounds that have both."""
    return spread(one[number] / other[number] for number in sorted(one.keys() & other.keys()) if other[number])


def percentile(which: str) -> Value:
    """The percentile of the time from start to end, in ms; `which` is p50 or p99."""
    return lambda sample: sample.end_ms[which] if sample.end_ms else None


def rate(sample: Sample) -> float | None:
    return sample.rate


def task_rate(sample: Sample) -> float | None:
    return sample.rate * sample.task_runs


def sample(subject: str, work: str, concurrency: int, answer: dict[str, Any], **more: Any) -> Sample:
    """The sample of a program's result."""
    return Sample(subject=subject, work=work, concurrency=concurrency, **answer, **more)
