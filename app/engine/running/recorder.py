"""Group commit: the one writer of this engine's histories.

Steps of all executions flow into one queue. The writer takes everything that has gathered, writes it in one statement
and one commit, then takes what gathered meanwhile: an idle engine commits at once, a busy one in batches, and nothing
waits on a timer. Each entry is settled in order, with whether its step landed. That is done a few at a time: the steps
that follow from the first ones are on their way to the database while the others are being settled, so that this
process and PostgreSQL do not wait for each other in turns.

A step lands only while this engine owns its execution (the statement checks). When the database does not answer, the
writer asks which steps of the batch are stored and sends the others again, so an outcome whose acknowledgement was
lost is neither lost nor written twice. An execution whose step did not land is lost: its later steps are not sent.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from app.engine.ports import Recording, Step, StoreUnreachable

log = structlog.get_logger(__name__)

Settle = Callable[[bool], None]

SETTLED_AT_ONCE = 32
STEPS_WHEN_BUSY = 4
TURNS = 16
"""How often the event loop goes round in vain before a busy recorder writes: a turn brings but few messages of gRPC."""

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

    @property
    def size(self) -> int:
        """About how much there is to send, in bytes."""
        size = 0 if self.step.opening is None else len(self.step.opening.input)
        for event in self.step.events:
            if event.data is not None:
                size += len(event.data)
        return size


class Recorder:
    """`max_batch` and `max_batch_bytes` bound a statement, `max_waiting` the steps that new work may find before it."""

    def __init__(
        self,
        recording: Recording,
        max_batch: int = 1_000,
        max_waiting: int = 10_000,
        max_batch_bytes: int = 8_388_608,
    ) -> None:
        self._recording = recording
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._max_batch_bytes = max_batch_bytes
        self._engine_id = 0
        self._waiting: deque[Entry] = deque()
        self._written: Sequence[Entry] = ()
        self._known: deque[Entry] = deque()
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, engine_id: int, on_end: Callable[[asyncio.Task[None]], None]) -> None:
        """Write as this engine from now on. `on_end(writer)` is called when the writer stops, or dies of a defect."""
        self._engine_id = engine_id
        if self._task is None:
            self._task = asyncio.create_task(self._write_for_ever(), name="recorder")
            self._task.add_done_callback(on_end)
            self._task.add_done_callback(lambda _: self._settled.set())

    def submit(self, lane: Lane, step: Step, settle: Settle) -> None:
        """Queue a step; `settle(landed)` is called from the writer, in order, and must not block."""
        self._waiting.append(Entry(lane, step, settle))
        self._wake.set()

    async def room(self) -> None:
        """Wait until the queue is short enough for new work."""
        while len(self._waiting) >= self._max_waiting and self._is_alive:
            await self._next_settling()

    async def drain(self) -> None:
        """Wait until everything submitted so far is settled, or nobody is left to do so."""
        while (self._waiting or self._written or self._known) and self._is_alive:
            await self._next_settling()

    async def stop(self) -> None:
        """Stop at once; what still waits is settled as if it had not landed, since nobody will know."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        unknown = [*self._written, *self._waiting]
        self._written = ()
        self._waiting.clear()
        self._learn(unknown, landed=())
        while self._known:
            self._settle_some()

    @property
    def _is_alive(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _next_settling(self) -> None:
        self._settled.clear()
        await self._settled.wait()

    async def _write_for_ever(self) -> None:
        is_busy = False
        while True:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            if is_busy:
                await self._gather()
            self._written = self._take()
            is_busy = len(self._written) >= STEPS_WHEN_BUSY
            landed = await self._write(self._written)
            self._learn(self._written, landed)
            self._written = ()

    async def _gather(self) -> None:
        """Let everything that is ready to run in this process have its turn, as long as it brings further steps.

        A busy process would spend itself on commits of a few steps each.
        """
        gathered, turns = 0, TURNS
        while turns and len(self._waiting) < SETTLED_AT_ONCE:
            if len(self._waiting) > gathered:
                gathered, turns = len(self._waiting), TURNS
            turns -= 1
            await asyncio.sleep(0)

    def _take(self) -> Sequence[Entry]:
        """At least one; a single step may be larger than a batch should be."""
        batch: list[Entry] = []
        size = 0
        while self._waiting and len(batch) < self._max_batch and size < self._max_batch_bytes:
            batch.append(self._waiting.popleft())
            size += batch[-1].size
        return batch

    def _learn(self, entries: Sequence[Entry], landed: Collection[UUID]) -> None:
        """What did not land is lost from now on: nothing that is already waiting behind it may be written."""
        for entry in entries:
            if entry.step.execution_id not in landed:
                entry.lane.lost = True
        is_settling = bool(self._known)
        self._known.extend(entries)
        if not is_settling:
            self._settle_some()

    def _settle_some(self) -> None:
        for _ in range(min(len(self._known), SETTLED_AT_ONCE)):
            _settle(self._known.popleft())
        if self._known:
            asyncio.get_running_loop().call_soon(self._settle_some)
        self._settled.set()

    async def _write(self, entries: Sequence[Entry]) -> set[UUID]:
        """The executions whose steps landed, once the database has answered for all that are not lost meanwhile."""
        landed: set[UUID] = set()
        pauses = _pauses()
        while rest := _open(entries, landed):
            try:
                return landed | await self._recording.record(self._engine_id, [entry.step for entry in rest])
            except StoreUnreachable as error:
                log.warning("record_unacknowledged", steps=len(rest), reason=str(error))
                await asyncio.sleep(next(pauses))
                landed |= await self._stored(rest, pauses)
            except Exception as error:  # noqa: BLE001 - one refused step must not hold up all the others
                return landed | await self._write_apart(rest, error)
        return landed

    async def _stored(self, entries: Sequence[Entry], pauses: Iterator[float]) -> set[UUID]:
        """Ask which steps are stored until the database answers or nothing is left to ask for."""
        while rest := _open(entries):
            try:
                return await self._recording.landed([entry.step for entry in rest])
            except StoreUnreachable:
                log.warning("record_waits_for_database", steps=len(rest))
                await asyncio.sleep(next(pauses))
        return set()

    async def _write_apart(self, entries: Sequence[Entry], error: Exception) -> set[UUID]:
        """The database refused the batch: find the execution whose steps it refuses and write the others."""
        ids = list(dict.fromkeys(entry.step.execution_id for entry in entries))
        if len(ids) == 1:
            log.error("step_refused", execution_id=str(ids[0]), reason=str(error))
            # An earlier sending, thought lost with its connection, may have landed since and caused the refusal.
            return await self._stored(entries, _pauses())
        first = set(ids[: len(ids) // 2])
        one = [entry for entry in entries if entry.step.execution_id in first]
        other = [entry for entry in entries if entry.step.execution_id not in first]
        return await self._write(one) | await self._write(other)


def _open(entries: Sequence[Entry], landed: Collection[UUID] = ()) -> Sequence[Entry]:
    """Those that are neither lost nor known to have landed."""
    return [entry for entry in entries if not entry.lane.lost and entry.step.execution_id not in landed]


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _settle(entry: Entry) -> None:
    try:
        entry.settle(not entry.lane.lost)
    except Exception:
        log.exception("step_settling_failed", execution_id=str(entry.step.execution_id))
