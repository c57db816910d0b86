"""Limits how many wrong credentials may come from an address, without hindering who sends right ones."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.domain.callers import Caller
from app.domain.errors import Unavailable
from app.identity.rates import Rates

AT_ONCE = 10
"""How many credentials of an address are checked at a time, as far as the limit is ten times that."""


@dataclass(slots=True)
class _Places:
    """Those of one address.

    free: for the checks that may run.
    used: by so many checks, also those that wait.
    """

    free: asyncio.Semaphore
    used: int = 0


class Guesses:
    """Counts every credential that may be a guess before it is checked, so that many at once are limited, too, and
    undoes that when it was right. Few are checked at a time, so that many right ones at once are not taken for guesses.

    rates: count.
    """

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._places: dict[str, _Places] = {}

    async def check(self, address: str, check: Callable[[], Awaitable[Caller]]) -> Caller:
        """What `check` returns or raises. Raise `RateLimited` instead of calling it after too many wrong ones."""
        async with self._place(address):
            await self._rates.count_credential(address)
            try:
                caller = await check()
            except Unavailable:
                self._rates.give_back_credential(address)
                raise
            self._rates.give_back_credential(address)
            return caller

    @asynccontextmanager
    async def _place(self, address: str) -> AsyncIterator[None]:
        places = self._places.get(address)
        if places is None:
            places = self._places[address] = _Places(asyncio.Semaphore(self._rates.part_of_address(AT_ONCE)))
        places.used += 1
        try:
            async with places.free:
                yield
        finally:
            places.used -= 1
            if not places.used:
                del self._places[address]
