"""An event loop without a real clock: several processes take turns on it, and one seed decides every turn.

Each callback belongs to the `Place` that scheduled it, which asyncio's contexts carry along. Within a place callbacks
keep their order, as on any event loop; which place comes next is drawn. A frozen place keeps its callbacks: that is a
process that stands still, or one that was killed when it is never thawed. When nothing can run, time jumps.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any

PLACE: ContextVar["Place"] = ContextVar("place")
MOST_STEPS = 150_000


class NothingHappens(Exception):
    """No callback can run and no timer is set: the simulation waits for ever."""


class Place:
    """Where callbacks run: one process, or the world around them. What runs in `context` belongs here."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frozen = False
        self.waiting: deque[asyncio.Handle] = deque()
        self.tasks: list[asyncio.Task[Any]] = []
        self.context = copy_context()
        self.context.run(PLACE.set, self)
        self._steps_left = 0
        self._then: Callable[[], None] | None = None

    def after_steps(self, steps: int, then: Callable[[], None]) -> None:
        """Call `then` between two callbacks of this place, however little time lies between them."""
        self._steps_left, self._then = steps, then

    def run_next(self) -> None:
        handle = self.waiting.popleft()
        if not handle.cancelled():
            handle._run()
            self._count()

    def _count(self) -> None:
        if self._then is not None:
            self._steps_left -= 1
            if self._steps_left <= 0:
                then, self._then = self._then, None
                then()

    @property
    def unfinished(self) -> list[asyncio.Task[Any]]:
        return [task for task in self.tasks if not task.done()]


class SimulatedLoop(asyncio.BaseEventLoop):
    """`world` is the place of everything that is no process."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self.world = Place("world")
        self.steps = 0
        self._chance = chance
        self._now = 0.0
        self._places: dict[Place, None] = {}

    def time(self) -> float:
        return self._now

    def timers_of(self, place: Place) -> list[asyncio.TimerHandle]:
        return [timer for timer in self._scheduled if not timer.cancelled() and self._place_of(timer) is place]

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        task = super().create_task(coro, name=name, context=context)
        place = PLACE.get(self.world) if context is None else context[PLACE]
        place.tasks.append(task)
        return task

    def _call_soon(self, callback: Any, args: Any, context: Context | None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._add(handle)
        return handle

    def _add(self, handle: asyncio.Handle) -> None:
        place = self._place_of(handle)
        place.waiting.append(handle)
        self._places[place] = None

    def _run_once(self) -> None:
        self._take_due_timers()
        able = [place for place in self._places if place.waiting and not place.frozen]
        if not able:
            self._jump()
            return
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise NothingHappens(f"{MOST_STEPS} steps and no end")
        able[int(self._chance.random() * len(able)) if len(able) > 1 else 0].run_next()

    def _take_due_timers(self) -> None:
        timers = self._scheduled
        while timers and (timers[0]._when <= self._now or timers[0].cancelled()):
            timer = heapq.heappop(timers)
            timer._scheduled = False
            if not timer.cancelled():
                self._add(timer)

    def _jump(self) -> None:
        if self._stopping:
            return
        if not self._scheduled:
            raise NothingHappens("nothing is left that could happen")
        self._now = self._scheduled[0]._when

    def _write_to_self(self) -> None:
        """There is no other thread that could have to be woken."""

    def _place_of(self, handle: asyncio.Handle) -> Place:
        """What comes from outside of the loop, as the end of `run_until_complete` does, is the world's."""
        return handle._context.get(PLACE, self.world)
