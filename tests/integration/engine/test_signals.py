"""Notifications between processes: they arrive again after their connection has broken."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.signals import PostgresSignals
from app.background.defects import Defects


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
