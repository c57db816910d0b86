"""Timers of one execution, on the event loop's clock."""

import asyncio
from collections.abc import Callable, Hashable


class Timers:
    """At most one timer per key; its callback is called once, when it has run out."""

    __slots__ = ("_handles",)

    def __init__(self) -> None:
        self._handles: dict[Hashable, asyncio.TimerHandle] = {}

    def __bool__(self) -> bool:
        return bool(self._handles)

    def set(self, key: Hashable, seconds: float, callback: Callable[[], None]) -> None:
        """Replace the timer of `key`. One for a time that has passed runs out at once, but not before this returns."""
        self.cancel(key)
        self._handles[key] = asyncio.get_running_loop().call_later(max(seconds, 0), self._run_out, key, callback)

    def cancel(self, key: Hashable) -> None:
        if (handle := self._handles.pop(key, None)) is not None:
            handle.cancel()

    def cancel_all(self) -> None:
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _run_out(self, key: Hashable, callback: Callable[[], None]) -> None:
        self._handles.pop(key, None)
        callback()
