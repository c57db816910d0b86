"""Clients that change definitions over REST and read them back, while everything around them breaks.

Promised is that no REST process answers with an older revision than any of them has acknowledged, whatever becomes of
Redis, of the ways to it, and of the processes.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.support.chaos_callers import Disturbed, Ended, RestCaller, Wrong
from tests.support.chaos_workflows import EDITED

EDITORS = 4
MOST_READS = 6
LONGEST_REST_SECONDS = 0.3


class Editing:
    """`wrong` holds reads that were older than what had been acknowledged, and revisions that changed their content."""

    def __init__(self, callers: Sequence[RestCaller], seed: int) -> None:
        self._callers = callers
        self._seed = seed
        self._acknowledged: defaultdict[str, int] = defaultdict(int)
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
        document = await self._callers[process].replace(key, description)
        self.changes += 1
        self._note(document, description)
        self._acknowledged[key] = max(self._acknowledged[key], document["revision"])

    async def _look(self, process: int, key: str) -> None:
        acknowledged = self._acknowledged[key]
        document = await self._callers[process].definition(key)
        self.reads += 1
        self._note(document, document["description"])
        if document["revision"] < acknowledged:
            self.wrong.append(f"{key}: process {process} read {document['revision']} after {acknowledged}")

    def _note(self, document: dict[str, object], description: object) -> None:
        revision = str(document["key"]), int(str(document["revision"]))
        if document["description"] != description:
            self.wrong.append(f"{revision}: answered {document['description']!r} to {description!r}")
        if self._contents.setdefault(revision, str(description)) != description:
            self.wrong.append(f"{revision} was {self._contents[revision]!r} and is {description!r}")
