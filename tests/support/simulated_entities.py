"""One simulation of entities: rival callers, engines that fire timers and ends, kills and lost answers, from a seed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast
from uuid import UUID

from app.checking.entities import CheckedEntityEvent, States, check_entity
from app.domain.errors import NotFound, Unavailable
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.engine.ports import Opening
from app.machines.actors import Actor
from app.machines.deciding import Step, TransitionRequest, with_executions
from app.machines.effects import Effects
from app.machines.entities import EntityService, EntityStart
from app.machines.entity import EntityEvent
from app.machines.machine import Machine
from app.machines.parsing import parse_machine
from app.machines.plan import compile_machine
from app.machines.plans import MachinePlans
from app.machines.ports import Effect
from app.machines.refusals import EntityExists, TransitionRefused
from app.machines.timers import EntityTimerLoop
from app.machines.writing import EntityWriter, Moved
from tests.support.machines import NOON, NoSignals
from tests.support.memory.entities import MemoryEntities
from tests.support.simulated_entity_checks import row_of, seen
from tests.support.simulated_loop import SimulatedLoop
from tests.support.tenant import CALLER

RUN = {"workflow": "w", "on_completed": "finish", "on_failed": "back"}
DOCUMENT: dict[str, Any] = {
    "name": "m",
    "states": [
        {"name": "new", "initial": True, "after": {"seconds": 3, "to": "work"}},
        {"name": "work", "on_enter": RUN, "after": {"seconds": 8, "to": "new"}},
        {"name": "idle"},
        {"name": "done", "final": True, "on_enter": {"workflow": "tell"}},
    ],
    "transitions": [
        {"from": "new", "to": "work", "name": "begin"},
        {"from": "work", "to": "new", "name": "back"},
        {"from": "work", "to": "idle", "name": "rest"},
        {"from": "idle", "to": "work", "name": "again"},
        {"from": "work", "to": "done", "name": "finish"},
        {"from": "idle", "to": "done", "name": "stop"},
    ],
}
KEYS = ("1", "2", "3")
STARTS = 6
"""So many clients start entities: rivals for each of them."""
CHAOS_SECONDS, HEALED_SECONDS = 25.0, 120.0

Stores = Callable[[Random, Any], MemoryEntities]


def simulate_entities(seed: int, stores: Stores = MemoryEntities) -> Sequence[str]:
    """What was wrong in the end. `stores` may break a promise on purpose."""
    chance = Random(seed)
    loop = SimulatedLoop(chance)
    try:
        main = EntitySimulation(chance, loop, stores).run()
        return loop.run_until_complete(loop.create_task(main, context=loop.world.context))
    finally:
        loop.close()


class OneMachine:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    async def get(self, _: Ref) -> Machine:
        return self._machine

    async def revision(self, *_: object) -> Machine:
        return self._machine


@dataclass
class AnyEffects:
    """Every workflow exists. count: of the executions that were prepared."""

    count: int = 0

    async def of(self, step: Step) -> tuple[Step, Sequence[Effect]]:
        effects = []
        for one in step.started:
            self.count += 1
            key = f"entity:{step.entity.id}:{step.entity.sequence}:{one.effect}"
            opening = Opening(1, 1, Payload("{}"), NOON, key)
            effects.append(Effect(UUID(int=1_000 + self.count), opening, one.run.on_completed, one.run.on_failed))
        return with_executions(step, [(one, made.id) for one, made in zip(step.started, effects, strict=True)]), effects


@dataclass
class EntitySimulation:
    chance: Random
    loop: SimulatedLoop
    stores: Stores
    problems: list[str] = field(default_factory=list)
    answers: dict[str, tuple[UUID, int]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    ids: int = 0
    tasks: Sequence[Any] = ()

    def now(self) -> datetime:
        return datetime(2026, 1, 2, 12, tzinfo=UTC) + timedelta(seconds=self.loop.time())

    async def run(self) -> Sequence[str]:
        draft = parse_machine(DOCUMENT)
        fields = {name: getattr(draft, name) for name in draft.__dataclass_fields__}
        machine = Machine(**fields, id=1, revision=1, created_at=NOON, updated_at=NOON)
        self.plan = compile_machine(machine)
        self.store = self.stores(self.chance, self)
        plans = MachinePlans(cast(Any, OneMachine(machine)))
        self.writer = EntityWriter(self.store, plans, cast(Effects, AnyEffects()), self, cast(Any, NoSignals()))
        self.entities = EntityService(self.store, plans, self.writer, self._new_id)
        background = [self._engine(), self._engine(), self._end_executions()]
        self.tasks = [asyncio.create_task(work) for work in background]
        await asyncio.gather(*(self._client(number) for number in range(20)))
        await asyncio.sleep(max(0.0, CHAOS_SECONDS - self.loop.time()))
        self.store.trouble = 0.0
        await asyncio.sleep(HEALED_SECONDS)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._repeat_all()
        self._check()
        return self.problems

    def _new_id(self) -> UUID:
        self.ids += 1
        return UUID(int=self.ids)

    # What happens

    async def _engine(self) -> None:
        """An engine that is killed and started again, with a downtime in between."""
        while True:
            loop = EntityTimerLoop(self.store, self.writer, poll_seconds=0.5)
            loop.start(lambda error: self.problems.append(f"a loop has died: {error!r}"))
            await asyncio.sleep(self.chance.random() * 6 if self._is_chaos else HEALED_SECONDS)
            loop._loop.stop()
            await asyncio.sleep(self.chance.random() * 5)

    @property
    def _is_chaos(self) -> bool:
        return self.store.trouble > 0

    async def _end_executions(self) -> None:
        while True:
            await asyncio.sleep(self.chance.random())
            running = [run for run in self.store.runs.values() if run.ended is None]
            if running:
                self.chance.choice(running).ended = self.chance.choice(["completed", "failed"])

    async def _client(self, number: int) -> None:
        """Repeats a request with its key until it is answered. The process that was asked may be killed."""
        key, name = f"k{number}", KEYS[number % len(KEYS)]
        to = None if number < STARTS else self.chance.choice(["work", "idle", "done", "new"])
        await asyncio.sleep(self.chance.random() * CHAOS_SECONDS * 0.8 if to else 0)
        for _ in range(1_000):
            request = asyncio.create_task(self._ask(key, name, to))
            done, _ = await asyncio.wait([request], timeout=self.chance.random() * 0.6)
            if not done:
                request.cancel()
                await asyncio.wait([request])
                continue
            if request.result():
                return
        self.problems.append(f"{key} was never answered")

    async def _ask(self, key: str, name: str, to: str | None) -> bool:
        """False if it has to be repeated."""
        try:
            moved = await self._request(key, name, to)
        except Unavailable:
            return False
        except (TransitionRefused, EntityExists, NotFound):
            self.refused.add(key)
            return True
        self._note(key, moved)
        return True

    async def _request(self, key: str, name: str, to: str | None) -> Moved:
        machine, actor = Ref(tenant_id=CALLER.tenant_id, id=1), Actor("anonymous")
        if to is None:
            request = TransitionRequest(actor, idempotency_key=key)
            return await self.entities.start(CALLER, EntityStart(machine, "t", name, request, {"n": name}))
        entity = await self.entities.find(CALLER, machine, "t", name)
        request = TransitionRequest(actor, to=to, data={key: 1}, idempotency_key=key)
        return await self.entities.transition(CALLER, entity.id, request)

    def _note(self, key: str, moved: Moved) -> None:
        answer = (moved.entity.id, moved.event.sequence)
        if self.answers.setdefault(key, answer) != answer:
            self.problems.append(f"{key} was answered with {self.answers[key]} and then with {answer}")

    async def _repeat_all(self) -> None:
        for key in list(self.answers):
            number = int(key[1:])
            try:
                self._note(key, await self._request(key, KEYS[number % len(KEYS)], None if number < STARTS else "work"))
            except (TransitionRefused, EntityExists) as error:
                self.problems.append(f"{key} was answered, and is refused when it is repeated: {error.message}")

    # What must be true in the end

    def _check(self) -> None:
        states = {1: States(frozenset(self.plan.states), self.plan.finals)}
        for entity_id, entity in self.store.rows.items():
            events = self.store.histories[entity_id]
            found = [self._seen(event) for event in events]
            self.problems += [str(finding) for finding in check_entity(row_of(entity), found, states)]
            keys = [event.idempotency_key for event in events if event.idempotency_key is not None]
            self.problems += [f"{key} has made {keys.count(key)} events" for key in set(keys) if keys.count(key) > 1]
            self.problems += [f"{key} was refused, and has made an event" for key in self.refused.intersection(keys)]
            if entity.due is not None and entity.due.at < self.now() - timedelta(seconds=20):
                self.problems.append(f"the timer of {entity_id} was due at {entity.due.at}, and it is {self.now()}")
        named = {event.execution_id for events in self.store.histories.values() for event in events} - {None}
        self.problems += [f"{one} runs, and no event says so" for one in self.store.executions if one not in named]
        self.problems += [f"{one} is named, and never was" for one in named if one not in self.store.executions]
        ended = (one for one, run in self.store.runs.items() if run.ended and self._is_old(run.held_until))
        self.problems += [f"the end of {one} had no effect" for one in ended]

    def _is_old(self, held_until: datetime | None) -> bool:
        return held_until is None or held_until < self.now() - timedelta(seconds=20)

    def _seen(self, event: EntityEvent) -> CheckedEntityEvent:
        known = self.store.executions.get(event.execution_id)
        return seen(event, None if known is None else (CALLER.tenant_id, known))
