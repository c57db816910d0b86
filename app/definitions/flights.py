"""Single-flight: many callers, one call."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class _Flight(Generic[Result]):
    begun = False
    task: asyncio.Task[Result]


class Flights(Generic[Result]):
    """Callers of one key share a call, but never one that began before they came.

    What such a call finds may be older than what its late caller has a right to. So whoever comes while a call runs
    shares the next one, which begins when the running one ends: any number of callers cost two calls at a time.
    """

    def __init__(self) -> None:
        self._latest: dict[str, _Flight[Result]] = {}

    async def join(self, key: str, call: Callable[[], Awaitable[Result]]) -> Result:
        flight = self._latest.get(key)
        if flight is None or flight.begun:
            flight = self._prepare(key, call, flight)
        return await asyncio.shield(flight.task)

    def _prepare(
        self, key: str, call: Callable[[], Awaitable[Result]], before: _Flight[Result] | None
    ) -> _Flight[Result]:
        flight = self._latest[key] = _Flight[Result]()
        flight.task = asyncio.create_task(self._fly(key, flight, call, before), name=f"read {key}")
        flight.task.add_done_callback(_retrieve)
        return flight

    async def _fly(
        self, key: str, flight: _Flight[Result], call: Callable[[], Awaitable[Result]], before: _Flight[Result] | None
    ) -> Result:
        if before is not None:
            await asyncio.wait([before.task])
        flight.begun = True
        try:
            return await call()
        finally:
            if self._latest.get(key) is flight:
                del self._latest[key]


def _retrieve(task: asyncio.Task[Result]) -> None:
    """The callers may all be gone, and then nobody asks for the error."""
    if not task.cancelled():
        task.exception()
