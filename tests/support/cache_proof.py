"""Readers and writers who hold every read against the log of acknowledged writes."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson

from app.adapters.database.definitions import PostgresDefinitionStore
from app.definitions.service import DefinitionService
from app.domain.definitions import WorkflowDraft
from app.domain.errors import NotFound, Unavailable
from tests.support.cache_house import CacheHouse, Process
from tests.support.requests import ref_of
from tests.support.tenant import CALLER

READERS = 24
EDITED = 10
"""Workflows that are changed by several writers at once, and read by id and by key."""
WRITERS = 2
"""Of each of them."""
MOVED = 6
"""Workflows that come, change their key, and go; both keys are read all the while."""


@dataclass(slots=True)
class Log:
    """What is known of one ref: the number of each state that was begun, whether there is something in it, and the
    last that was acknowledged. A state that was begun may show; one before the last acknowledged may not.
    """

    acknowledged: int = 0
    begun: dict[int, bool] = field(default_factory=lambda: {0: False})

    def begin(self, number: int, present: bool) -> None:
        self.begun[number] = present

    def acknowledge(self, number: int) -> None:
        self.acknowledged = max(self.acknowledged, number)

    def allows(self, floor: int, seen: int | None) -> bool:
        """`seen` is what a read found, None for nothing; `floor` what was acknowledged before it began."""
        if seen is not None:
            return seen >= floor
        return any(number >= floor and not present for number, present in self.begun.items())


@dataclass
class Proof:
    """Readers, writers, and what they found.

    stale: for each read that should not have been, what it was.
    is_over: set when enough has been done; everybody ends after what it does.
    """

    house: CacheHouse
    rng: random.Random
    logs: dict[str, Log] = field(default_factory=dict)
    edited: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    stale: list[str] = field(default_factory=list)
    is_over: bool = False

    @property
    def operations(self) -> int:
        return self.counts["reads"] + self.counts["writes"] + self.counts["lost"]

    @property
    def hits(self) -> int:
        return self.house.hits + sum(process.service.cache_statistics.hits for process in self.house.processes)

    @property
    def is_fair(self) -> bool:
        """False while too little was written, or served from a cache, for a stale read to be likely."""
        return self.counts["writes"] > 50 and self.hits > 500

    async def prepare(self) -> None:
        for n in range(EDITED):
            await self._create(f"edited-{n}")
        self.logs |= {f"{place}-{n}": Log() for place in ("here", "there") for n in range(MOVED)}

    async def run(self, is_enough: Callable[[], bool]) -> None:
        """Until then, however long that takes on this machine; `prepare` first."""
        async with self._working():
            while not is_enough():
                await asyncio.sleep(0.01)

    async def _create(self, key: str) -> None:
        workflow = (await self.house.processes[0].service.create(CALLER, WorkflowDraft(key, key=key))).workflow
        for ref in (key, str(workflow.id)):
            self.logs[ref] = Log(1, {1: True})
        self.edited[key] = str(workflow.id)

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        works = [self._edit_until_over(key, ref) for key, ref in self.edited.items() for _ in range(WRITERS)]
        works += [self._move_until_over(f"here-{n}", f"there-{n}") for n in range(MOVED)]
        works += [self._read_until_over() for _ in range(READERS)]
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
            yield
            # Nobody is cancelled: a connection that is dropped in the middle of a statement makes noise.
            self.is_over = True

    async def _read_until_over(self) -> None:
        refs = sorted(self.logs)
        while not self.is_over:
            if await self.read(self.rng.choice(refs), self.rng.choice(self.house.processes)):
                await asyncio.sleep(self.rng.uniform(0, 0.01))

    async def read(self, ref: str, process: Process) -> bool:
        """Read once and judge what came; False when nothing came."""
        floor = self.logs[ref].acknowledged
        try:
            seen = await process.call(lambda service: _number(service, ref))
        except (ConnectionError, Unavailable):
            return False
        self.counts["reads"] += 1
        if not self.logs[ref].allows(floor, seen):
            self.stale.append(f"{ref} was at {seen} when {floor} was acknowledged")
        return True

    async def _edit_until_over(self, key: str, ref: str) -> None:
        """The numbers are revisions: two writers cannot know beforehand who will be first."""
        while not self.is_over:
            await asyncio.sleep(self.rng.uniform(0, 0.1))
            await self.edit(key, ref, self.rng.choice(self.house.processes))

    async def edit(self, key: str, ref: str, process: Process) -> None:
        """Change the workflow once, under its `ref`."""
        changes = {"description": str(self.rng.random())}
        stored = await self._write(process, lambda service: service.merge(CALLER, ref_of(ref), changes))
        if stored is not None:
            self.logs[key].acknowledge(stored.workflow.revision)
            self.logs[ref].acknowledge(stored.workflow.revision)

    async def _move_until_over(self, here: str, there: str) -> None:
        """The numbers are descriptions: a workflow that comes again begins with revision 1 again."""
        number = 0

        async def step(present: tuple[bool, bool], change) -> None:
            nonlocal number
            number += 1
            for ref, is_there in zip((here, there), present, strict=True):
                self.logs[ref].begin(number, is_there)
            while not await self._stand(here, there, present):
                process = self.rng.choice(self.house.processes)
                if await self._write(process, lambda service: change(service, str(number))) is not None:
                    for ref in (here, there):
                        self.logs[ref].acknowledge(number)
            await asyncio.sleep(self.rng.uniform(0, 0.1))

        def move(old: str, new: str):
            return lambda service, text: service.merge(CALLER, ref_of(old), {"key": new, "description": text})

        while not self.is_over:
            await step((True, False), lambda service, text: service.create(CALLER, WorkflowDraft(here, text, here)))
            await step((False, True), move(here, there))
            await step((True, False), move(there, here))
            await step((False, False), lambda service, _: service.delete(CALLER, ref_of(here)))

    async def _stand(self, here: str, there: str, present: tuple[bool, bool]) -> bool:
        """Whether the database has the state that is wanted, as after a lost answer only it can tell."""
        while True:
            store = self.house.processes[0].store
            try:
                found = [await PostgresDefinitionStore.document(store, ref_of(ref)) for ref in (here, there)]
            except (ConnectionError, Unavailable):
                await asyncio.sleep(self.rng.uniform(0, 0.1))
            else:
                return tuple(document is not None for document in found) == present

    async def _write(self, process: Process, change):
        """None when the process had no connection, or died before or after the commit; it does nothing more then."""
        try:
            written = await process.call(change)
        except ConnectionError:
            self.counts["lost"] += 1
            await process.closed.wait()
            return None
        except Unavailable:
            return None
        self.counts["writes"] += 1
        return written


async def _number(service: DefinitionService, ref: str) -> int | None:
    try:
        document = await service.document(CALLER, ref_of(ref))
    except NotFound:
        return None
    if ref.startswith(("here", "there")):
        return int(orjson.loads(document.body)["description"])
    return document.revision
