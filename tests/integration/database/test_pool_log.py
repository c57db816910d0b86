"""What the log says while a pool cannot connect to the database again."""

import asyncio
import logging

import pytest
from sqlalchemy.engine import make_url

from app.adapters.database.pool import open_pool
from tests.support.databases import ask


async def test_a_lost_database_is_logged_without_a_traceback(
    postgres_url: str, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The driver connects again by itself, and logs each failure."""
    name = make_url(database_url).database
    async with open_pool(database_url, 2, 5.0):
        await ask(postgres_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            await ask(postgres_url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            warning = await first_record(caplog)
        finally:
            await ask(postgres_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert warning.exc_info is None
    assert "is not currently accepting connections" in warning.getMessage()


async def first_record(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    async with asyncio.timeout(60):
        while True:
            for record in caplog.records:
                if record.name == "asyncpg.pool":
                    return record
            await asyncio.sleep(0.05)
