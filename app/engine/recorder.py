"""Group commit: the one writer of this engine's histories.

Steps of all executions flow into one queue. The writer takes everything that has gathered, writes it in one statement
and one commit, then takes what gathered meanwhile: an idle engine commits at once, a busy one in batches, and nothing
waits on a timer. Each entry is settled in order, with whether its step landed.

A step lands only while this engine owns its execution (the statement checks). When the database does not answer, the
writer asks which steps of the batch are stored and sends the others again, so an outcome whose acknowledgement was
lost is neither lost nor written twice. An execution whose step did not land is lost: its later steps are not sent.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from app.engine.ports import Recording, Step, StoreUnreachable

log = structlog.get_logger(__name__)

Settle = Callable[[bool], None]

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


class Lane:
    """One execution's way into the history. Once `lost`, nothing more is written through it."""

    __slots__ = ("lost",)

    def __init__(self) -> None:
        self.lost = False


@dataclass(slots=True)
class Entry:
    lane: Lane
    step: Step
    settle: Settle


class Recorder:
    """`max_batch` bounds the steps of one statement, `max_waiting` the steps that new work may find before it."""

    def __init__(self, recording: Recording, max_batch: int = 1_000, max_waiting: int = 10_000) -> None:
        self._recording = recording
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._engine_id = 0
        self._waiting: deque[Entry] = deque()
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._writing = False
        self._task: asyncio.Task[None] | None = None

    def start(self, engine_id: int) -> None:
        """Write as this engine from now on."""
        self._engine_id = engine_id
        if self._task is None:
            self._task = asyncio.create_task(self._write_for_ever(), name="recorder")

    def submit(self, lane: Lane, step: Step, settle: Settle) -> None:
        """Queue a step; `settle(landed)` is called from the writer, in order, and must not block."""
        self._waiting.append(Entry(lane, step, settle))
        self._wake.set()

    async def room(self) -> None:
        """Wait until the queue is short enough for new work."""
        while len(self._waiting) >= self._max_waiting:
            await self._next_settling()

    async def drain(self) -> None:
        """Wait until everything submitted so far is settled."""
        while self._waiting or self._writing:
            await self._next_settling()

    async def stop(self) -> None:
        """Stop at once; what still waits is not written."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _next_settling(self) -> None:
        self._settled.clear()
        await self._settled.wait()

    async def _write_for_ever(self) -> None:
        while True:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            batch = self._take()
            self._writing = True
            landed = await self._write([entry for entry in batch if not entry.lane.lost])
            self._writing = False
            for entry in batch:
                _settle(entry, landed)
            self._settled.set()

    def _take(self) -> list[Entry]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._max_batch))]

    async def _write(self, entries: Sequence[Entry]) -> set[UUID]:
        if not entries:
            return set()
        steps = [entry.step for entry in entries]
        try:
            return await self._recording.record(self._engine_id, steps)
        except StoreUnreachable as error:
            log.warning("record_unacknowledged", steps=len(steps), reason=str(error))
            return await self._write_after_outage(entries)
        except Exception as error:  # noqa: BLE001 - one refused step must not hold up all the others
            return await self._write_apart(entries, error)

    async def _write_after_outage(self, entries: Sequence[Entry]) -> set[UUID]:
        """Ask what is stored and send the rest, until the database answers or nothing is left to send."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            rest = [entry for entry in entries if not entry.lane.lost]
            try:
                landed = await self._recording.landed([entry.step for entry in rest])
            except StoreUnreachable:
                log.warning("record_waits_for_database", steps=len(rest))
                continue
            return landed | await self._write([entry for entry in rest if entry.step.execution_id not in landed])

    async def _write_apart(self, entries: Sequence[Entry], error: Exception) -> set[UUID]:
        """The database refused the batch: find the execution whose steps it refuses and write the others."""
        ids = list(dict.fromkeys(entry.step.execution_id for entry in entries))
        if len(ids) == 1:
            log.error("step_refused", execution_id=str(ids[0]), reason=str(error))
            return await self._landed_after_all(entries)
        first = set(ids[: len(ids) // 2])
        one = [entry for entry in entries if entry.step.execution_id in first]
        other = [entry for entry in entries if entry.step.execution_id not in first]
        return await self._write(one) | await self._write(other)

    async def _landed_after_all(self, entries: Sequence[Entry]) -> set[UUID]:
        """An earlier sending, thought lost with its connection, may have landed in between and caused the refusal."""
        try:
            return await self._recording.landed([entry.step for entry in entries])
        except StoreUnreachable:
            return await self._write_after_outage(entries)


def _settle(entry: Entry, landed: set[UUID]) -> None:
    arrived = entry.step.execution_id in landed and not entry.lane.lost
    entry.lane.lost = entry.lane.lost or not arrived
    try:
        entry.settle(arrived)
    except Exception:
        log.exception("step_settling_failed", execution_id=str(entry.step.execution_id))
