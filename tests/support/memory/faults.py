"""What may go wrong with a call to a database, at the moment that a test chooses."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from app.engine.ports import StoreUnreachable

Happening = Callable[[], Awaitable[None]]


class Gate:
    """A wait point: `reached` returns when a call stands before it, `open` lets the call go on."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._opened = asyncio.Event()

    async def reached(self) -> None:
        await self._reached.wait()

    def open(self) -> None:
        self._opened.set()

    async def pass_through(self) -> None:
        self._reached.set()
        await self._opened.wait()


class Faults:
    """Calls are known by the names of the ports' methods. What is planned for a call happens once, in order.

    `outage` makes every call fail, without effect, until it is set to False again.
    """

    def __init__(self) -> None:
        self.outage = False
        self._before: defaultdict[str, deque[Happening]] = defaultdict(deque)
        self._after: defaultdict[str, deque[Happening]] = defaultdict(deque)

    def hold_before(self, call: str) -> Gate:
        """The next such call waits before it has any effect."""
        gate = Gate()
        self._before[call].append(gate.pass_through)
        return gate

    def hold_after(self, call: str) -> Gate:
        """The next such call has its effect, then waits with its answer."""
        gate = Gate()
        self._after[call].append(gate.pass_through)
        return gate

    def fail(self, call: str, error: Exception | None = None) -> None:
        """The next such call has no effect and raises `error`, `StoreUnreachable` when there is none."""
        self._before[call].append(_raiser(error or _unreachable()))

    def lose_answer(self, call: str) -> None:
        """The next such call has its effect and raises `StoreUnreachable`."""
        self._after[call].append(_raiser(_unreachable()))

    @asynccontextmanager
    async def around(self, call: str) -> AsyncIterator[None]:
        """What the adapters put around the work of each call."""
        await _next(self._before[call])
        if self.outage:
            raise _unreachable()
        yield
        await _next(self._after[call])


async def _next(planned: deque[Happening]) -> None:
    if planned:
        await planned.popleft()()


def _raiser(error: Exception) -> Happening:
    async def fail() -> None:
        raise error

    return fail


def _unreachable() -> StoreUnreachable:
    return StoreUnreachable("the database does not answer: a planned fault")
