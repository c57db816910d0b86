"""A service under load while something breaks it, and the question whether every promise was kept."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.chaos_callers import GrpcCaller, RestCaller, TenantCallers
from tests.support.chaos_editing import Editing
from tests.support.chaos_entities import EntityCallers, open_entity_callers
from tests.support.chaos_feed import FeedReaders
from tests.support.chaos_house import House, open_house
from tests.support.chaos_load import Load
from tests.support.chaos_monkey import Monkey
from tests.support.chaos_neighbours import Neighbours
from tests.support.chaos_tenant_verdict import no_wrong_tenant
from tests.support.chaos_tenants import ChaosTenant
from tests.support.chaos_trouble import Trouble
from tests.support.chaos_verdict import (
    all_final,
    broken_histories,
    families_are_whole,
    nothing_lost,
    nothing_ran_again,
    statuses,
)

TELL_EVERY_SECONDS = 30.0
SHOWN = 40


@dataclass(frozen=True, slots=True)
class ChaosPlan:
    """What is done to a service, and under which load.

    seed: decides what clients and monkeys do, and in which order.
    seconds: when to stop; None: when the trouble has done all its deeds.
    deeds: after how many deeds each hand of a monkey stops; None: never.
    starts_per_second, clients: a client starts as soon as both allow it, so a slow machine gets less to do.
    shutdown_seconds: how long attempts of an engine that is told to end may take.
    shortest_pause, longest_pause: how long a monkey rests from one deed to the next, in seconds.
    """

    seed: int
    seconds: float | None = None
    deeds: int | None = None
    starts_per_second: float = 30.0
    clients: int = 40
    lease_seconds: float = 3.0
    shutdown_seconds: float = 2.0
    shortest_pause: float = 0.3
    longest_pause: float = 3.0
    engines: int = 3
    rests: int = 2


@dataclass(frozen=True, slots=True)
class Clients:
    load: Load
    editing: Editing
    neighbours: Neighbours
    feed: FeedReaders
    entities: EntityCallers

    @property
    def errors(self) -> Counter[str]:
        return self.load.errors + self.editing.errors + self.neighbours.errors + self.feed.errors + self.entities.errors

    @property
    def wrong(self) -> list[str]:
        return [*self.load.wrong, *self.editing.wrong, *self.neighbours.wrong, *self.feed.wrong]


def monkey(house: House, plan: ChaosPlan) -> Trouble:
    return Monkey(house, plan.seed, plan.lease_seconds, (plan.shortest_pause, plan.longest_pause), plan.deeds)


async def survive(
    folder: Path,
    plan: ChaosPlan,
    tell: Callable[[str], None] = lambda _: None,
    cause: Callable[[House, ChaosPlan], Trouble] = monkey,
) -> str:
    """Run it all in `folder`; a sentence on what happened. Raise `AssertionError` with everything that went wrong."""
    tell(f"chaos with seed {plan.seed}")
    async with open_house(folder, plan.lease_seconds, plan.shutdown_seconds, plan.engines, plan.rests) as house:
        await house.heal()
        trouble = cause(house, plan)
        async with _clients(house, plan) as clients:
            began = time.monotonic()
            await _rage(plan, clients, trouble, tell)
            raged = time.monotonic() - began
            await house.heal()
            began = time.monotonic()
            wrong = await all_final(house.database_url)
            settled = time.monotonic() - began
            await clients.load.finish()
            await clients.neighbours.finish()
            wrong += await clients.feed.verdict(house.database_url)
            wrong += await clients.entities.verdict()
        wrong += [*await trouble.verdict(), *await _verdict(house, clients, trouble)]
        story = f"{_story(plan, house, clients, trouble, raged)}; {await statuses(house.database_url)}, "
        story += f"final {settled:.1f} s after the healing"
    tell(story)
    assert not wrong, "\n".join([story, f"{len(wrong)} wrong:", *wrong[:SHOWN]])
    return story


@asynccontextmanager
async def _clients(house: House, plan: ChaosPlan) -> AsyncIterator[Clients]:
    callers = [_callers_of(tenant, house) for tenant in house.tenants]
    feed = FeedReaders(callers, plan.seed)
    try:
        load = Load(callers, plan.seed, plan.starts_per_second, plan.clients)
        feed.start()
        async with open_entity_callers(house.database_url, plan.seed) as entities:
            yield Clients(load, Editing(callers, plan.seed), Neighbours(callers, plan.seed), feed, entities)
    finally:
        await feed.stop()
        for of in callers:
            await of.close()


def _callers_of(tenant: ChaosTenant, house: House) -> TenantCallers:
    urls = [f"http://127.0.0.1:{process.server.port}/api/v1" for process in house.rests]
    return TenantCallers(
        tenant,
        [GrpcCaller(engine.server.port, credential=tenant.credential) for engine in house.engines],
        [RestCaller(url, credential=tenant.credential) for url in urls],
    )


async def _rage(plan: ChaosPlan, clients: Clients, trouble: Trouble, tell: Callable[[str], None]) -> None:
    """Load and trouble until it is enough; a defect in either ends both."""
    with suppress(TimeoutError):
        async with asyncio.timeout(plan.seconds), asyncio.TaskGroup() as group:
            others = [
                group.create_task(clients.load.run()),
                group.create_task(clients.editing.run()),
                group.create_task(clients.neighbours.run()),
                group.create_task(clients.entities.run()),
                group.create_task(_tell_now_and_then(clients, trouble, tell)),
            ]
            await trouble.rampage()
            for other in others:
                other.cancel()


async def _tell_now_and_then(clients: Clients, trouble: Trouble, tell: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(TELL_EVERY_SECONDS)
        load, editing = clients.load, clients.editing
        wrong = len(clients.wrong) + len(trouble.wrong)
        tell(
            f"{load.started} starts, {len(load.accepted)} accepted, {editing.changes} changes, {editing.reads} reads, "
            f"{clients.neighbours.refused.total()} refused to neighbours, {trouble.done.total()} deeds, {wrong} wrong"
        )


async def _verdict(house: House, clients: Clients, trouble: Trouble) -> list[str]:
    happened = clients.load.accepted and clients.neighbours.refused and trouble.done
    accepted = clients.load.accepted | trouble.accepted
    idle = [] if happened else ["nothing happened"]
    deaths = [f"a process ended by itself: exit codes {kept.deaths}" for kept in house.processes if kept.deaths]
    return [
        *idle,
        *deaths,
        *clients.wrong,
        *await nothing_lost(house.database_url, accepted),
        *await no_wrong_tenant(house.database_url, house.tenants, accepted, clients.neighbours.seen),
        *await nothing_ran_again(house.database_url, house.traces),
        *await broken_histories(house.database_url),
        *await families_are_whole(house.database_url),
    ]


def _story(plan: ChaosPlan, house: House, clients: Clients, trouble: Trouble, seconds: float) -> str:
    starts = {name: sum(kept.starts for kept in kind) for name, kind in house.kinds.items()}
    return (
        f"seed {plan.seed}: {clients.load.started} starts in {seconds:.0f} s ({clients.load.started / seconds:.0f}/s), "
        f"{clients.editing.changes} changes and {clients.editing.reads} reads of definitions; "
        f"{clients.neighbours.lists} lists and {clients.neighbours.refused.total()} refusals to neighbours; "
        f"{clients.feed.read} events read from the feed; {len(clients.entities.moved)} moves of entities; {trouble}; "
        f"clients saw {dict(clients.errors)}; process starts {starts}; logs in {house.folder}"
    )
