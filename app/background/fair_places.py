"""Places of which there are few, given to groups in turn."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from app.domain.shares import Shares

OWN_SHARE = 4
"""One group can fill a quarter of the queue."""

Turns = deque[asyncio.Future[None]]


class FullQueue(Exception):
    """Too many wait.

    waiting: how many.
    own: how many of them belong to the group.
    """

    def __init__(self, waiting: int, own: int) -> None:
        super().__init__(f"{waiting} wait already, {own} of them for the same")
        self.waiting = waiting
        self.own = own


class FairPlaces:
    """Of those who wait, the next is one of the group whose turn was the longest ago. No group has all places.

    count: the number of places.
    most_waiting: how many can wait; None for no bound.
    """

    def __init__(self, count: int, most_waiting: int | None = None) -> None:
        self._shares: Shares[Hashable] = Shares(count)
        self._most_waiting = most_waiting
        self._waiting: OrderedDict[Hashable, Turns] = OrderedDict()
        self._count = 0

    @asynccontextmanager
    async def place(self, group: Hashable) -> AsyncIterator[None]:
        """Have a place within the context. Raise `FullQueue`."""
        if group not in self._waiting and self._shares.may_take(group):
            self._shares.take(group)
        else:
            await self._wait(group)
        try:
            yield
        finally:
            self._give_back(group)

    async def _wait(self, group: Hashable) -> None:
        self._refuse_too_many(len(self._waiting.get(group, ())))
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        own = self._waiting.setdefault(group, deque())
        own.append(turn)
        self._count += 1
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._give_back(group)
            elif turn in own:
                own.remove(turn)
                self._count -= 1
                self._forget_if_empty(group)
            raise

    def _refuse_too_many(self, own: int) -> None:
        most = self._most_waiting
        if most is not None and (self._count >= most or own >= max(1, most // OWN_SHARE)):
            raise FullQueue(self._count, own)

    def _give_back(self, group: Hashable) -> None:
        self._shares.give(group)
        while (next_group := self._next()) is not None:
            turn = self._waiting[next_group].popleft()
            self._waiting.move_to_end(next_group)
            self._forget_if_empty(next_group)
            self._count -= 1
            # One that was cancelled a moment ago has not been able to leave yet.
            if not turn.done():
                self._shares.take(next_group)
                turn.set_result(None)

    def _next(self) -> Hashable | None:
        return next((group for group in self._waiting if self._shares.may_take(group)), None)

    def _forget_if_empty(self, group: Hashable) -> None:
        if not self._waiting.get(group, True):
            del self._waiting[group]
