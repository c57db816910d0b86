"""The REST process: definitions, and executions that are left for an engine in some other process to run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog

from app.adapters.addresses import StorageError
from app.adapters.cache.in_process import InProcessDefinitionCache
from app.adapters.cache.redis_cache import open_redis_cache
from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.executions import PostgresDefinitionReader
from app.adapters.database.migrations import schema_problem
from app.adapters.database.sessions import create_engine, create_sessions
from app.adapters.database.signals import PostgresSignals
from app.adapters.system_clock import SystemClock
from app.api.rest.dependencies import Services
from app.config import Settings
from app.definitions.ports import DefinitionCache
from app.definitions.service import DefinitionService
from app.engine.announcer import Announcer
from app.engine.plan import Plans
from app.engine.watchers import Hub
from app.tasks import TaskTypeRegistry
from app.wiring.parts import Database, execution_controls, execution_service, open_database, open_task_types

log = structlog.get_logger(__name__)

IN_PROCESS_TTL_SECONDS = 5.0
"""Short: without Redis, another REST process's changes are seen only when an entry ends."""


@asynccontextmanager
async def open_rest_process(settings: Settings) -> AsyncIterator[Services]:
    """Definitions, and executions that are left for an engine in some other process to run."""
    async with (
        open_database(settings) as database,
        open_task_types(settings) as task_types,
        _open_definitions(settings, database, task_types) as definitions,
    ):
        signals, hub = PostgresSignals(database.dsn, database.pool), Hub()
        Announcer(signals).listen(hub.hint)
        plans = Plans(PostgresDefinitionReader(database.pool))
        executions = execution_service(settings, database.pool, plans, hub, signals)
        controls = execution_controls(settings, database.pool, plans, signals)
        signals.start()
        try:
            yield Services(definitions, executions, controls, partial(_missing, database), settings.max_body_bytes)
        finally:
            hub.close()
            await signals.stop()


@asynccontextmanager
async def _open_definitions(
    settings: Settings, database: Database, task_types: TaskTypeRegistry
) -> AsyncIterator[DefinitionService]:
    engine = create_engine(database.dsn, settings.database_pool_size)
    try:
        async with _open_cache(settings) as cache:
            store = PostgresDefinitionStore(create_sessions(engine), SystemClock().now)
            yield DefinitionService(store, cache, task_types, settings.max_tasks_per_workflow)
    finally:
        await engine.dispose()


@asynccontextmanager
async def _open_cache(settings: Settings) -> AsyncIterator[DefinitionCache]:
    if settings.redis_url is None:
        log.info("cache_in_process", ttl_seconds=IN_PROCESS_TTL_SECONDS)
        yield InProcessDefinitionCache(IN_PROCESS_TTL_SECONDS)
        return
    log.info("cache_redis", ttl_seconds=settings.cache_ttl_seconds)
    async with open_redis_cache(
        settings.redis_url, settings.cache_ttl_seconds, settings.cache_timeout_seconds
    ) as cache:
        yield cache


async def _missing(database: Database) -> list[str]:
    """What keeps this process from answering; nothing when it can."""
    try:
        problem = await schema_problem(database.dsn)
    except StorageError as error:
        return [str(error)]
    return [] if problem is None else [problem]
