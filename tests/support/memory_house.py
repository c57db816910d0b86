"""Whole engine processes on one database in memory, with task types that wait for the test."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.background.backoff import Backoff
from app.background.defects import Defects
from app.background.turns import Turns
from app.domain.definitions import Task, Workflow, WorkflowDraft
from app.domain.engines import EngineProfile
from app.domain.events import Event
from app.domain.handlers import Attempt, Handler, TaskError
from app.engine.controls import ExecutionControls
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.ports import Evaluator
from app.engine.planning.plans import Plans
from app.engine.ports import NoSecrets, Secrets
from app.engine.running.attempts import Attempts
from app.engine.running.child_openings import ChildOpenings
from app.engine.running.collaborators import Collaborators
from app.engine.running.engine import Engine
from app.engine.running.limits import Limits
from app.engine.running.options import EngineOptions
from app.engine.running.ports import RunningLimits
from app.engine.running.recorder import Recorder
from app.engine.service import ExecutionService
from app.engine.starting import Starter
from app.engine.watching.announcer import Announcer
from app.engine.watching.watchers import Hub
from app.tasks.child_workflow import WorkflowHandler
from tests.support.acts import ANYONE
from tests.support.histories import NOON
from tests.support.inline_evaluator import InlineEvaluator
from tests.support.memory.database import MemoryDatabase
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.memory.executions import MemoryDefinitionReader, MemoryExecutionStore
from tests.support.memory.ownership import MemoryOwnership
from tests.support.memory.recording import MemoryRecording
from tests.support.memory.signals import MemorySignals
from tests.support.requests import PAYLOADS, start_of
from tests.support.tenant import CALLER

OUTPUT_LIMIT = 10_000
POLL = 0.01
AT_ONCE = Backoff(first_seconds=0.01, longest_seconds=0.01)


class SettableClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.instant = NOON

    def now(self) -> datetime:
        return self.instant

    def advance(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


class LoopClock(SettableClock):
    """Also moves with the event loop's time: for tests in virtual time."""

    def now(self) -> datetime:
        return self.instant + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass
class Performance:
    """One attempt that runs until the test ends it."""

    attempt: Attempt
    ending: asyncio.Future[Any]
    cancelled: bool = False

    def succeed(self, output: Any = None) -> None:
        self.ending.set_result(output)

    def fail(self, error: BaseException | None = None) -> None:
        self.ending.set_exception(error or TaskError("broken", "it broke"))


class Stage:
    """A task type whose attempts wait for the test. `cleaning` is what a cancelled attempt still waits for."""

    def __init__(self) -> None:
        self.performances: list[Performance] = []
        self.cleaning: asyncio.Event | None = None
        self._entered = asyncio.Condition()

    @property
    def names(self) -> list[str]:
        """`task/attempt`, in the order of their beginning."""
        return [f"{p.attempt.task_name}/{p.attempt.number}" for p in self.performances]

    async def run(self, attempt: Attempt) -> Any:
        performance = Performance(attempt, asyncio.get_running_loop().create_future())
        self.performances.append(performance)
        async with self._entered:
            self._entered.notify_all()
        try:
            return await performance.ending
        except asyncio.CancelledError:
            if self.cleaning is not None:
                await self.cleaning.wait()
            performance.cancelled = True
            raise

    async def performance(self, number: int) -> Performance:
        """The attempt that begins as the `number`th of all, whichever it is."""
        async with self._entered:
            await self._entered.wait_for(lambda: len(self.performances) >= number)
        return self.performances[number - 1]

    async def entered(self, name: str, number: int = 1) -> Performance:
        """The attempt, as soon as it runs."""
        async with self._entered:
            await self._entered.wait_for(lambda: f"{name}/{number}" in self.names)
        return next(p for p in reversed(self.performances) if (p.attempt.task_name, p.attempt.number) == (name, number))


class Instant:
    def run_now(self, attempt: Attempt) -> Any:
        return attempt.config.get("output")


@dataclass
class Process:
    """What a process with an engine consists of."""

    house: "House"
    engine: Engine
    executions: ExecutionService
    controls: ExecutionControls
    hub: Hub
    recorder: Recorder
    announcer: Announcer
    defects: Defects

    async def start(self, workflow: Workflow, **options: Any) -> UUID:
        started = await self.executions.start(CALLER, start_of(workflow, **options))
        return started.execution.id

    async def until(self, execution_id: UUID, *words: str) -> list[str]:
        """The history in short, as far as the first of `words`, or to its end."""
        seen: list[str] = []
        async for updates in await self.executions.watch(CALLER, execution_id, 0):
            for update in updates:
                seen.append(short(update.event, update.task_name))
                if seen[-1] in words:
                    return seen
        return seen

    async def queued(self, steps: int) -> None:
        """Until so many steps wait behind a write that the test holds up."""
        while len(self.recorder._waiting) < steps:
            await asyncio.sleep(0)

    async def first_defect(self) -> Exception | None:
        """Until a background loop has died of a defect."""
        died = asyncio.Event()
        self.defects.on_first(died.set)
        await died.wait()
        return self.defects.first

    async def idle(self) -> None:
        """Until this engine holds no execution."""
        while self.engine.running:
            await asyncio.sleep(0)

    async def kill(self) -> None:
        """Everything stops where it is; nothing is given back."""
        for part in (self.engine._lease, self.engine._claiming, self.engine._commands):
            await part.stop()
        self.engine._held.accepting = False
        self.engine._held.drop_all()
        await self.recorder.stop()
        await self.announcer.stop()


def short(event: Event, task: str | None) -> str:
    """`started`, `a started`, and the attempt's number from the second on."""
    word = event.type.value.removeprefix("execution_").removeprefix("task_")
    number = f"/{event.attempt}" if event.attempt > 1 else ""
    return word if task is None else f"{task} {word}{number}"


@dataclass
class House:
    """`handlers` are the task types of all processes; a task without a type is `instant`. Waits stay in memory.

    `limits` are further values of the engines' `Limits`, `secrets` those that its tasks see, `evaluator` makes the long
    evaluations of all processes.
    """

    clock: SettableClock = field(default_factory=SettableClock)
    stage: Stage = field(default_factory=Stage)
    handlers: dict[str | None, Handler] = field(default_factory=dict)
    park_after_seconds: float = math.inf
    limits: dict[str, Any] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=NoSecrets)
    evaluator: Evaluator = field(default_factory=InlineEvaluator)

    def __post_init__(self) -> None:
        self.database = MemoryDatabase(MemoryDefinitionStore(self.clock.now), self.clock.now)
        self.faults = self.database.faults
        self.signals = MemorySignals(self.faults)
        self.store = MemoryExecutionStore(self.database)
        self.recording = MemoryRecording(self.database)
        self.ownership = MemoryOwnership(self.database)
        self.handlers = {
            None: Instant(),
            "instant": Instant(),
            "staged": self.stage,
            "workflow": WorkflowHandler(),
            **self.handlers,
        }

    def handler(self, type: str | None) -> Handler | None:
        return self.handlers.get(type)

    async def define(self, *tasks: Task, **fields: Any) -> Workflow:
        return (
            await self.database.definitions.create(ANYONE, WorkflowDraft(name="w", tasks=tuple(tasks), **fields))
        ).workflow

    def history(self, execution_id: UUID) -> Sequence[Event]:
        return self.database.histories[execution_id]

    def owner(self, execution_id: UUID) -> int | None:
        return self.database.executions[execution_id].owner_id

    @asynccontextmanager
    async def process(
        self,
        *,
        name: str = "engine",
        chance: Callable[[], float] = lambda: 0.0,
        max_waiting: int = 10_000,
        has_defect: bool = False,
        **options: Any,
    ) -> AsyncIterator[Process]:
        """A started engine with everything around it; stopped when the test has not done so.

        Raise the defect of a background loop, unless it is one that the test is about.
        """
        process = self.build(chance=chance, max_waiting=max_waiting, **options)
        process.announcer.start(process.defects.report)
        await process.engine.start(process.defects.report)
        try:
            yield process
        finally:
            process.hub.close()
            await process.engine.stop(0)
            await process.announcer.stop()
        if not has_defect:
            process.defects.raise_first()

    def openings(self, limits: Limits) -> ChildOpenings:
        evaluations = Evaluations(self.evaluator, Turns())
        plans = Plans(MemoryDefinitionReader(self.database), evaluations.turns)
        return ChildOpenings(plans, self.store, self.clock, PAYLOADS, evaluations, limits, backoff=AT_ONCE)

    def build(
        self,
        *,
        name: str = "engine",
        chance: Callable[[], float] = lambda: 0.0,
        max_waiting: int = 10_000,
        running_limits: RunningLimits | None = None,
        **options: Any,
    ) -> Process:
        announcer = Announcer(self.signals)
        hub = Hub(announcer.grew)
        announcer.listen(hub.wake)
        reader = MemoryDefinitionReader(self.database)
        evaluations = Evaluations(self.evaluator, Turns())
        plans = Plans(reader, evaluations.turns)
        recorder = Recorder(self.recording, max_waiting=max_waiting)
        attempts = Attempts(self, OUTPUT_LIMIT)
        limits = Limits(OUTPUT_LIMIT, park_after_seconds=self.park_after_seconds, **self.limits)
        openings = self.openings(limits)
        shared = Collaborators(recorder, attempts, hub, evaluations, self.clock, openings, self.secrets, chance)
        wanted = {"renew_seconds": 0.02, "poll_seconds": POLL, **options}
        engine = Engine(
            self.ownership,
            plans,
            shared,
            limits,
            self.signals,
            EngineOptions(EngineProfile(name), **wanted),
            running_limits,
        )
        starter = Starter(self.store, plans, self.clock, self.signals, engine, evaluations)
        executions = ExecutionService(starter, engine, self.store, plans, hub, POLL)
        controls = ExecutionControls(self.store, plans, self.signals, self.clock, self, evaluations)
        return Process(self, engine, executions, controls, hub, recorder, announcer, Defects())
