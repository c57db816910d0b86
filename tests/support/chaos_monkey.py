"""Breaks what it can reach, in an order that its seed decides."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from tests.support.chaos_house import Engine, House

Action = Callable[[], Awaitable[None]]


class Monkey:
    """`done` counts what it did. One deed at a time; the others go on meanwhile."""

    def __init__(self, house: House, seed: int, lease_seconds: float, shortest: float, longest: float) -> None:
        self._house = house
        self._random = random.Random(f"monkey {seed}")
        self._lease = lease_seconds
        self._pauses = shortest, longest
        self.done: Counter[str] = Counter()
        self._actions: Mapping[Action, int] = {
            self._kill_an_engine: 5,
            self._terminate_an_engine: 2,
            self._freeze_an_engine: 2,
            self._restart_postgres: 2,
            self._crash_postgres: 1,
            self._cut: 4,
            self._vanish: 2,
            self._stall: 3,
            self._delay: 3,
        }

    async def rampage(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._random.uniform(*self._pauses))
            (action,) = self._random.choices(list(self._actions), list(self._actions.values()))
            self.done[action.__name__.strip("_")] += 1
            await action()

    def _engine(self) -> Engine:
        return self._random.choice(self._house.engines)

    async def _rest(self, at_most: float) -> None:
        await asyncio.sleep(self._random.uniform(0.2, at_most))

    async def _kill_an_engine(self) -> None:
        self._engine().kill(signal.SIGKILL, self._random.uniform(0.1, self._lease * 1.5))

    async def _terminate_an_engine(self) -> None:
        self._engine().kill(signal.SIGTERM, self._random.uniform(0.1, 1))

    async def _freeze_an_engine(self) -> None:
        """Long enough for its lease to end while it knows nothing of it."""
        engine = self._engine()
        engine.server.send(signal.SIGSTOP)
        await self._rest(self._lease * 2)
        engine.server.send(signal.SIGCONT)

    async def _restart_postgres(self) -> None:
        self._house.signal_postgres(signal.SIGINT)

    async def _crash_postgres(self) -> None:
        self._house.signal_postgres(signal.SIGKILL)

    async def _cut(self) -> None:
        self._engine().proxy.cut()

    async def _vanish(self) -> None:
        proxy = self._engine().proxy
        await proxy.vanish()
        await self._rest(self._lease * 1.5)
        await proxy.start()

    async def _stall(self) -> None:
        proxy = self._engine().proxy
        proxy.stall()
        await self._rest(self._lease * 2)
        proxy.flow()

    async def _delay(self) -> None:
        proxy = self._engine().proxy
        proxy.delay_seconds = self._random.uniform(0.005, 0.2)
        await self._rest(self._lease)
        proxy.delay_seconds = 0
