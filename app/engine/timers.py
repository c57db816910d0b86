"""The times at which an execution's tasks are due."""

import asyncio
from collections.abc import Callable


class Timers:
    """At most one timer per task; `due(index)` is called when it has run out."""

    def __init__(self, due: Callable[[int], None]) -> None:
        self._due = due
        self._handles: dict[int, asyncio.TimerHandle] = {}

    def set(self, index: int, seconds: float) -> None:
        """Also for a time that has passed."""
        if (earlier := self._handles.pop(index, None)) is not None:
            earlier.cancel()
        self._handles[index] = asyncio.get_running_loop().call_later(max(seconds, 0), self._ring, index)

    def cancel(self) -> None:
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _ring(self, index: int) -> None:
        self._handles.pop(index, None)
        self._due(index)
