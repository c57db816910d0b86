"""A timer for waits of which nearly all end early."""

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls `ring()` when the time that was set last has passed, unless it is cleared or set again before.

    To set and to clear it costs no timer of the event loop each time: one timer outlasts many waits. When it runs out,
    it looks at the time that was set last, and is set anew for what is left. A timer for each wait would cost more than
    the wait itself where thousands begin and end in a second.
    """

    __slots__ = ("_due", "_looks_at", "_ring", "_timer")

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = 0.0

    def set(self, due: float, loop: asyncio.AbstractEventLoop) -> None:
        """Ring at `due` on the clock of the running `loop`, and no longer at what was set before."""
        self._due = due
        if self._timer is None or self._looks_at > due:
            self._look_at(due, loop)

    def clear(self) -> None:
        """Do not ring until it is set again."""
        self._due = None

    def close(self) -> None:
        """As `clear`, and leave no timer behind."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_at(self, due: float, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._looks_at = due
        self._timer = loop.call_at(due, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        due = self._due
        if due is None:
            return
        if due > loop.time():
            self._look_at(due, loop)
        else:
            self._due = None
            self._ring()
