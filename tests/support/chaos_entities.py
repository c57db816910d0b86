"""Entities that callers move with idempotency keys, and that timers move, while everything is killed."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.domain.callers import DEFAULT_TENANT, DEFAULT_TENANT_ID, EVERYONE, Caller
from app.domain.errors import Conflict, NotFound, Unavailable
from app.domain.refs import Ref
from app.machines.actors import Actor
from app.machines.deciding import TransitionRequest
from app.machines.entities import EntityStart
from app.machines.parsing import parse_machine
from app.machines.refusals import EntityExists, TransitionRefused
from app.machines.writing import Moved
from tests.support.databases import ask
from tests.support.machines import MachineHouse, machine_house

CALLER = Caller(DEFAULT_TENANT_ID, DEFAULT_TENANT, EVERYONE, frozenset())
MACHINE = Ref(tenant_id=DEFAULT_TENANT_ID, key="chaos-entities")
KEYS = 5
PAUSE_SECONDS = 0.1
DOCUMENT: dict[str, Any] = {
    "name": "chaos",
    "key": MACHINE.key,
    "states": [
        {"name": "open", "initial": True, "after": {"seconds": 0.5, "to": "waiting"}},
        {"name": "waiting", "after": {"seconds": 2, "to": "open"}},
        {"name": "held"},
    ],
    "transitions": [
        {"from": "open", "to": "waiting", "name": "wait"},
        {"from": "waiting", "to": "open", "name": "reopen"},
        {"from": "*", "to": "held", "name": "hold"},
        {"from": "held", "to": "open", "name": "release"},
    ],
}
_OVERDUE = "SELECT count(*) FROM entities WHERE due_at < clock_timestamp() - interval '30 seconds'"
_TWICE = (
    "SELECT count(*) FROM (SELECT FROM entity_events WHERE idempotency_key IS NOT NULL"
    " GROUP BY entity_id, idempotency_key HAVING count(*) > 1) AS twice"
)
_FIRED = "SELECT count(*) FROM entity_events WHERE type = 'transitioned' AND actor = 'timer'"


class EntityCallers:
    """moved: the answer to each request, by its key. refused: how often a state did not allow one."""

    def __init__(self, house: MachineHouse, database_url: str, seed: int) -> None:
        self._house = house
        self._url = database_url
        self._random = random.Random(f"entities {seed}")
        self.moved: dict[str, tuple[UUID, int]] = {}
        self.requests: dict[str, tuple[str, str | None]] = {}
        self.refused: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self) -> None:
        """One caller for each entity, and a rival; until cancelled."""
        await self._define()
        await asyncio.gather(*(self._call(f"{caller}", str(caller % KEYS)) for caller in range(2 * KEYS)))

    async def verdict(self) -> list[str]:
        """Repeats what was answered, and looks whether engines have fired all timers."""
        for key, (entity, to) in self.requests.items():
            if key in self.moved:
                self._note(key, await self._ask(key, entity, to))
        if await ask(self._url, _OVERDUE):
            self.wrong.append("a timer of an entity is overdue")
        if await ask(self._url, _TWICE):
            self.wrong.append("a request has made two events of an entity")
        if not self.moved or not await ask(self._url, _FIRED):
            self.wrong.append("no entity has moved")
        return self.wrong

    async def _define(self) -> None:
        while True:
            try:
                await self._house.machines.create(CALLER, parse_machine(DOCUMENT))
            except Unavailable:
                await asyncio.sleep(PAUSE_SECONDS)
            except Conflict:
                return
            else:
                return

    async def _call(self, caller: str, entity: str) -> None:
        number = 0
        while True:
            number += 1
            key = f"{caller}-{number}"
            to = None if number == 1 else self._random.choice(["waiting", "open", "held"])
            self.requests[key] = (entity, to)
            self._note(key, await self._ask(key, entity, to))
            await asyncio.sleep(self._random.random() * PAUSE_SECONDS)

    async def _ask(self, key: str, entity: str, to: str | None) -> Moved | None:
        """Ask until it is known what has come of it; None for a refusal."""
        self._house.clock.instant = max(self._house.clock.instant, datetime.now(UTC))
        while True:
            try:
                return await self._request(key, entity, to)
            except Unavailable as error:
                self.errors[error.code] += 1
                await asyncio.sleep(PAUSE_SECONDS)
            except (TransitionRefused, EntityExists, NotFound) as refusal:
                self.refused[refusal.code] += 1
                return None

    async def _request(self, key: str, entity: str, to: str | None) -> Moved:
        data = None if to is None else {entity: key}
        request = TransitionRequest(Actor("chaos"), to=to, data=data, idempotency_key=key)
        if to is None:
            return await self._house.entities.start(CALLER, EntityStart(MACHINE, "chaos", entity, request))
        found = await self._house.entities.find(CALLER, MACHINE, "chaos", entity)
        return await self._house.entities.transition(CALLER, found.id, request)

    def _note(self, key: str, moved: Moved | None) -> None:
        before = self.moved.get(key)
        if moved is None:
            if before is not None:
                self.wrong.append(f"{key} was answered with {before}, and then refused")
            return
        answer = (moved.entity.id, moved.event.sequence)
        if before not in (None, answer):
            self.wrong.append(f"{key} was answered with {before}, and then with {answer}")
        self.moved[key] = answer


@asynccontextmanager
async def open_entity_callers(database_url: str, seed: int) -> AsyncIterator[EntityCallers]:
    async with machine_house(database_url) as house:
        yield EntityCallers(house, database_url, seed)
