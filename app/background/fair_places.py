"""Places of which there are few, given to tenants in turn, and within a tenant to workflows in turn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.background.fair_queue import FairQueue
from app.domain.shares import Group, TenantShares

OWN_SHARE = 4
"""One workflow can fill a quarter of the queue, and one tenant all but a quarter."""


class FullQueue(Exception):
    """Too many wait.

    waiting: how many.
    own: how many of them belong to the workflow.
    """

    def __init__(self, waiting: int, own: int) -> None:
        super().__init__(f"{waiting} wait already, {own} of them for the same")
        self.waiting = waiting
        self.own = own


class FairPlaces:
    """Of those who wait, the next is one of the tenant whose turn was the longest ago. No tenant has all places, and
    none of its workflows all that the tenant may have.

    count: the number of places.
    most_waiting: how many can wait; None for no bound.
    """

    def __init__(self, count: int, most_waiting: int | None = None) -> None:
        self._shares = TenantShares(count)
        self._most_waiting = most_waiting
        self._waiting: FairQueue[asyncio.Future[None]] = FairQueue()

    @asynccontextmanager
    async def place(self, group: Group) -> AsyncIterator[None]:
        """Have a place within the context. Raise `FullQueue`."""
        if not self._waiting.of(group) and self._shares.may_take(group):
            self._shares.take(group)
        else:
            await self._wait(group)
        try:
            yield
        finally:
            self._give_back(group)

    async def _wait(self, group: Group) -> None:
        self._refuse_too_many(group)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.put(group, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._give_back(group)
            else:
                self._waiting.remove(group, turn)
            raise

    def _refuse_too_many(self, group: Group) -> None:
        most, own = self._most_waiting, self._waiting.of(group)
        if most is None:
            return
        share = max(1, most // OWN_SHARE)
        has_most = self._shares.several and self._waiting.of_tenant(group.tenant_id) >= max(1, most - share)
        if len(self._waiting) >= most or own >= share or has_most:
            raise FullQueue(len(self._waiting), own)

    def _give_back(self, group: Group) -> None:
        self._shares.give(group)
        while (found := self._waiting.pop(self._shares)) is not None:
            next_group, turn = found
            # One that was cancelled a moment ago has not been able to leave yet.
            if not turn.done():
                self._shares.take(next_group)
                turn.set_result(None)
