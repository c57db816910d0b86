"""Breaks what it can reach, in an order that its seed decides."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import count

from tests.support.chaos_house import ENGINES, REDIS, RESTS, House, Kept
from tests.support.chaos_trouble import Trouble
from tests.support.tcp_proxy import TcpProxy

Deeds = Mapping[str, tuple[int, Callable[[], Awaitable[None]]]]
"""By name: how often in relation to the others, and what."""


class Monkey(Trouble):
    """It has two hands, one for the engines and PostgreSQL, the other for the REST processes
    and Redis; each does one deed at a time, and stops after `deeds` of them."""

    def __init__(
        self, house: House, seed: int, lease_seconds: float, pauses: tuple[float, float], deeds: int | None
    ) -> None:
        super().__init__(house)
        self._random = random.Random(f"monkey {seed}")
        self._lease = lease_seconds
        self._pauses = pauses
        self._deeds = deeds

    async def rampage(self) -> None:
        async with asyncio.TaskGroup() as hands:
            hands.create_task(self._use({**self._deeds_to_engines(), **self._deeds_between(ENGINES, (4, 2, 3, 3))}))
            hands.create_task(
                self._use(
                    {
                        **self._deeds_to_rests(),
                        **self._deeds_between(RESTS, (1, 1, 1, 1)),
                        **self._deeds_between(REDIS, (2, 1, 2, 1)),
                    }
                )
            )

    def _deeds_to_engines(self) -> Deeds:
        engines = self.house.engines
        return {
            "kill an engine": (5, partial(self._kill, engines, signal.SIGKILL, self._lease * 1.5)),
            "terminate an engine": (2, partial(self._kill, engines, signal.SIGTERM, 1)),
            "freeze an engine": (2, self._freeze_an_engine),
            "restart PostgreSQL": (2, partial(self._signal_postgres, signal.SIGINT)),
            "crash PostgreSQL": (1, partial(self._signal_postgres, signal.SIGKILL)),
        }

    def _deeds_to_rests(self) -> Deeds:
        return {
            "kill a REST process": (2, partial(self._kill, self.house.rests, signal.SIGKILL, 1)),
            "terminate a REST process": (1, partial(self._kill, self.house.rests, signal.SIGTERM, 1)),
            "kill Redis": (2, partial(self._kill, [self.house.redis], signal.SIGKILL, self._lease)),
        }

    def _deeds_between(self, ends: str, weights: Sequence[int]) -> Deeds:
        deeds = {"cut": self._cut, "vanish": self._vanish, "stall": self._stall, "delay": self._delay}
        return {
            f"{name} {ends}": (weight, partial(deed, self.house.ways[ends]))
            for (name, deed), weight in zip(deeds.items(), weights, strict=True)
        }

    async def _use(self, deeds: Deeds) -> None:
        weights = [weight for weight, _ in deeds.values()]
        for _ in count() if self._deeds is None else range(self._deeds):
            await asyncio.sleep(self._random.uniform(*self._pauses))
            (name,) = self._random.choices(list(deeds), weights)
            self.done[name] += 1
            await deeds[name][1]()

    async def _rest(self, at_most: float) -> None:
        await asyncio.sleep(self._random.uniform(0.2, at_most))

    async def _kill(self, processes: Sequence[Kept], number: signal.Signals, longest_rest: float) -> None:
        self._random.choice(processes).kill(number, self._random.uniform(0.1, longest_rest))

    async def _freeze_an_engine(self) -> None:
        """Long enough for its lease to end while it knows nothing of it."""
        engine = self._random.choice(self.house.engines)
        engine.server.send(signal.SIGSTOP)
        await self._rest(self._lease * 2)
        engine.server.send(signal.SIGCONT)

    async def _signal_postgres(self, number: signal.Signals) -> None:
        self.house.signal_postgres(number)

    async def _cut(self, ways: Sequence[TcpProxy]) -> None:
        self._random.choice(ways).cut()

    async def _vanish(self, ways: Sequence[TcpProxy]) -> None:
        proxy = self._random.choice(ways)
        await proxy.vanish()
        await self._rest(self._lease * 1.5)
        await proxy.start()

    async def _stall(self, ways: Sequence[TcpProxy]) -> None:
        proxy = self._random.choice(ways)
        proxy.stall()
        await self._rest(self._lease * 2)
        proxy.flow()

    async def _delay(self, ways: Sequence[TcpProxy]) -> None:
        proxy = self._random.choice(ways)
        proxy.delay_seconds = self._random.uniform(0.005, 0.2)
        await self._rest(self._lease)
        proxy.delay_seconds = 0
