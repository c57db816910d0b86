"""Reads the history of an execution once for all its watchers in this process.

An execution that runs in another process grows without being published here. One follower then reads its new events,
after a wake-up and, because wake-ups may be lost, at an interval, and offers them to all its watchers. It reads only
when a watcher has taken everything and waits: a slow one costs no reads, and finds in its buffer what was read for the
others.

Invariant: of the events up to the position of the follower, a watcher has received or buffered all, or it reads the
database by itself. The position moves only when what lies before it is offered to all watchers, and a watcher begins
with a read of its own, which sees everything up to the position that it finds. So a position that is too low is
harmless: events that a watcher has already are dropped. One that is too high would lose events.
"""

import asyncio
from typing import Protocol

from app.background.alarm import Alarm
from app.domain.errors import Unavailable
from app.engine.ports import HistoryPage
from app.engine.watching.batch import Batch
from app.engine.watching.watcher import Watcher

PAGE = 500
LONGEST_PATIENCE = 10
"""The longest pause between two reads of a history that does not grow, in multiples of the first pause.

Pauses grow because a thousand watched executions that wait would otherwise query the database all the time, without a
result.
"""


class History(Protocol):
    async def __call__(self, after: int, limit: int) -> HistoryPage:
        """Read at most `limit` events of one execution, after number `after`."""


class Follower:
    """The watchers of one execution in this process, and the reads that they share.

    watchers: receive the events that are published here, and those that are read for all of them.
    is_behind: whether the history may have grown by events that were neither published here nor read.
    """

    __slots__ = ("_clock", "_history", "_pause", "_poll_seconds", "_polled_at", "_position", "_reading", "is_behind",
                 "watchers")  # fmt: skip

    def __init__(self) -> None:
        self.watchers: list[Watcher] = []
        self.is_behind = False
        self._history: History | None = None
        self._position = 0  # nothing has been offered yet
        self._reading: asyncio.Task[None] | None = None
        self._clock = Alarm(self._poll)
        self._poll_seconds = self._pause = 0.0
        self._polled_at = 0  # the position when the next poll was set

    def serve(self, history: History, poll_seconds: float) -> None:
        """Read with `history` for all watchers from now on.

        poll_seconds: the first pause after which it is read without a wake-up; pauses double up to `LONGEST_PATIENCE`
            times as long.
        """
        if self._history is None:
            self._history = history
            self._poll_seconds = poll_seconds
            self._poll_again_after(poll_seconds)

    def hand_out(self, batch: Batch, reader: Watcher | None = None) -> None:
        """Offer all watchers but `reader` what lies behind the position, and move it. Never waits."""
        if batch.first <= self._position:
            if batch.last <= self._position:
                return
            batch = batch.rest(self._position, is_shared=batch.is_shared)
        self._position = batch.last
        for watcher in self.watchers:
            if watcher is not reader:
                watcher.offer(batch)

    def wake(self) -> None:
        """The history has grown, or may have grown, by events that are not published here."""
        self.is_behind = True
        if self._is_wanted():
            self.catch_up()
            return
        for watcher in self.watchers:
            if not watcher.follows:
                watcher.wake()

    def catch_up(self) -> None:
        """Read what is new, unless that is being done. Never waits."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="follower")

    async def page_for(self, watcher: Watcher, history: History, after: int) -> HistoryPage:
        """A page of the history for a watcher that reads by itself. The others receive what is new to them."""
        # Cleared before the read, not after it: a wake-up during the read may be about events that the read did not
        # see.
        watcher.must_read = False
        page = await history(after, PAGE)
        # A full page may have a successor. A wake-up during the read has set the flag, and it must stay set.
        is_full = len(page.events) == PAGE
        watcher.must_read = watcher.must_read or is_full
        # Before anything is offered, only the end of the history is worth to be offered to all.
        if page.events and (self._position or not is_full):
            self._found(Batch(page.events, is_shared=len(self.watchers) > 2), watcher)
        return page

    def has_passed(self, number: int) -> bool:
        """Whether events after `number` have been offered, so that who joins now does not receive them."""
        return self._position > number

    def close(self) -> None:
        """Read no more, and leave no timer behind. May be called more than once."""
        self._clock.close()
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()

    async def _read(self) -> None:
        """Whatever keeps the read from its end, each watcher then reads by itself, and meets the error if it lasts."""
        is_answered = False
        try:
            is_answered = await self._read_for_all()
        except Unavailable:
            pass
        finally:
            is_closed, self._reading = self._reading is None, None
            if not is_answered and not is_closed:
                for watcher in self.watchers:
                    watcher.wake()

    async def _read_for_all(self) -> bool:
        """Read as long as a watcher waits for more. False when the history has ended before, or is removed: that is an
        answer for each watcher by itself.
        """
        assert self._history is not None
        while self.is_behind and self._is_wanted():
            # Cleared before the read, not after it, as in `page_for`.
            self.is_behind = False
            page = await self._history(self._start(), PAGE)
            self.is_behind = self.is_behind or len(page.events) == PAGE
            if page.events:
                self._found(Batch(page.events, is_shared=len(self.watchers) > 1))
            elif page.ended or not page.exists:
                return False
        return True

    def _start(self) -> int:
        """After which event to read for all. Before anything is offered: what the first of them has."""
        return self._position or min(watcher.after for watcher in self.watchers if watcher.wants_more)

    def _found(self, batch: Batch, reader: Watcher | None = None) -> None:
        before = self._position
        self.hand_out(batch, reader)
        if self._position > before:
            self._poll_again_after(self._poll_seconds)

    def _is_wanted(self) -> bool:
        return any(watcher.wants_more for watcher in self.watchers)

    def _poll(self) -> None:
        pause = self._poll_seconds
        # What is published here moves the position, and sets no timer each time.
        if self._position == self._polled_at and self._reading is None and self._is_wanted():
            self.is_behind = True
            self.catch_up()
            pause = min(self._pause * 2, self._poll_seconds * LONGEST_PATIENCE)
        self._poll_again_after(pause)

    def _poll_again_after(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._pause, self._polled_at = seconds, self._position
        self._clock.set(loop.time() + seconds, loop)
