"""One process of a simulation: the real engine and service, wired to the one database through a wire of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from app.background.defects import Defects
from app.background.loop import RETRY
from app.engine.controls import ExecutionControls
from app.engine.local_engine import NoEngine
from app.engine.planning.plans import Plans
from app.engine.ports import ENTITY_WORK, NEW_EVENTS, StoreUnreachable
from app.engine.running import child_openings, recorder
from app.engine.running.attempts import Attempts
from app.engine.running.child_openings import ChildOpenings
from app.engine.running.collaborators import Collaborators
from app.engine.running.engine import Engine
from app.engine.running.limits import Limits
from app.engine.running.options import EngineOptions
from app.engine.running.recorder import Recorder
from app.engine.service import ExecutionService
from app.engine.starting import Starter
from app.engine.watching import announcer
from app.engine.watching.announcer import Announcer
from app.engine.watching.watchers import Hub
from app.feed.follower import FeedFollower
from app.feed.reading import FeedReading
from app.feed.service import FeedService
from app.machines.effects import Effects
from app.machines.entities import EntityService
from app.machines.plans import MachinePlans
from app.machines.ports import NEW_TIMERS
from app.machines.task_moves import TaskMoves
from app.machines.timers import EntityTimerLoop
from app.machines.writing import EntityWriter
from tests.support.fixed_limits import FixedLimits
from tests.support.histories import at
from tests.support.inline_evaluator import inline_evaluations
from tests.support.memory.database import MemoryDatabase
from tests.support.memory.entities_of_engines import EntitiesOfEngines, MemoryMachines
from tests.support.memory.executions import MemoryDefinitionReader, MemoryExecutionStore
from tests.support.memory.feed import MemoryFeed
from tests.support.memory.ownership import MemoryOwnership
from tests.support.memory.recording import MemoryRecording
from tests.support.requests import PAYLOADS
from tests.support.simulated_families import MAX_DEPTH, MAX_DESCENDANTS
from tests.support.simulated_loop import Place
from tests.support.simulated_network import Ear, Link, Notifications, Sky, Wire
from tests.support.simulated_tasks import SimulatedTasks, Witness

OUTPUT_LIMIT = 10_000
LEASE = 3.0
RENEW = 0.6
POLL = 0.5
MOST_EXECUTIONS = 4
PARK = 1.0
DRIFT = 0.002
MAX_LOST = 1_000
"""Engines die for no reason of the tasks."""


class ProcessDied(Exception):
    """The connection to a process broke because the process is gone."""


class World(Sky, Protocol):
    """What a process needs of the simulation that it runs in."""

    database: MemoryDatabase
    problems: list[str]
    notifications: Notifications
    recording: Callable[[MemoryDatabase], MemoryRecording]
    entities: EntitiesOfEngines
    machines: MemoryMachines

    def new_id(self) -> UUID: ...


class SkewedClock:
    """The wall clock of one process: `off` is by how many seconds it is wrong."""

    def __init__(self, world: World) -> None:
        self._loop = world.loop
        self.off = 0.0

    def now(self) -> datetime:
        return at(self._loop.time() + self.off)


class SimulatedProcess:
    """`has_engine` is False for a process that only answers requests."""

    def __init__(self, world: World, name: str, *, has_engine: bool) -> None:
        self.world = world
        self.name = name
        self.has_engine = has_engine
        self.place = Place(name)
        self.wire = Wire(world, self.place)
        self.clock = SkewedClock(world)
        self.witness = Witness(name, world.database, world.problems)
        self.wire.told = self.witness.told
        self.defects = Defects()
        self.is_ready = False
        self.is_over = False
        self.is_dead = False
        self.thawed_at = -LEASE
        self._pace = 1 + DRIFT * (world.chance.random() - 0.5)
        self._asked: dict[asyncio.Future[Any], None] = {}

    async def ask(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do `work` in this process; raise `ProcessDied` as soon as the process does."""
        if self.is_dead:
            raise ProcessDied(self.name)
        loop = self.world.loop
        answer: asyncio.Future[Any] = loop.create_future()
        task = loop.create_task(_awaited(work), context=self._fresh_context())
        task.add_done_callback(lambda done: _pass_on(done, answer), context=loop.world.context)
        self._asked[answer] = None
        try:
            return await answer
        finally:
            self._asked.pop(answer, None)
            task.cancel()

    async def begin(self) -> None:
        """As a supervisor does: try again until the database answers."""
        self._build()
        self.announcer.start(self.defects.report)
        self.follower.start(self.defects.report)
        while self.has_engine:
            try:
                await self.engine.start(self.defects.report)
            except StoreUnreachable:
                await asyncio.sleep(0.3)
            else:
                if self.world.scenario.things:
                    self.timers.start(self.defects.report)
                break
        self.is_ready = True

    async def end(self, deadline_seconds: float) -> None:
        """The stop order of the process: streams, engine, notifications."""
        self.is_ready = False
        self.hub.close()
        await self.follower.stop()
        await self.timers.stop()
        await self.engine.stop(deadline_seconds)
        await self.announcer.stop()
        self.is_over = True

    def freeze(self) -> None:
        self.place.frozen = True

    def thaw(self) -> None:
        if not self.is_dead:
            self.place.frozen = False
            self.thawed_at = self.world.loop.time()

    def kill(self) -> None:
        """It never takes another step, and whoever talks to it learns that."""
        self.place.frozen = self.is_dead = self.wire.is_dead = True
        self.is_ready = False
        for answer in list(self._asked):
            if not answer.done():
                answer.set_exception(ProcessDied(self.name))

    def is_excused(self) -> bool:
        """It stood still, and has not had the time to notice what happened meanwhile."""
        return self.place.frozen or self.world.loop.time() < self.thawed_at + RENEW + POLL

    def monotonic(self) -> float:
        return self.world.loop.time() * self._pace

    def _grew(self, execution_id: UUID) -> None:
        self.announcer.grew(execution_id)
        self.feed.wake()

    def _fresh_context(self) -> Context:
        return self.place.context.copy()

    def _build(self) -> None:
        world, database = self.world, self.world.database
        signals = Ear(self.wire, world.notifications, self.place)
        self.announcer = Announcer(signals, backoff=replace(announcer.RETRY, chance=world.chance.random))
        self.announcer._own = self.name
        reader = Link(self.wire, MemoryDefinitionReader(database))
        store = Link(self.wire, MemoryExecutionStore(database))
        evaluations = inline_evaluations()
        plans = Plans(reader, evaluations.turns)
        feed = Link(self.wire, MemoryFeed(database))
        reading = FeedReading(feed, plans)
        retry = replace(RETRY, chance=world.chance.random)
        self.follower = FeedFollower(feed, reading, POLL, self.monotonic, retry)
        self.feed = FeedService(feed, reading, self.follower)
        signals.subscribe(NEW_EVENTS, lambda _: self.feed.wake())
        self.hub = Hub(self._grew)
        self.announcer.listen(self.hub.wake)
        backoff = replace(recorder.RETRY, chance=world.chance.random)
        writer = Recorder(Link(self.wire, world.recording(database)), max_batch=5, max_waiting=20, backoff=backoff)
        self._build_entities(signals, plans)
        tasks = SimulatedTasks(self.witness, world.chance, TaskMoves(self.entities))
        attempts = Attempts(tasks, OUTPUT_LIMIT)
        limits = Limits(
            OUTPUT_LIMIT,
            park_after_seconds=PARK,
            max_lost_attempts=MAX_LOST,
            max_depth=MAX_DEPTH,
            max_descendants=MAX_DESCENDANTS,
        )
        pauses = replace(child_openings.RETRY, chance=world.chance.random)
        openings = ChildOpenings(plans, store, self.clock, PAYLOADS, evaluations, limits, world.new_id, pauses)
        chance = world.chance.random
        shared = Collaborators(writer, attempts, self.hub, evaluations, self.clock, openings, chance=chance)
        options = EngineOptions(self.name, MOST_EXECUTIONS, LEASE, RENEW, POLL)
        ownership, scenario = Link(self.wire, MemoryOwnership(database)), world.scenario
        of_tenants = FixedLimits(scenario.limits, several=len(scenario.tenants) > 1)
        self.engine = Engine(ownership, plans, shared, limits, signals, options, of_tenants)
        self.engine._lease._monotonic = self.monotonic
        self.witness.engine_id = lambda: self.engine._lease.engine_id
        engine = self.engine if self.has_engine else NoEngine()
        starter = Starter(store, plans, self.clock, signals, engine, evaluations, world.new_id)
        self.executions = ExecutionService(starter, engine, store, plans, self.hub, POLL)
        self.controls = ExecutionControls(store, plans, signals, self.clock, tasks, evaluations, world.new_id)

    def _build_entities(self, signals: Ear, workflows: Plans) -> None:
        world, store = self.world, Link(self.wire, self.world.entities)
        plans = MachinePlans(Link(self.wire, world.machines))
        effects = Effects(workflows, inline_evaluations(), PAYLOADS, world.new_id)
        writer = EntityWriter(store, plans, effects, self.clock, signals)
        self.entities = EntityService(store, plans, writer, world.new_id)
        self.timers = EntityTimerLoop(store, writer, POLL, self.monotonic)
        self.timers._loop._backoff = replace(RETRY, chance=world.chance.random)
        signals.subscribe(NEW_TIMERS, self.timers.timer_set)
        signals.subscribe(ENTITY_WORK, lambda _: self.timers.wake())


async def _awaited(work: Callable[[], Awaitable[Any]]) -> Any:
    return await work()


def _pass_on(task: asyncio.Task[Any], answer: asyncio.Future[Any]) -> None:
    """The asker may have gone away."""
    if answer.done() or task.cancelled():
        answer.cancel()
        return
    error = task.exception()
    if error is None:
        answer.set_result(task.result())
    else:
        answer.set_exception(error)
