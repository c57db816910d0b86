"""Clients that change definitions over REST and read them back, while everything around them breaks.

Promised is that no REST process answers with an older revision than any of them has acknowledged, nor with that of
another tenant, whatever becomes of Redis, of the ways to it, and of the processes.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from tests.support.chaos_callers import Disturbed, Ended, TenantCallers, Wrong
from tests.support.chaos_tenants import ChaosTenant
from tests.support.chaos_workflows import EDITED

EDITORS = 4
MOST_READS = 6
LONGEST_REST_SECONDS = 0.3

Place = tuple[str, str]
"""A tenant and the key of a workflow of it."""


class Editing:
    """`wrong` holds reads that were older than what had been acknowledged, revisions that changed their content, and
    what belongs to another tenant."""

    def __init__(self, callers: Sequence[TenantCallers], seed: int) -> None:
        self._callers = callers
        self._seed = seed
        self._acknowledged: defaultdict[Place, int] = defaultdict(int)
        self._contents: dict[tuple[Place, int], str] = {}
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
            of, key = dice.choice(self._callers), str(dice.choice(EDITED).key)
            process = dice.randrange(len(of.rest))
            try:
                await self._change(of, process, key, f"editor {number} of {of.tenant.name} was here: {dice.random()}")
                for _ in range(dice.randint(1, MOST_READS)):
                    await self._look(of, process, key)
            except Disturbed as error:
                self.errors[str(error)] += 1
            except (Ended, Wrong) as error:
                self.wrong.append(f"{key} of {of.tenant.name}: {error!r}")
            await asyncio.sleep(dice.uniform(0, LONGEST_REST_SECONDS))

    async def _change(self, of: TenantCallers, process: int, key: str, description: str) -> None:
        document = await of.rest[process].replace(key, description)
        self.changes += 1
        self._note(of.tenant, key, document, description)
        place = of.tenant.name, key
        self._acknowledged[place] = max(self._acknowledged[place], document["revision"])

    async def _look(self, of: TenantCallers, process: int, key: str) -> None:
        place = of.tenant.name, key
        acknowledged = self._acknowledged[place]
        document = await of.rest[process].definition(key)
        self.reads += 1
        self._note(of.tenant, key, document, document["description"])
        if document["revision"] < acknowledged:
            self.wrong.append(f"{place}: process {process} read {document['revision']} after {acknowledged}")

    def _note(self, tenant: ChaosTenant, key: str, document: dict[str, Any], description: str) -> None:
        place, revision = (tenant.name, key), document["revision"]
        if document["id"] != tenant.workflows[key]:
            self.wrong.append(f"{place}: answered with the workflow {document['id']}, not {tenant.workflows[key]}")
        if document["description"] != description:
            self.wrong.append(f"{place}: answered {document['description']!r} to {description!r}")
        if (before := self._contents.setdefault((place, revision), description)) != description:
            self.wrong.append(f"{place}: revision {revision} was {before!r} and is {description!r}")
