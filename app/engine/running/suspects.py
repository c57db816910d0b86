"""Attempts that may be what stops engines, made one at a time.

When an engine stops, all its attempts are lost, and any of them may be the reason. A task that was part of several
such losses is made again while no other such task runs. So the next loss says which one it was, and the others
complete.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

import structlog

log = structlog.get_logger(__name__)

Key = tuple[UUID, int]
"""An execution, and the index of one of its tasks."""

ALONE_SECONDS = 10.0
"""So long the others wait: what stops an engine does so soon after its start, and a task may run for hours."""


class Suspects:
    """At most one of them has the turn; the others wait in order."""

    def __init__(self, alone_seconds: float = ALONE_SECONDS) -> None:
        self._alone_seconds = alone_seconds
        self._running: Key | None = None
        self._end_of_turn: asyncio.TimerHandle | None = None
        self._waiting: OrderedDict[Key, Callable[[], None]] = OrderedDict()

    def admit(self, key: Key, ask_again: Callable[[], None]) -> bool:
        """Return true when the task may start. Otherwise `ask_again` is called when the turn is free."""
        if self._running == key:
            return True
        if self._running is not None:
            self._waiting[key] = ask_again
            return False
        self._waiting.pop(key, None)
        self._running = key
        self._end_of_turn = asyncio.get_running_loop().call_later(self._alone_seconds, self.release, key)
        log.info("suspect_made_alone", execution_id=str(key[0]), waiting=len(self._waiting))
        return True

    def release(self, key: Key) -> None:
        """The task's attempt has ended, or will not start. Harmless for a task that has no turn."""
        self._waiting.pop(key, None)
        if self._running != key:
            return
        self._running = None
        if self._end_of_turn is not None:
            self._end_of_turn.cancel()
        # Not at once: an engine that has lost its lease drops all its executions in one go, and none of them may start.
        asyncio.get_running_loop().call_soon(self._pass_on)

    def _pass_on(self) -> None:
        # One that does not start any more does not ask; then it is the turn of the one after it.
        while self._running is None and self._waiting:
            _, ask_again = self._waiting.popitem(last=False)
            ask_again()
