"""Notifications between processes: they arrive again after their connection has broken."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.signals import PostgresSignals
from app.background.defects import Defects
from app.engine.ports import StoreUnreachable


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with open_pool(database_url, size=2, timeout_seconds=20) as pool:
        yield pool


async def heard(signals: PostgresSignals, inbox: "asyncio.Queue[str]", text: str) -> None:
    """Until a notification arrives: what is announced before the connection listens is lost."""
    while True:
        await signals.announce("workflow_work", text)
        try:
            async with asyncio.timeout(0.05):
                while await inbox.get() != text:
                    pass
        except TimeoutError:
            continue
        return


async def test_notifications_arrive_again_after_a_broken_connection(
    database_url: str, pool: Pool, session: asyncpg.Connection
) -> None:
    defects = Defects()
    inbox: asyncio.Queue[str] = asyncio.Queue()
    signals = PostgresSignals(database_url, pool, check_seconds=0.02)
    signals.subscribe("workflow_work", inbox.put_nowait)
    signals.start(defects.report)
    try:
        await heard(signals, inbox, "before")
        await session.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        await heard(signals, inbox, "after")
    finally:
        await signals.stop()
        await signals.stop()
    defects.raise_first()


class HeldPool:
    """A pool whose statements wait until each is let go."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.gate = asyncio.Semaphore(0)
        self.waiting = asyncio.Semaphore(0)
        self.sent: list[list[str]] = []

    async def execute(self, query: str, channels: list[str], payloads: list[str]) -> None:
        self.waiting.release()
        await self.gate.acquire()
        self.sent.append(list(payloads))
        await self._pool.execute(query, channels, payloads)


async def test_what_comes_while_others_are_sent_is_sent_together(database_url: str, pool: Pool) -> None:
    """Also when the one that was to send it is cancelled."""
    held, inbox = HeldPool(pool), asyncio.Queue[str]()
    signals = PostgresSignals(database_url, held)  # type: ignore[arg-type]
    hearing = PostgresSignals(database_url, pool)
    hearing.subscribe("workflow_work", inbox.put_nowait)
    defects = Defects()
    hearing.start(defects.report)
    try:
        await heard(hearing, inbox, "listening")
        first = asyncio.create_task(signals.announce("workflow_work", "first"))
        await held.waiting.acquire()
        others = [asyncio.create_task(signals.announce("workflow_work", f"{number}")) for number in range(20)]
        await asyncio.sleep(0)
        held.gate.release()
        await held.waiting.acquire()
        others[0].cancel()  # it is the one that sends
        await held.waiting.acquire()
        held.gate.release()
        await asyncio.gather(first, *others[1:])
        assert held.sent == [["first"], [f"{number}" for number in range(20)]]
        assert [await inbox.get() for _ in range(21)] == ["first", *map(str, range(20))]
    finally:
        await hearing.stop()
    defects.raise_first()


async def test_all_of_a_statement_that_fails_are_told(database_url: str) -> None:
    async with open_pool(database_url, size=1, timeout_seconds=20) as closed:
        pass
    signals = PostgresSignals(database_url, closed)
    found = await asyncio.gather(*(signals.announce("c", f"{n}") for n in range(3)), return_exceptions=True)
    assert [type(error) for error in found] == [StoreUnreachable] * 3
