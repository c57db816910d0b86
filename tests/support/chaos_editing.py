"""Clients that change definitions over REST and read them back, while everything around them breaks.

Promised is what docs/guarantees.md says of one REST process, for as long as that process lives: what it acknowledged it
does not forget, whatever becomes of Redis. A process that is killed takes its knowledge of what is outdated with it.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.support.chaos_callers import Disturbed, Ended, RestCaller, Wrong
from tests.support.chaos_house import Kept
from tests.support.chaos_workflows import EDITED

EDITORS = 4
MOST_READS = 6
LONGEST_REST_SECONDS = 0.3

_Life = tuple[int, int, str]


class Editing:
    """`wrong` holds reads that were older than what had been acknowledged, and revisions that changed their content."""

    def __init__(self, processes: Sequence[Kept], callers: Sequence[RestCaller], seed: int) -> None:
        self._processes = processes
        self._callers = callers
        self._seed = seed
        self._acknowledged: defaultdict[_Life, int] = defaultdict(int)
        self._contents: dict[tuple[str, int], str] = {}
        self.changes = 0
        self.reads = 0
        self.errors: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(EDITORS):
                group.create_task(self._edit(number))

    async def _edit(self, number: int) -> None:
        dice = random.Random(f"editor {number} {self._seed}")
        while True:
            process, key = dice.randrange(len(self._callers)), str(dice.choice(EDITED).key)
            try:
                await self._change(process, key, f"editor {number} was here: {dice.random()}")
                for _ in range(dice.randint(1, MOST_READS)):
                    await self._look(process, key)
            except Disturbed as error:
                self.errors[str(error)] += 1
            except (Ended, Wrong) as error:
                self.wrong.append(f"{key}: {error!r}")
            await asyncio.sleep(dice.uniform(0, LONGEST_REST_SECONDS))

    async def _change(self, process: int, key: str, description: str) -> None:
        life = self._life(process, key)
        document = await self._callers[process].replace(key, description)
        self.changes += 1
        self._note(document, description)
        if life == self._life(process, key):
            self._acknowledged[life] = max(self._acknowledged[life], document["revision"])

    async def _look(self, process: int, key: str) -> None:
        life = self._life(process, key)
        acknowledged = self._acknowledged[life]
        document = await self._callers[process].definition(key)
        self.reads += 1
        self._note(document, document["description"])
        if life == self._life(process, key) and document["revision"] < acknowledged:
            self.wrong.append(f"{key}: process {process} read {document['revision']} after {acknowledged}")

    def _life(self, process: int, key: str) -> _Life:
        """What one process knows of a definition it knows until it ends."""
        return process, self._processes[process].starts, key

    def _note(self, document: dict[str, object], description: object) -> None:
        revision = str(document["key"]), int(str(document["revision"]))
        if document["description"] != description:
            self.wrong.append(f"{revision}: answered {document['description']!r} to {description!r}")
        if self._contents.setdefault(revision, str(description)) != description:
            self.wrong.append(f"{revision} was {self._contents[revision]!r} and is {description!r}")
