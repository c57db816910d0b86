"""What all parts of a run share: the servers, a folder, the size, and the remarks for the report."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from bench.closed_loop import Load
from bench.machine import calibration_ms
from bench.processes import machine_times, stolen_share
from bench.samples import Sample
from bench.sizes import Size
from bench.stores import Stores, open_stores

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Conditions:
    """The speed of the machine before a round, and the share of processor time taken by other machines during it."""

    part: str
    round: int
    calibration_ms: float
    stolen_share: float | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A value that is measured once, not in rounds."""

    name: str
    value: float
    unit: str


@dataclass(slots=True)
class House:
    """The shared parts. `say` prints progress; `remarks` are written into the report."""

    folder: Path
    stores: Stores
    size: Size
    say: Callable[[str], None]
    remarks: list[str] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    conditions: list[Conditions] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    has_failures: bool = False

    def load(self, concurrency: int, role: str = "client", at_least: int = 0, **watched: Sequence[int]) -> Load:
        """A load of this run's size. PostgreSQL is always watched, if it runs on this machine."""
        size = self.size
        everything = {**watched, "postgresql": self.stores.postgres_pids}
        known = {name: list(pids) for name, pids in everything.items() if pids}
        return Load(concurrency, size.seconds, size.warmup_seconds, size.max_seconds, role, known, at_least)

    def calls_for(self, work: str, concurrency: int) -> int:
        """The minimum number of calls in a window. Idle times of `seq3` are compared by percentiles and need many."""
        return self.size.idle_calls if (work, concurrency) == ("seq3", 1) else 0

    def remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)
            self.say(text)


@dataclass(frozen=True, slots=True)
class Contestant:
    """Something that is measured once in every round."""

    name: str
    measure: Callable[[], Awaitable[Sequence[Sample]]]


@asynccontextmanager
async def open_house(size: Size, say: Callable[[str], None]) -> AsyncIterator[House]:
    """Open the servers and a folder. Raise `StorageError` if no PostgreSQL can be started or reached."""
    with tempfile.TemporaryDirectory(prefix="workflow-bench-", ignore_cleanup_errors=True) as name:
        folder = _open_to_the_server(Path(name))
        say("Starting PostgreSQL and Redis ...")
        async with open_stores(folder) as stores:
            yield House(folder, stores, size, say)


def _open_to_the_server(folder: Path) -> Path:
    """Let other users enter the folder: as root, PostgreSQL runs as another user, who must reach its data."""
    folder.chmod(0o711)
    return folder


async def in_rounds(
    house: House, part: str, contestants: Sequence[Contestant], rounds: int | None = None
) -> list[Sample]:
    """Measure all contestants in turn, once per round. One that fails is left out, with a remark."""
    samples: list[Sample] = []
    rounds = rounds or house.size.rounds
    for number in range(rounds):
        calibrated, before = calibration_ms(), machine_times()
        for contestant in contestants:
            house.say(f"{part}, round {number + 1} of {rounds}: {contestant.name}")
            found = await as_far_as_possible(house, contestant.name, contestant.measure)
            samples += [replace(sample, round=number) for sample in found or ()]
        house.conditions.append(Conditions(part, number, calibrated, stolen_share(before, machine_times())))
    return samples


async def as_far_as_possible(house: House, name: str, measure: Callable[[], Awaitable[Found]]) -> Found | None:
    """The result of `measure`; None, with a remark, if it fails, so that the rest of the run continues."""
    try:
        return await measure()
    except Exception as failure:  # noqa: BLE001 - whatever it is, what was measured before must not be lost
        house.has_failures = True
        house.remark(f"{name} could not be measured: {type(failure).__name__}: {failure}")
        return None
