"""Under a steady load with a short retention the database comes to a size and keeps it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from statistics import median

import asyncpg
import pytest

from app.adapters.database.pool import open_pool
from app.adapters.database.retention import PostgresRetention
from app.adapters.database_url import driver_dsn
from app.domain.errors import NotFound
from app.engine.running.retention import Retention
from app.wiring.grpc_process import EngineProcess, open_engine_process
from tests.support.engine_process import settings_for, store_workflow, sync, workflow
from tests.support.requests import start_of
from tests.support.tenant import CALLER

RETENTION_SECONDS = 5.0
CALLERS = 8
SAMPLES = 30
LONG_ENOUGH_SECONDS = 300.0
"""For autovacuum, which looks once a minute, to have made room for new rows several times."""

_SIZE = """
    SELECT (SELECT count(*) FROM executions),
           pg_total_relation_size('executions') + pg_total_relation_size('execution_events')
"""


@dataclass(frozen=True, slots=True)
class Sample:
    executions: int
    size_bytes: int


async def start_for_ever(process: EngineProcess, pause_seconds: float) -> None:
    while True:
        started = await process.executions.start(CALLER, start_of("quick"))
        with suppress(NotFound):
            await process.executions.wait(CALLER, started.execution.id, 20)
        await asyncio.sleep(pause_seconds)


@pytest.mark.timeout(0)
async def test_the_database_keeps_its_size(
    database_url: str, soak_seconds: float, tell: Callable[[object], None]
) -> None:
    await store_workflow(database_url, workflow("quick", [sync("a", 1), sync("b", 2), sync("c", 3)]))
    session = await asyncpg.connect(driver_dsn(database_url))
    samples: list[Sample] = []
    async with (
        open_engine_process(settings_for(database_url)) as process,
        open_pool(database_url, 2, 20) as pool,
    ):
        retention = Retention(PostgresRetention(pool, RETENTION_SECONDS / 86_400), sweep_seconds=1.0)
        retention.start(process.defects.report)
        callers = [asyncio.create_task(start_for_ever(process, 0.05)) for _ in range(CALLERS)]
        for _ in range(SAMPLES):
            await asyncio.sleep(soak_seconds / SAMPLES)
            samples.append(Sample(*await session.fetchrow(_SIZE)))
            tell(samples[-1])
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        await retention.stop()
        await process.engine.stop(5)
    await session.close()
    early, late = samples[SAMPLES // 3 : 2 * SAMPLES // 3], samples[2 * SAMPLES // 3 :]
    assert median(s.executions for s in late) < 1.3 * median(s.executions for s in early)
    if soak_seconds >= LONG_ENOUGH_SECONDS:
        assert median(s.size_bytes for s in late) < 1.3 * median(s.size_bytes for s in early)
