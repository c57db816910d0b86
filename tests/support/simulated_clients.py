"""People who start, watch and steer executions, through whatever process answers, and do not give up."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Protocol
from uuid import UUID

from app.domain.callers import ANONYMOUS, Caller
from app.domain.errors import Invalid, NotFound, Unavailable, WrongState
from app.domain.events import Event
from tests.support.requests import payload_of, start_of
from tests.support.simulated_process import ProcessDied, SimulatedProcess
from tests.support.simulated_workload import ANSWERS, GO


class WentAway(Exception):
    """A watcher has left its stream before the end."""


@dataclass
class Book:
    """What clients were told. `accepted` are the ids of the executions that they hold to be started."""

    accepted: dict[UUID, None] = field(default_factory=dict)
    by_key: dict[str, set[UUID]] = field(default_factory=dict)
    watched: list["Watched"] = field(default_factory=list)


@dataclass
class Watched:
    """What one watcher has seen of a history since number `after`, to its end if the stream has `ended`."""

    execution_id: UUID
    after: int
    seen: list[Event] = field(default_factory=list)
    ended: bool = False

    @property
    def position(self) -> int:
        return self.seen[-1].sequence if self.seen else self.after


class Town(Protocol):
    """What clients need of the simulation."""

    chance: Random
    book: Book
    problems: list[str]

    async def any_process(self) -> SimulatedProcess: ...
    def is_stored(self, execution_id: UUID) -> bool: ...
    def any_step(self, execution_id: UUID) -> str | None: ...
    def any_child(self, execution_id: UUID) -> UUID | None: ...
    def other_tenants(self, tenant_id: int) -> Sequence[int]: ...
    def send(self, client: Coroutine[Any, Any, None]) -> None: ...
    def send_watcher(self, client: Coroutine[Any, Any, None]) -> None: ...
    def note(self, text: str) -> None: ...


class Client:
    """Of one tenant."""

    def __init__(self, town: Town, tenant_id: int) -> None:
        self._caller = replace(ANONYMOUS, tenant_id=tenant_id)
        self._town = town
        self._chance = town.chance
        self._book = town.book

    async def start(self, workflow: str, key: str | None, after_seconds: float) -> None:
        """Once per key; without a key a start that was not answered is not repeated."""
        await asyncio.sleep(after_seconds)
        request = start_of(workflow, {}, key, tenant_id=self._caller.tenant_id)
        started = await self._insist(
            lambda process: process.executions.start(self._caller, request), repeat=key is not None
        )
        if started is not None:
            self._accepted(started.execution.id, key)

    async def execute(self, workflow: str, key: str | None, after_seconds: float) -> None:
        """Start and watch in one call; a stream that breaks is not taken up again, but opened anew with the key."""
        await asyncio.sleep(after_seconds)
        request = start_of(workflow, {}, key, tenant_id=self._caller.tenant_id)

        async def work(process: SimulatedProcess) -> None:
            started, stream = await process.executions.execute(self._caller, request)
            watched = Watched(started.execution.id, 0)
            self._book.watched.append(watched)
            self._accepted(watched.execution_id, key)
            await self._read(stream, watched)
            watched.ended = True

        await self._insist(work, repeat=key is not None)

    def _accepted(self, execution_id: UUID, key: str | None) -> None:
        self._town.note(f"client accepted {execution_id}")
        if not self._town.is_stored(execution_id):
            self._town.problems.append(f"{execution_id} was accepted and is not stored")
        if key is not None:
            self._book.by_key.setdefault(f"{key} of {self._caller.tenant_id}", set()).add(execution_id)
        if execution_id not in self._book.accepted:
            self._book.accepted[execution_id] = None
            self._send_others(execution_id)

    def _send_others(self, execution_id: UUID) -> None:
        for _ in range(self._chance.randint(0, 2)):
            self._town.send_watcher(self.watch(execution_id, self._chance.choice([0, 0, 1, 3])))
        for name in ("cancel", "pause", "signal", "wait", "skip", "retry", "rerun", "meddle"):
            if self._chance.random() < 0.25:
                self._town.send(getattr(self, name)(execution_id))
        for tenant_id in self._town.other_tenants(self._caller.tenant_id):
            if self._chance.random() < 0.25:
                self._town.send(Client(self._town, tenant_id).trespass(execution_id))

    async def watch(self, execution_id: UUID, after: int) -> None:
        await asyncio.sleep(self._chance.random() * 6)
        watched = Watched(execution_id, after)
        self._book.watched.append(watched)

        async def work(process: SimulatedProcess) -> None:
            await self._read(await process.executions.watch(self._caller, execution_id, watched.position), watched)
            watched.ended = True

        while not watched.ended:
            await self._insist(work)

    async def _read(self, stream: Any, watched: Watched) -> None:
        slowness, leaving = self._chance.choice([0, 0, 0.5]), self._chance.choice([99, 99, 2])
        async with aclosing(stream):
            async for updates in stream:
                watched.seen += [update.event for update in updates]
                leaving -= 1
                if leaving == 0:
                    raise WentAway
                if slowness:
                    await asyncio.sleep(slowness * self._chance.random())

    async def cancel(self, execution_id: UUID) -> None:
        await asyncio.sleep(self._chance.random() * 5)
        await self._insist(lambda process: process.controls.cancel(self._caller, execution_id, "no longer wanted"))

    async def meddle(self, execution_id: UUID) -> None:
        """Steer a child whose parent waits for it."""
        await asyncio.sleep(self._chance.random() * 4)
        steer = self._chance.choice([self.cancel, self.pause, self.skip, self.signal])
        if (child := self._town.any_child(execution_id)) is not None:
            await steer(child)

    async def pause(self, execution_id: UUID) -> None:
        await asyncio.sleep(self._chance.random() * 3)
        await self._insist(lambda process: process.controls.pause(self._caller, execution_id, "a pause"))
        await asyncio.sleep(self._chance.random() * 3)
        await self.resume(execution_id)

    async def resume(self, execution_id: UUID) -> None:
        await self._insist(lambda process: process.controls.resume(self._caller, execution_id, "go on"))

    async def signal(self, execution_id: UUID) -> None:
        await asyncio.sleep(self._chance.random() * 5)
        payload = {self._chance.choice(ANSWERS): GO}
        await self._insist(lambda process: _signal(process, self._caller, execution_id, payload))

    async def skip(self, execution_id: UUID) -> None:
        await asyncio.sleep(self._chance.random() * 5)
        if (task := self._town.any_step(execution_id)) is not None:
            await self._insist(lambda process: process.controls.skip(self._caller, execution_id, task, "not needed"))

    async def retry(self, execution_id: UUID) -> None:
        """Asked for before the end, it is refused; asked for twice, it is one."""
        await self._insist(
            lambda process: process.executions.wait(self._caller, execution_id, self._chance.random() * 20)
        )
        started = await self._insist(lambda process: process.controls.retry(self._caller, execution_id))
        if started is not None:
            self._accepted(started.execution.id, f"retry of {execution_id}")

    async def rerun(self, execution_id: UUID) -> None:
        await self._insist(
            lambda process: process.executions.wait(self._caller, execution_id, self._chance.random() * 20)
        )
        task, key = self._town.any_step(execution_id), f"rerun of {execution_id}"
        if task is None:
            return
        started = await self._insist(lambda process: process.controls.rerun(self._caller, execution_id, task, key))
        if started is not None:
            self._accepted(started.execution.id, key)

    async def wait(self, execution_id: UUID) -> None:
        await self._insist(lambda process: process.executions.wait(self._caller, execution_id, 5))

    async def trespass(self, execution_id: UUID) -> None:
        """Read or steer what belongs to another tenant. It does not exist for this one."""
        await asyncio.sleep(self._chance.random() * 5)
        name = self._chance.choice([*_TRESPASSES])

        async def work(process: SimulatedProcess) -> None:
            try:
                await _TRESPASSES[name](process, self._caller, execution_id)
            except NotFound:
                return
            self._town.problems.append(f"{name} of tenant {self._caller.tenant_id} reached {execution_id}")

        await self._insist(work)

    async def _insist(self, ask: Callable[[SimulatedProcess], Awaitable[Any]], *, repeat: bool = True) -> Any:
        """The answer of the first process that has one; None when the answer is that it is too late."""
        while True:
            process = await self._town.any_process()
            try:
                return await process.ask(lambda process=process: ask(process))
            except (Unavailable, ProcessDied, WentAway):
                if not repeat:
                    return None
            except WrongState:
                return None
            except Exception as error:  # noqa: BLE001 - an answer that no client may get
                self._town.problems.append(f"a client was answered {error!r}")
                return None
            await asyncio.sleep(self._chance.random() * 0.5)


async def _signal(process: SimulatedProcess, caller: Caller, execution_id: UUID, payload: dict[str, str]) -> None:
    try:
        await process.controls.signal(caller, execution_id, GO, payload_of(payload))
    except Invalid:
        """No task of the execution can take it."""


_TRESPASSES: Mapping[str, Callable[[SimulatedProcess, Caller, UUID], Awaitable[Any]]] = {
    "get": lambda process, caller, wanted: process.executions.get(caller, wanted),
    "watch": lambda process, caller, wanted: process.executions.watch(caller, wanted, 0),
    "wait": lambda process, caller, wanted: process.executions.wait(caller, wanted, 1),
    "tasks": lambda process, caller, wanted: process.executions.tasks(caller, wanted),
    "cancel": lambda process, caller, wanted: process.controls.cancel(caller, wanted, "not mine"),
    "pause": lambda process, caller, wanted: process.controls.pause(caller, wanted, "not mine"),
    "resume": lambda process, caller, wanted: process.controls.resume(caller, wanted, "not mine"),
    "signal": lambda process, caller, wanted: process.controls.signal(caller, wanted, GO, payload_of({})),
    "skip": lambda process, caller, wanted: process.controls.skip(caller, wanted, "t0", "not mine"),
    "retry": lambda process, caller, wanted: process.controls.retry(caller, wanted),
    "rerun": lambda process, caller, wanted: process.controls.rerun(caller, wanted, "t0", None),
}
