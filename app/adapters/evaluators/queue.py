"""Places of which there are few, given to workflows in turn."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

OWN_SHARE = 4
"""One workflow can fill a quarter of the queue."""


class FullQueue(Exception):
    """Too many wait. The message says how many."""


class FairPlaces:
    """Of those who wait, the next is one of the workflow whose turn was the longest ago.

    count: the number of places.
    most_waiting: how many can wait.
    """

    def __init__(self, count: int, most_waiting: int) -> None:
        self._free = count
        self._most_waiting = most_waiting
        self._waiting: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()
        self._count = 0

    @asynccontextmanager
    async def place(self, workflow_id: int) -> AsyncIterator[None]:
        """Have a place within the context. Raise `FullQueue`."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(workflow_id)
        try:
            yield
        finally:
            self._give_on()

    async def _wait(self, workflow_id: int) -> None:
        own = self._waiting.setdefault(workflow_id, deque())
        if self._count >= self._most_waiting or len(own) >= max(1, self._most_waiting // OWN_SHARE):
            self._forget_if_empty(workflow_id)
            raise FullQueue(f"{self._count} evaluations wait already, {len(own)} of them of this workflow")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        own.append(turn)
        self._count += 1
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._give_on()
            elif turn in own:
                own.remove(turn)
                self._count -= 1
                self._forget_if_empty(workflow_id)
            raise

    def _give_on(self) -> None:
        """Hand the place to the next who waits."""
        while self._waiting:
            workflow_id = next(iter(self._waiting))
            turn = self._waiting[workflow_id].popleft()
            self._waiting.move_to_end(workflow_id)
            self._forget_if_empty(workflow_id)
            self._count -= 1
            # One that was cancelled a moment ago has not been able to leave yet.
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _forget_if_empty(self, workflow_id: int) -> None:
        if not self._waiting.get(workflow_id, True):
            del self._waiting[workflow_id]
