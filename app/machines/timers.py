"""Fires the timers of entities, and the transitions that the ends of their executions fire. Engines do this."""

from functools import partial

import structlog

from app.background.loop import Loop, OnDefect
from app.background.wake_up import WakeUp
from app.domain.errors import NotFound, TooLarge
from app.machines.actors import Actor, execution_actor, timer
from app.machines.deciding import Step, TransitionRequest, blocked, fire, step
from app.machines.entity import Entity
from app.machines.ports import EndedRun, EntityTimers
from app.machines.refusals import EffectFailed, Refusal, TransitionRefused
from app.machines.writing import EntityWriter

log = structlog.get_logger()

AT_ONCE = 50


class EntityTimerLoop:
    """Looks for what is due every `poll_seconds`, and when it is woken.

    timers: finds what is due.
    writer: stores steps.
    """

    def __init__(self, timers: EntityTimers, writer: EntityWriter, poll_seconds: float = 1.0) -> None:
        self._timers = timers
        self._writer = writer
        self._wake_up = WakeUp()
        self._loop = Loop("entity timers", self.fire_due, partial(self._wake_up.wait, poll_seconds))

    def start(self, on_defect: OnDefect) -> None:
        self._loop.start(on_defect)

    def wake(self) -> None:
        self._wake_up.wake()

    async def stop(self) -> None:
        """Harmless when repeated."""
        await self._loop.finish()

    async def fire_due(self) -> bool:
        """Fire what is due; True when there may be more."""
        due = await self._timers.due(AT_ONCE)
        for entity in due:
            await self._fire(entity)
        ended = await self._timers.ended(AT_ONCE)
        for run in ended:
            await self._end(run)
        return len(due) == AT_ONCE or len(ended) == AT_ONCE

    async def _fire(self, entity: Entity) -> None:
        """A rival that is faster has left the state, or fired the timer: then there is nothing to do."""
        plan = await self._writer.plan_of(entity)
        actors = await self._writer.last_actors(plan, entity)
        now = self._writer.clock.now()
        try:
            await self._writer.write(fire(plan, entity, timer(), now, actors))
        except (EffectFailed, TooLarge) as error:
            await self._writer.write(blocked(plan, entity, timer(), [error.message], now))

    async def _end(self, run: EndedRun) -> None:
        if run.transition is not None:
            await self._fire_end(run, run.transition, execution_actor(run.execution_id))
        await self._timers.settle(run.execution_id)

    async def _fire_end(self, run: EndedRun, name: str, actor: Actor) -> None:
        """An entity that has left the state meanwhile, or that a condition holds back, stays as it is."""
        request = TransitionRequest(actor, transition=name, idempotency_key=f"{actor.name}:{name}")

        async def decide(entity: Entity) -> Step:
            plan = await self._writer.plan_of(entity)
            moved = step(plan, entity, request, self._writer.clock.now(), await self._writer.last_actors(plan, entity))
            if isinstance(moved, Refusal):
                raise TransitionRefused(moved)
            return moved

        try:
            await self._writer.change(run.tenant_id, run.entity_id, request, decide)
        except (TransitionRefused, EffectFailed, TooLarge, NotFound) as refused:
            log.warning("entity_not_moved", entity_id=str(run.entity_id), transition=name, reason=refused.message)
