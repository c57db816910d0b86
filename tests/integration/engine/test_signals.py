"""Notifications between processes: a hint that comes again whenever its connection breaks."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.adapters.database import signals as signals_module
from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.signals import PostgresSignals


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with open_pool(database_url, size=2, timeout_seconds=20) as pool:
        yield pool


async def heard(signals: PostgresSignals, inbox: "asyncio.Queue[str]", text: str) -> None:
    """Until a hint arrives: what is announced before anybody listens is lost."""
    while True:
        await signals.announce("workflow_work", text)
        try:
            async with asyncio.timeout(0.05):
                while await inbox.get() != text:
                    pass
        except TimeoutError:
            continue
        return


async def test_hints_come_again_after_a_broken_connection(
    database_url: str, pool: Pool, session: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals_module, "CHECK_SECONDS", 0.02)
    inbox: asyncio.Queue[str] = asyncio.Queue()
    signals = PostgresSignals(database_url, pool)
    signals.subscribe("workflow_work", inbox.put_nowait)
    signals.start()
    try:
        await heard(signals, inbox, "before")
        await session.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        await heard(signals, inbox, "after")
    finally:
        await signals.stop()
        await signals.stop()
