"""How much is computed in one turn of the event loop, by everything in this process together."""

import asyncio

TURN_STEPS = 15_000
"""The steps of one turn: about 3 ms."""

NOTED_STEPS = 1_000
"""Fewer steps are not worth a call in the next turn."""


class Turns:
    """One for each process. A step is a unit of cost: about 0.2 µs.

    - most: the largest number of steps that one turn has taken so far
    """

    def __init__(self, limit: int = TURN_STEPS) -> None:
        self._limit = limit
        self._spent = 0
        self._ends_soon = False
        self._waiting = asyncio.Lock()
        self.most = 0

    @property
    def is_spent(self) -> bool:
        """True when this turn has taken all the steps that it may."""
        return self._spent >= self._limit

    def spend(self, steps: int) -> None:
        """Count what was computed in this turn."""
        self._spent += steps
        if self._spent > NOTED_STEPS and not self._ends_soon:
            self._ends_soon = True
            # What is called soon is called in the next turn.
            asyncio.get_running_loop().call_soon(self._end)

    async def next(self) -> None:
        """Wait until something may be computed. Callers go in the order in which they came."""
        async with self._waiting:
            while self.is_spent:  # noqa: ASYNC110 - the end of the turn is scheduled already
                await asyncio.sleep(0)

    def _end(self) -> None:
        self.most = max(self.most, self._spent)
        self._spent = 0
        self._ends_soon = False
