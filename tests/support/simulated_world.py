"""One simulation: a seed makes a scenario, clients and mishaps, and tells in the end what went wrong."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import orjson

from app.domain.states import ExecutionStatus
from app.engine.ports import Step
from tests.support.acts import act_of
from tests.support.histories import at
from tests.support.memory.database import MemoryDatabase
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.memory.entities_of_engines import EntitiesOfEngines, MemoryMachines
from tests.support.memory.recording import MemoryRecording
from tests.support.requests import ref_of
from tests.support.simulated_checks import client_problems, process_problems, stored_problems
from tests.support.simulated_clients import Book, Client
from tests.support.simulated_entity_callers import EntityBook, EntityCaller
from tests.support.simulated_entity_checks import entity_problems, is_restless
from tests.support.simulated_families import left_behind
from tests.support.simulated_feed import FeedReader, feed_problems, stored_feed_problems
from tests.support.simulated_loop import NothingHappens, SimulatedLoop
from tests.support.simulated_machine import RIVALS, TARGETS, machine_of
from tests.support.simulated_mishaps import Mishaps
from tests.support.simulated_network import CALM, Call, Notifications, run_at_once
from tests.support.simulated_process import ProcessDied, SimulatedProcess
from tests.support.simulated_trace import Ending, Trace
from tests.support.simulated_workload import draw_scenario, with_things

LONGEST_HEALING = 120.0
LONGEST_CLEANING = 3.0


Recordings = Callable[[MemoryDatabase], MemoryRecording]


def simulate(seed: int, recording: Recordings = MemoryRecording) -> Ending:
    """The same seed, the same story. `recording` may break a promise on purpose."""
    with _without_collecting():
        simulation = Simulation(seed, recording)
        with simulation.trace.logs():
            return simulation.run()


def digests(first: int, end: int) -> list[str]:
    return [simulate(seed).digest for seed in range(first, end)]


@contextmanager
def _without_collecting() -> Iterator[None]:
    """What collected garbage does in its end must not happen at a moment that nobody chose."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass
class Simulation:
    seed: int
    recording: Recordings
    problems: list[str] = field(default_factory=list)
    processes: list[SimulatedProcess] = field(default_factory=list)
    book: Book = field(default_factory=Book)
    entity_book: EntityBook = field(default_factory=EntityBook)
    is_over: bool = False

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        self.loop = SimulatedLoop(self.chance)
        self.loop.set_exception_handler(self._defect)
        self.trace = Trace(self.loop)
        self.note = self.trace.note
        self.scenario = with_things(draw_scenario(self.chance), Random(f"things {self.seed}"))
        self.weather = self.scenario.weather
        self.notifications = Notifications(self)
        self.database = MemoryDatabase(MemoryDefinitionStore(self._now), self._now)
        self.machines = MemoryMachines({tenant_id: machine_of(tenant_id) for tenant_id in self.scenario.tenants})
        self.entities = EntitiesOfEngines(self.database, self.machines)
        self.database.stored = self._check_family
        self.database.wakes = self._wakes
        self._clients: list[asyncio.Task[None]] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._feed_readers: dict[FeedReader, asyncio.Task[None]] = {}
        self.sent: dict[Call, None] = {}
        self._ids = 0

    def run(self) -> Ending:
        try:
            self._complete(self._live())
            self._judge()
        except NothingHappens as error:
            self.problems.append(str(error))
        ending, self.is_over = self._ending(), True
        self._clean_up()
        return ending

    def _ending(self) -> Ending:
        events = sum(map(len, self.database.histories.values()))
        problems = [*self.problems, *self.trace.defects]
        return Ending(self.seed, self.trace.digest, problems, self.trace.lines, len(self.book.accepted), events)

    def _complete(self, work: Any) -> None:
        self.loop.run_until_complete(self.loop.create_task(work, name="main", context=self.loop.world.context))

    async def _live(self) -> None:
        for draft in self.scenario.workflows:
            for tenant_id in self.scenario.tenants:
                await self.database.definitions.create(act_of(tenant_id), draft)
        for _ in range(self.scenario.engines):
            await self.launch(has_engine=True)
        if self.scenario.has_desk:
            await self.launch(has_engine=False)
        self._send_clients()
        self._send_rivals()
        self._send_feed_readers()
        await Mishaps(self, self.scenario).befall()
        self.weather = CALM
        try:
            async with asyncio.timeout(LONGEST_HEALING):
                await self._settle()
                await self._repeat()
                await self._read_to_end()
        except TimeoutError:
            self.problems.append(f"not everything has ended {LONGEST_HEALING:g} s after all healed")
        await self._stop_all()

    def _send_clients(self) -> None:
        for number in range(self.scenario.starts):
            key = self.chance.choice([None, f"key {number}"])
            workflow = f"w{self.chance.randrange(len(self.scenario.workflows))}"
            for _ in range(1 if key is None else self.chance.randint(1, 3)):
                client = Client(self, self.chance.choice(self.scenario.tenants))
                when = self.chance.random() * self.scenario.chaos_seconds * 0.7
                if self.chance.random() < 0.3:
                    self.send_watcher(client.execute(workflow, key, when))
                else:
                    self.send(client.start(workflow, key, when))

    def _send_rivals(self) -> None:
        """Several start each thing, and several move it."""
        for tenant_id in self.scenario.tenants:
            for thing in range(1, self.scenario.things + 1):
                for number in range(RIVALS):
                    to = None if number < 2 else self.chance.choice(TARGETS)
                    when = self.chance.random() * self.scenario.chaos_seconds * (0.2 if to is None else 1)
                    self.send(self._rival(tenant_id).want(f"{thing} {number}", str(thing), to, when))

    def _rival(self, tenant_id: int) -> EntityCaller:
        return EntityCaller(self, self.entity_book, tenant_id)

    async def _repeat(self) -> None:
        """Whoever got an answer gets it again."""
        for tenant_id, key in list(self.entity_book.answers):
            await self._rival(tenant_id).repeat(key)

    def _send_feed_readers(self) -> None:
        for _ in range(self.scenario.feed_readers):
            reader = FeedReader(self.chance.choice(self.scenario.tenants))
            self._feed_readers[reader] = self._task(reader.read(self), "feed reader")

    async def _read_to_end(self) -> None:
        for reader, task in self._feed_readers.items():
            reader.is_to_end = True
            await task

    async def _settle(self) -> None:
        """Everybody is answered, what was paused is resumed, and everything comes to its end.

        Over again while there is something: whoever was answered may have started another execution, and so may a call
        that nobody waits for any more.
        """
        await self._answered()
        while (
            self._open
            or is_restless(self.database)
            or any(not task.done() for task in (*self._clients, *self._watchers))
        ):
            await self._answered()
            for execution_id in self._paused:
                tenant_id = self.database.executions[execution_id].execution.tenant_id
                self.send(Client(self, tenant_id).resume(execution_id))
            await self._answered()
            await asyncio.sleep(0.25)

    @property
    def _is_moving(self) -> bool:
        waiting = any(not task.done() for task in (*self._clients, *self._watchers))
        return bool(self._open) or is_restless(self.database) or waiting

    async def _answered(self) -> None:
        """Nobody waits for an answer, and nothing that nobody waits for is still to arrive."""
        while any(not client.done() for client in self._clients) or any(call.is_forsaken for call in self.sent):
            await asyncio.sleep(0.1)

    @property
    def _open(self) -> list[UUID]:
        return [execution_id for execution_id, row in self.database.executions.items() if row.is_open]

    @property
    def _paused(self) -> list[UUID]:
        """Only these are resumed: a command makes an execution due that might otherwise never be."""
        rows = self.database.executions.items()
        return [execution_id for execution_id, row in rows if row.execution.status is ExecutionStatus.PAUSED]

    async def _stop_all(self) -> None:
        for process in self.processes:
            if process.is_ready:
                with suppress(ProcessDied):
                    await process.ask(lambda process=process: process.end(0))
        await asyncio.sleep(LONGEST_CLEANING)

    def _judge(self) -> None:
        self.problems += stored_problems(self.database)
        self.problems += client_problems(self.database, self.book)
        self.problems += stored_feed_problems(self.database)
        self.problems += entity_problems(self.database, self.entity_book)
        for reader in self._feed_readers:
            self.problems += feed_problems(self.database, reader)
        for process in self.processes:
            self.problems += process_problems(process)

    def _clean_up(self) -> None:
        """End what was killed or has got stuck, so that nothing of it lives on in the next simulation."""
        places = [process.place for process in self.processes]
        for process in self.processes:
            process.wire.closed = True
            process.place.frozen = False
        for _ in range(5):
            tasks = [task for place in (*places, self.loop.world) for task in place.unfinished]
            for task in tasks:
                task.cancel()
            if tasks:
                self._end_tasks(tasks)
        self.loop.close()

    def _end_tasks(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        self.loop.steps = 0
        with suppress(NothingHappens):
            self._complete(asyncio.wait(tasks, timeout=60))

    # What the others need of it

    async def launch(self, *, has_engine: bool) -> None:
        process = SimulatedProcess(self, f"p{len(self.processes) + 1}", has_engine=has_engine)
        process.clock.off = (2 * self.chance.random() - 1) * self.scenario.largest_skew
        process.wire.seen = partial(self._saw, process)
        self.processes.append(process)
        await process.ask(process.begin)

    async def any_process(self) -> SimulatedProcess:
        while not (ready := [process for process in self.processes if process.is_ready]):
            await asyncio.sleep(0.1)
        return self.chance.choice(ready)

    def send(self, client: Coroutine[Any, Any, None]) -> None:
        """For one who wants an answer."""
        self._clients.append(self._task(client, "client"))

    def send_watcher(self, client: Coroutine[Any, Any, None]) -> None:
        """For one who stays to the end of an execution."""
        self._watchers.append(self._task(client, "watcher"))

    def soon(self, callback: Callable[[], None]) -> Callable[[], None]:
        """To be called from outside of any place."""
        return partial(self.loop.world.context.run, callback)

    def is_stored(self, execution_id: UUID) -> bool:
        return execution_id in self.database.executions

    def other_tenants(self, tenant_id: int) -> Sequence[int]:
        return [other for other in self.scenario.tenants if other != tenant_id]

    def any_child(self, execution_id: UUID) -> UUID | None:
        """One that a task of the execution has started."""
        children = self.database.children_of(execution_id)
        return self.chance.choice(children) if children else None

    def any_step(self, execution_id: UUID) -> str | None:
        """The name of a task that the execution may run, and that undoes no other."""
        execution = self.database.executions[execution_id].execution
        document = run_at_once(
            self.database.definitions.revision_document(
                ref_of(execution.workflow_id, execution.tenant_id), execution.revision
            )
        )
        names = [task["name"] for task in orjson.loads(document)["tasks"] if not task["name"].startswith("undo")]
        return self.chance.choice(names) if names else None

    def new_id(self) -> UUID:
        self._ids += 1
        return UUID(int=0x7000 << 64 | 0x8000 << 48 | self._ids)

    def _task(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return self.loop.create_task(work, name=name, context=self.loop.world.context)

    def _now(self) -> datetime:
        return at(self.loop.time())

    def _saw(self, process: SimulatedProcess, call: str, arguments: Sequence[Any], value: Any) -> None:
        if call == "claim":
            for claim in value:
                self.note(f"  {process.name} takes {claim.execution.id}")
        elif call == "reap" and value:
            self._check_idle()
        elif call == "record":
            for step in arguments[1]:
                if step.execution_id in value:
                    self.note(f"  {_brief(step)}")

    def _check_family(self, step: Step) -> None:
        self.problems += left_behind(self.database, step)

    def _wakes(self) -> bool:
        return self.chance.random() >= self.scenario.forgetting

    def _check_idle(self) -> None:
        """From now on others may go on with what these processes had, so they must have stopped before."""
        for process in self.processes:
            lost = process.is_ready and process.witness.engine_id() not in self.database.leases
            if lost and process.witness.is_at_work and not process.is_excused():
                self.problems.append(f"{process.name} works on although its lease has ended")

    def _defect(self, _: Any, context: dict[str, Any]) -> None:
        if not self.is_over:
            self.problems.append(f"{context['message']}: {context.get('exception')!r}")


def _brief(step: Step) -> str:
    words = [f"{e.sequence} {e.type} {e.task_id or ''}/{e.attempt}".removesuffix(" /0") for e in step.events]
    parked = "" if step.parking is None else f" parked for {step.parking.seconds}"
    return f"{step.execution_id} {', '.join(words)}{parked} {step.done_commands or ''}"
