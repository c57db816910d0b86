"""What an execution has to do at a certain time."""

import asyncio
from collections.abc import Callable, Hashable


class Timers:
    """At most one timer per key; its `ring` is called when it has run out."""

    __slots__ = ("_handles",)

    def __init__(self) -> None:
        self._handles: dict[Hashable, asyncio.TimerHandle] = {}

    def set(self, key: Hashable, seconds: float, ring: Callable[[], None]) -> None:
        """Also for a time that has passed."""
        self.cancel(key)
        self._handles[key] = asyncio.get_running_loop().call_later(max(seconds, 0), self._ring, key, ring)

    def cancel(self, key: Hashable) -> None:
        if (handle := self._handles.pop(key, None)) is not None:
            handle.cancel()

    def cancel_all(self) -> None:
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _ring(self, key: Hashable, ring: Callable[[], None]) -> None:
        self._handles.pop(key, None)
        ring()
