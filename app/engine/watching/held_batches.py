"""The bounded buffer between who offers batches that follow one another, and one reader, who takes them."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, Self, TypeVar

HELD_EVENTS = 1_000
HELD_BYTES = 4_194_304


class Consecutive(Protocol):
    """What lies between two numbers, without a gap."""

    @property
    def after(self) -> int:
        """The number before the first one."""

    @property
    def last(self) -> int:
        """The last number. The next batch begins behind it."""

    @property
    def events(self) -> Sequence[object]:
        """What is there; not every number must have something."""

    @property
    def size(self) -> int:
        """About how many bytes it holds; 0 if that is not counted."""

    @property
    def is_final(self) -> bool:
        """True when nothing follows."""

    def rest(self, after: int) -> Self:
        """The part behind number `after`, which must be in this batch."""


Held = TypeVar("Held", bound=Consecutive)


class HeldBatches(Generic[Held]):
    """What one reader has not taken yet.

    held: batches that follow one another, to begin with. There may be more of them than are held later.

    must_read: whether the reader must read the store by itself, because the buffer does not have all that follows.
    after: the number that the reader had reached when it last took something.
    """

    __slots__ = ("_events", "_held", "_size", "_waiting", "_woken", "after", "must_read")

    def __init__(self, held: Iterable[Held] = ()) -> None:
        self._held = deque(held)
        self._events = sum(len(batch.events) for batch in self._held)
        self._size = sum(batch.size for batch in self._held)
        self._woken = False
        self._waiting: asyncio.Future[None] | None = None
        self.must_read = True
        self.after = 0

    @property
    def waits(self) -> bool:
        """True while the reader waits and has not been woken up."""
        return self._waiting is not None and not self._waiting.done()

    def offer(self, batch: Held) -> None:
        """Buffer a batch that is in the store already. Never waits."""
        held, events, size = self._held, self._events + len(batch.events), self._size + batch.size
        # To drop all is safe, because it is in the store. It bounds the memory of a slow reader, and nothing waits for
        # one. What does not continue the buffer comes after something that was not offered here.
        if events > HELD_EVENTS or size > HELD_BYTES or (held and held[-1].last != batch.after):
            held.clear()
            self._events = self._size = 0
            self.must_read = True
        else:
            held.append(batch)
            self._events, self._size = events, size
        self.end_wait()

    def take(self, after: int) -> Held | None:
        """Remove and return the next buffered batch, from number `after` + 1 on.

        None when the buffer is empty. None, and `must_read` is set, when something between `after` and the buffer is
        missing.
        """
        # The reader is about to see everything that it was woken for. Wake-ups from here on set the flag again, so
        # that `wait` returns at once.
        self._woken = False
        self.after = after
        held = self._held
        while held:
            batch = held[0]
            if batch.after > after:
                self.must_read = True
                return None
            held.popleft()
            self._events -= len(batch.events)
            self._size -= batch.size
            # A read of the store may have returned what was offered meanwhile. It must not be returned twice.
            if batch.last > after:
                return batch if batch.after == after else batch.rest(after)
            # A reader beyond the end receives no last event. It learns from the store that nothing will come.
            self.must_read = self.must_read or batch.is_final
        return None

    async def wait(self) -> None:
        """Wait until something is offered, or the wait is ended. Return at once if that has happened since `take`."""
        if not self._woken:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        self._woken = False

    def end_wait(self) -> None:
        """End the reader's wait, or the next one when it does not wait now."""
        self._woken = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def wake(self) -> None:
        """Make the reader read the store by itself."""
        self.must_read = True
        self.end_wait()
