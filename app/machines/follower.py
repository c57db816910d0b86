"""Reads the history of one entity for all who follow it in this process.

Invariant: `_kept` has the newest events up to `_last`, without a gap. A reader who is within them takes them from
there; one who is before them reads the store by itself; one who is at their end waits for the read that all of them
share. So a thousand readers cost one read, and a slow one delays no other and takes no memory of its own.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import islice

from app.domain.errors import Unavailable
from app.machines.ports import EntityPage
from app.machines.updates import EntityUpdate

PAGE = 500
KEPT_EVENTS = 1_000
KEPT_BYTES = 4_194_304
LONGEST_PATIENCE = 10
"""The longest pause between two reads without a wake-up, in multiples of the first pause."""

Read = Callable[[int, int], Awaitable[EntityPage]]
"""Reads at most so many events behind a number."""


class EntityFollower:
    """The end of one history.

    machine_id: the machine of the entity.
    read: reads the store.
    after: where the first reader begins.
    poll_seconds: the first pause after which it reads without a wake-up; pauses double while nothing happens.
    """

    def __init__(self, machine_id: int, read: Read, after: int, poll_seconds: float) -> None:
        self.readers = 0
        self._machine_id = machine_id
        self._read = read
        self._poll_seconds = poll_seconds
        self._last = after
        self._kept: deque[EntityUpdate] = deque()
        self._bytes = 0
        self._has_ended = False
        self._is_over = False
        self._is_behind = True
        self._woken = asyncio.Event()
        self._growing: asyncio.Task[None] | None = None

    async def next(self, after: int) -> Sequence[EntityUpdate]:
        """The events behind a number, as soon as there are some; none when the history has ended.

        Raise `Unavailable` when the process stops, or when the store is unreachable.
        """
        while True:
            if after < self._last - len(self._kept):
                return self.show(await self._read(after, PAGE))
            if after < self._last:
                begin = len(self._kept) - (self._last - after)
                return list(islice(self._kept, begin, begin + PAGE))
            if self._has_ended:
                return ()
            if self._is_over:
                raise Unavailable(f"the server is stopping; watch the entity again after {after}")
            await self._grown()

    def show(self, page: EntityPage) -> Sequence[EntityUpdate]:
        return [EntityUpdate(page.entity_id, self._machine_id, event) for event in page.events]

    def wake(self) -> None:
        """The history has grown, or may have grown. Never waits."""
        self._is_behind = True
        self._woken.set()

    def end(self) -> None:
        """End all readers, because the process stops."""
        self._is_over = True
        self._woken.set()

    def close(self) -> None:
        """Read no more: the last reader has left."""
        if self._growing is not None:
            self._growing.cancel()

    async def _grown(self) -> None:
        """Return when there is more, or when the history has ended. Raise what the read raises."""
        if self._growing is None or self._growing.done():
            self._growing = asyncio.create_task(self._grow(), name="entity follower")
            self._growing.add_done_callback(_heard)
        await asyncio.shield(self._growing)

    async def _grow(self) -> None:
        pause = self._poll_seconds
        while not (self._is_over or await self._has_grown()):
            self._woken.clear()
            if not (self._is_behind or self._is_over):
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._woken.wait()
                pause = min(pause * 2, self._poll_seconds * LONGEST_PATIENCE)
            self._is_behind = True

    async def _has_grown(self) -> bool:
        if not self._is_behind:
            return False
        # Cleared before the read, not after it: a wake-up during the read may be about events that it did not see.
        self._is_behind = False
        try:
            page = await self._read(self._last, PAGE)
        except BaseException:
            self._is_behind = True
            raise
        self._keep(self.show(page))
        self._has_ended = page.is_final and self._last >= page.last
        self._is_behind = self._is_behind or self._last < page.last
        return bool(page.events) or self._has_ended

    def _keep(self, found: Sequence[EntityUpdate]) -> None:
        self._kept.extend(found)
        self._last += len(found)
        self._bytes += sum(len(update.json) for update in found)
        while self._kept and (len(self._kept) > KEPT_EVENTS or self._bytes > KEPT_BYTES):
            self._bytes -= len(self._kept.popleft().json)


def _heard(task: "asyncio.Task[None]") -> None:
    """All who waited may be gone when the read fails: the error is no news then."""
    if not task.cancelled():
        task.exception()
