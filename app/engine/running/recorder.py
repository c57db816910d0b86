"""Group commit: the one writer of this engine's histories.

Steps of all executions go into one queue. The writer takes everything that has gathered, writes it in one statement and
one commit, then takes what gathered meanwhile: an idle engine commits at once, a busy one in batches, and nothing waits
on a timer. Each step is acknowledged in order, with whether it is stored. That is done a few at a time: the steps that
follow from the first ones are on their way to the database while the others are being acknowledged, so that this
process and PostgreSQL do not wait for each other in turns.

A step is stored only while this engine owns its execution (the statement checks). When the database does not answer,
the writer asks which steps of the batch are stored and sends the others again, so that an outcome whose acknowledgement
was lost is neither lost nor written twice. When a step is not stored, the permit to write for its execution is revoked:
its later steps are not sent.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from app.background.backoff import Backoff
from app.background.loop import Loop, OnDefect
from app.engine.ports import Recording, Step, StoreUnreachable

log = structlog.get_logger(__name__)

Acknowledge = Callable[[bool], None]
"""Called once with whether a step is stored; must not block."""

ACKNOWLEDGED_AT_ONCE = 32
STEPS_WHEN_BUSY = 4
TURNS = 16
"""How often the event loop goes round in vain before a busy recorder writes: a turn brings but few messages of gRPC."""
GATHER_SECONDS = 0.002
"""How long that may take. While much is evaluated in this process, a turn takes long and brings no more."""

RETRY = Backoff(first_seconds=0.05, longest_seconds=1.0)


class WritePermit:
    """The right of one run to write to the history of its execution.

    - revoked: true once the execution is not this engine's any more; nothing is written from then on
    """

    __slots__ = ("revoked",)

    def __init__(self) -> None:
        self.revoked = False


@dataclass(slots=True)
class Entry:
    permit: WritePermit
    step: Step
    acknowledge: Acknowledge

    @property
    def size(self) -> int:
        """About how much there is to send, in bytes."""
        size = 0 if self.step.opening is None else len(self.step.opening.input.text)
        if self.step.family is not None:
            size += sum(len(child.opening.input.text) for child in self.step.family.openings)
        for event in self.step.events:
            if event.data is not None:
                size += len(event.data)
        return size


class Recorder:
    """An entry is waiting, then being written, then decided (whether it is stored is known), then acknowledged.

    - max_batch: how many steps a statement has at most
    - max_waiting: how many steps may wait before new work has to
    - max_batch_bytes: about how large a statement may be
    - backoff: the pauses while the database does not answer
    """

    def __init__(
        self,
        recording: Recording,
        max_batch: int = 1_000,
        max_waiting: int = 10_000,
        max_batch_bytes: int = 8_388_608,
        backoff: Backoff = RETRY,
    ) -> None:
        self._recording = recording
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._max_batch_bytes = max_batch_bytes
        self._engine_id = 0
        self._waiting: deque[Entry] = deque()
        self._writing: Sequence[Entry] = ()
        self._decided: deque[Entry] = deque()
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()
        self._is_busy = False
        self._backoff = backoff
        # Every error of a step is a defect: what it had taken from the queue would be lost, if another step followed.
        self._loop = Loop("recorder", self._write_batch, self._wait_for_steps, expected=())

    def start(self, engine_id: int, on_defect: OnDefect) -> None:
        """Write as this engine from now on. A defect that ends the writer is reported to `on_defect(error)`."""
        self._engine_id = engine_id

        def report(error: Exception) -> None:
            self._progress.set()
            on_defect(error)

        self._loop.start(report, with_pause=True)

    def submit(self, permit: WritePermit, step: Step, acknowledge: Acknowledge) -> None:
        """Queue a step; `acknowledge(stored)` is called from the writer, in the order of the steps."""
        self._waiting.append(Entry(permit, step, acknowledge))
        self._wake.set()

    async def wait_for_room(self) -> None:
        """Wait until the queue is short enough for new work."""
        while len(self._waiting) >= self._max_waiting and self._loop.is_running:
            await self._next_progress()

    async def drain(self) -> None:
        """Wait until everything submitted so far is acknowledged, or the writer has ended."""
        while (self._waiting or self._writing or self._decided) and self._loop.is_running:
            await self._next_progress()

    async def stop(self) -> None:
        """Stop at once; what is not decided is acknowledged as not stored, since it will never be known here."""
        await self._loop.finish()
        undecided = [*self._writing, *self._waiting]
        self._writing = ()
        self._waiting.clear()
        self._decide(undecided, stored=())
        while self._decided:
            self._acknowledge_some()

    async def _next_progress(self) -> None:
        self._progress.clear()
        await self._progress.wait()

    async def _wait_for_steps(self) -> None:
        if not self._waiting:
            self._wake.clear()
            await self._wake.wait()

    async def _write_batch(self) -> bool:
        """True when there are steps for another batch."""
        if self._is_busy:
            await self._gather()
        self._writing = self._next_batch()
        self._is_busy = len(self._writing) >= STEPS_WHEN_BUSY
        stored = await self._write(self._writing)
        self._decide(self._writing, stored)
        self._writing = ()
        return bool(self._waiting)

    async def _gather(self) -> None:
        """Let everything that is ready to run in this process have its turn, as long as it brings further steps.

        A busy process would spend itself on commits of a few steps each.
        """
        now = asyncio.get_running_loop().time
        gathered, turns, until = 0, TURNS, now() + GATHER_SECONDS
        while turns and len(self._waiting) < ACKNOWLEDGED_AT_ONCE and now() < until:
            if len(self._waiting) > gathered:
                gathered, turns = len(self._waiting), TURNS
            turns -= 1
            await asyncio.sleep(0)

    def _next_batch(self) -> Sequence[Entry]:
        """At least one entry; a single step may be larger than a batch should be."""
        batch: list[Entry] = []
        size = 0
        while self._waiting and len(batch) < self._max_batch and size < self._max_batch_bytes:
            batch.append(self._waiting.popleft())
            size += batch[-1].size
        return batch

    def _decide(self, entries: Sequence[Entry], stored: Collection[UUID]) -> None:
        # All permits before any acknowledgement: that lets further steps in, and the writer may take the next batch
        # before the last of these entries is acknowledged. Nothing may be written behind a step that is missing.
        for entry in entries:
            if entry.step.execution_id not in stored:
                entry.permit.revoked = True
        is_acknowledging = bool(self._decided)
        self._decided.extend(entries)
        if not is_acknowledging:
            self._acknowledge_some()

    def _acknowledge_some(self) -> None:
        for _ in range(min(len(self._decided), ACKNOWLEDGED_AT_ONCE)):
            _acknowledge(self._decided.popleft())
        if self._decided:
            asyncio.get_running_loop().call_soon(self._acknowledge_some)
        self._progress.set()

    async def _write(self, entries: Sequence[Entry]) -> set[UUID]:
        """The executions whose steps are stored, once that is known for all whose permits are not revoked meanwhile."""
        stored: set[UUID] = set()
        pauses = self._backoff.pauses()
        while rest := _undecided(entries, stored):
            try:
                return stored | await self._recording.record(self._engine_id, [entry.step for entry in rest])
            except StoreUnreachable as error:
                log.warning("record_unacknowledged", steps=len(rest), reason=str(error))
                await asyncio.sleep(next(pauses))
                # The write may have been committed although its acknowledgement was lost. Sent again unasked, it would
                # be refused for events that exist, and what is stored would be taken for lost.
                stored |= await self._stored(rest, pauses)
            except Exception as error:  # noqa: BLE001 - one refused step must not block all the others
                return stored | await self._write_apart(rest, error)
        return stored

    async def _stored(self, entries: Sequence[Entry], pauses: Iterator[float]) -> set[UUID]:
        """Ask which steps are stored until the database answers or nothing is left to ask for."""
        while rest := _undecided(entries):
            try:
                return await self._recording.stored([entry.step for entry in rest])
            except StoreUnreachable:
                log.warning("record_waits_for_database", steps=len(rest))
                await asyncio.sleep(next(pauses))
        return set()

    async def _write_apart(self, entries: Sequence[Entry], error: Exception) -> set[UUID]:
        """The database refused the batch: find the execution whose steps it refuses and write the others."""
        ids = list(dict.fromkeys(entry.step.execution_id for entry in entries))
        if len(ids) == 1:
            log.error("step_refused", execution_id=str(ids[0]), reason=str(error))
            # An earlier attempt, thought lost with its connection, may have been committed since and be what refuses.
            return await self._stored(entries, self._backoff.pauses())
        first = set(ids[: len(ids) // 2])
        one = [entry for entry in entries if entry.step.execution_id in first]
        other = [entry for entry in entries if entry.step.execution_id not in first]
        return await self._write(one) | await self._write(other)


def _undecided(entries: Sequence[Entry], stored: Collection[UUID] = ()) -> Sequence[Entry]:
    """Those whose permits are not revoked and that are not known to be stored."""
    return [entry for entry in entries if not entry.permit.revoked and entry.step.execution_id not in stored]


def _acknowledge(entry: Entry) -> None:
    try:
        entry.acknowledge(not entry.permit.revoked)
    except Exception:
        log.exception("acknowledgement_failed", execution_id=str(entry.step.execution_id))
