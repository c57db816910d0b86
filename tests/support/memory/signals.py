"""Notifications between the parts of one process that stand for several."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from tests.support.memory.faults import Faults


class MemorySignals:
    """Notifications arrive in the loop's next turn, at those who share the same `MemorySignals`."""

    def __init__(self, faults: Faults | None = None) -> None:
        self._faults = faults or Faults()
        self._listeners: defaultdict[str, list[Callable[[str], None]]] = defaultdict(list)

    async def announce(self, channel: str, payload: str) -> None:
        async with self._faults.around("announce"):
            for listener in self._listeners[channel]:
                asyncio.get_running_loop().call_soon(listener, payload)

    def subscribe(self, channel: str, listener: Callable[[str], None]) -> None:
        self._listeners[channel].append(listener)
