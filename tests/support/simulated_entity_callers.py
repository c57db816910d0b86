"""Callers of a simulation who want the same of an entity, by whatever process answers, and do not give up."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from app.domain.callers import ANONYMOUS, Caller
from app.domain.errors import NotFound, Unavailable
from app.domain.refs import Ref
from app.machines.actors import Actor
from app.machines.deciding import TransitionRequest
from app.machines.entities import EntityStart
from app.machines.refusals import EntityExists, TransitionRefused
from app.machines.writing import Moved
from tests.support.simulated_clients import Town
from tests.support.simulated_machine import KEY, TABLE
from tests.support.simulated_process import ProcessDied, SimulatedProcess


@dataclass
class EntityBook:
    """What callers were told. answers: of each key, the entity and the event. requests: what each key asked for."""

    answers: dict[tuple[int, str], tuple[UUID, int]] = field(default_factory=dict)
    requests: dict[tuple[int, str], tuple[str, str | None]] = field(default_factory=dict)
    refused: dict[tuple[int, str], None] = field(default_factory=dict)


class EntityCaller:
    """Of one tenant. Repeats a request with its key until it is answered."""

    def __init__(self, town: Town, book: EntityBook, tenant_id: int) -> None:
        self._town = town
        self._book = book
        self._tenant_id = tenant_id

    async def want(self, key: str, thing: str, to: str | None, after_seconds: float) -> None:
        """Start an entity if `to` is None."""
        await asyncio.sleep(after_seconds)
        self._book.requests[self._tenant_id, key] = (thing, to)
        moved = await self._insist(lambda process: self._request(process, key, thing, to))
        if moved is None:
            self._book.refused[self._tenant_id, key] = None
            return
        self.note(key, moved)
        for other in self._town.other_tenants(self._tenant_id):
            if self._town.chance.random() < 0.25:
                self._town.send(EntityCaller(self._town, self._book, other).trespass(moved.entity.id))

    async def repeat(self, key: str) -> None:
        """What was answered is answered in the same way."""
        thing, to = self._book.requests[self._tenant_id, key]
        moved = await self._insist(lambda process: self._request(process, key, thing, to))
        if moved is None:
            self._town.problems.append(f"{key} was answered, and is refused when it is repeated")
        else:
            self.note(key, moved)

    async def trespass(self, entity_id: UUID) -> None:
        """What another tenant has does not exist."""
        request = TransitionRequest(Actor("anonymous"), to="done")
        for ask in (
            lambda process: process.entities.get(self._caller, entity_id),
            lambda process: process.entities.transition(self._caller, entity_id, request),
        ):
            if await self._insist(ask) is not None:
                self._town.problems.append(f"tenant {self._tenant_id} has reached {entity_id}")

    def note(self, key: str, moved: Moved) -> None:
        answer = (moved.entity.id, moved.event.sequence)
        if self._book.answers.setdefault((self._tenant_id, key), answer) != answer:
            before = self._book.answers[self._tenant_id, key]
            self._town.problems.append(f"{key} was answered with {before} and then with {answer}")

    async def _request(self, process: SimulatedProcess, key: str, thing: str, to: str | None) -> Moved:
        machine, actor = Ref(tenant_id=self._tenant_id, key=KEY), Actor("anonymous")
        if to is None:
            request = TransitionRequest(actor, idempotency_key=key)
            return await process.entities.start(self._caller, EntityStart(machine, TABLE, thing, request, {}))
        entity = await process.entities.find(self._caller, machine, TABLE, thing)
        request = TransitionRequest(actor, to=to, data={key: 1}, idempotency_key=key)
        return await process.entities.transition(self._caller, entity.id, request)

    @property
    def _caller(self) -> Caller:
        return replace(ANONYMOUS, tenant_id=self._tenant_id)

    async def _insist(self, ask: Callable[[SimulatedProcess], Awaitable[Any]]) -> Any:
        """The answer of the first process that has one; None for a refusal."""
        while True:
            process = await self._town.any_process()
            try:
                return await process.ask(lambda process=process: ask(process))
            except (Unavailable, ProcessDied):
                await asyncio.sleep(self._town.chance.random() * 0.5)
            except (TransitionRefused, EntityExists, NotFound):
                return None
