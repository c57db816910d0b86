"""Single-flight: concurrent callers share one call."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class _Flight(Generic[Result]):
    begun = False
    task: asyncio.Task[Result]


class Flights(Generic[Result]):
    """Callers of one key share a call, but never a call that began before they arrived.

    The result of such a call may be older than a write that was acknowledged before the late caller arrived. Therefore
    a caller that arrives while a call is running shares the next call, which begins when the running one ends. Any
    number of callers cause at most two calls at a time.
    """

    def __init__(self) -> None:
        self._latest: dict[Hashable, _Flight[Result]] = {}

    async def join(self, key: Hashable, call: Callable[[], Awaitable[Result]]) -> Result:
        flight = self._latest.get(key)
        if flight is None or flight.begun:
            flight = self._prepare(key, call, flight)
        return await asyncio.shield(flight.task)

    def _prepare(
        self, key: Hashable, call: Callable[[], Awaitable[Result]], before: _Flight[Result] | None
    ) -> _Flight[Result]:
        flight = self._latest[key] = _Flight[Result]()
        flight.task = asyncio.create_task(self._fly(key, flight, call, before), name=f"read {key}")
        flight.task.add_done_callback(_retrieve)
        return flight

    async def _fly(
        self,
        key: Hashable,
        flight: _Flight[Result],
        call: Callable[[], Awaitable[Result]],
        before: _Flight[Result] | None,
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
    """Retrieve the error of a call whose callers have all gone, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()
