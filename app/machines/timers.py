"""Fires the timers of entities, and the transitions that the ends of their executions fire; tells tasks that wait for
states. Engines do this.

A timer is claimed for some seconds and fired by a step that is stored only if the entity has not moved; an end is
claimed, fired with an idempotency key, and settled. So each has its effect once, whatever dies in between.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from app.background.loop import Loop, OnDefect
from app.background.wake_up import WakeUp
from app.domain.errors import NotFound, TooLarge, Unavailable
from app.engine.ports import LOOK_AGAIN_SECONDS
from app.machines.actors import Actor, execution_actor, timer
from app.machines.deciding import Step, TransitionRequest, blocked, fire, step, too_many_in_a_row
from app.machines.entity import Entity
from app.machines.ports import EndedRun, EntityTimers, Stored
from app.machines.refusals import EffectFailed, Refusal, TransitionRefused
from app.machines.writing import TRIES, EntityWriter

log = structlog.get_logger(__name__)

AT_ONCE = 50
SWEPT_AT_ONCE = TOLD_AT_ONCE = 1_000
STOP_SECONDS = 2.0
SHORTEST_PAUSE = 0.01
"""What is due may be locked for a moment by the one who moves it."""


def _monotonic() -> float:
    return asyncio.get_running_loop().time()


class EntityTimerLoop:
    """Looks for what is due when the next timer is, after `poll_seconds` at the latest, and when it is woken.

    timers: finds what is due.
    writer: stores steps.
    monotonic: seconds since any moment.
    """

    def __init__(
        self,
        timers: EntityTimers,
        writer: EntityWriter,
        poll_seconds: float = 1.0,
        monotonic: Callable[[], float] = _monotonic,
    ) -> None:
        self._timers = timers
        self._writer = writer
        self._poll_seconds = min(poll_seconds, LOOK_AGAIN_SECONDS)
        self._monotonic = monotonic
        self._pause_seconds = self._poll_seconds
        self._swept_at: float | None = None
        self._wake_up = WakeUp()
        self._loop = Loop("entity timers", self.fire_due, self._pause)

    def start(self, on_defect: OnDefect) -> None:
        self._loop.start(on_defect)

    def wake(self) -> None:
        self._wake_up.wake()

    def timer_set(self, seconds: str) -> None:
        """A timer is due in so many seconds, says another process. What comes later is found without a wake-up."""
        try:
            is_soon = float(seconds) < self._poll_seconds
        except ValueError:
            is_soon = True
        if is_soon:
            self.wake()

    async def stop(self) -> None:
        """What is being fired gets some seconds to end. Harmless when repeated."""
        await self._loop.finish(STOP_SECONDS)

    async def fire_due(self) -> bool:
        """Fire what is due; True when there may be more."""
        await self._sweep()
        outlook = await self._timers.outlook()
        is_due = outlook.seconds is not None and outlook.seconds <= 0
        due = await self._timers.due(AT_ONCE) if is_due else ()
        ended = await self._timers.ended(AT_ONCE) if outlook.has_ended else ()
        works = [_contained(partial(self._fire, entity), entity.id) for entity in due]
        works += [_contained(partial(self._end, run), run.entity_id) for run in ended]
        # All of them end before an error ends the step.
        errors = [error for error in await asyncio.gather(*works, return_exceptions=True) if error is not None]
        for error in errors:
            raise error
        told = outlook.has_waits and await self._timers.tell(TOLD_AT_ONCE)
        self._pause_seconds = self._poll_seconds if outlook.seconds is None else max(SHORTEST_PAUSE, outlook.seconds)
        return bool(due or ended or told)

    async def _pause(self) -> None:
        await self._wake_up.wait(min(self._pause_seconds, self._poll_seconds))

    async def _sweep(self) -> None:
        now = self._monotonic()
        if self._swept_at is None or now - self._swept_at >= LOOK_AGAIN_SECONDS:
            await self._timers.sweep(SWEPT_AT_ONCE)
            self._swept_at = now

    async def _fire(self, entity: Entity) -> None:
        """A rival that is faster has left the state, or fired the timer: then there is nothing to do. When a workflow
        that is to be started changes meanwhile, the step is made anew.
        """
        for _ in range(TRIES):
            if await self._fired(entity) is not Stored.CHANGED:
                return

    async def _fired(self, entity: Entity) -> Stored:
        plan = await self._writer.plan_of(entity)
        actors = await self._writer.last_actors(plan, entity)
        now = self._writer.clock.now()
        try:
            return (await self._writer.write(fire(plan, entity, timer(), now, actors)))[1]
        except (EffectFailed, TooLarge) as error:
            return (await self._writer.write(blocked(plan, entity, timer(), [error.message], now)))[1]

    async def _end(self, run: EndedRun) -> None:
        if run.transition is not None:
            await self._fire_end(run, run.transition, execution_actor(run.execution_id))
        await self._timers.settle(run.execution_id)

    async def _fire_end(self, run: EndedRun, name: str, actor: Actor) -> None:
        """An entity that has left the state meanwhile, or that a condition holds back, stays as it is."""
        request = TransitionRequest(actor, transition=name, idempotency_key=f"{actor.name}:{name}")

        async def decide(entity: Entity) -> Step:
            plan = await self._writer.plan_of(entity)
            actors = await self._writer.last_actors(plan, entity)
            moved = too_many_in_a_row(entity) or step(plan, entity, request, self._writer.clock.now(), actors)
            if isinstance(moved, Refusal):
                raise TransitionRefused(moved)
            return moved

        try:
            await self._writer.change(run.tenant_id, run.entity_id, request, decide)
        except (TransitionRefused, EffectFailed, TooLarge, NotFound) as refused:
            log.warning("entity_not_moved", entity_id=str(run.entity_id), transition=name, reason=refused.message)


async def _contained(work: Callable[[], Awaitable[None]], entity_id: object) -> None:
    """An entity that cannot be moved delays no other; it is tried again when it is no longer held."""
    try:
        await work()
    except Unavailable:
        raise
    except Exception:
        log.exception("entity_timer_failed", entity_id=str(entity_id))
