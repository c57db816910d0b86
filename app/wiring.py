"""The composition root: the only module that joins adapters to use cases.

Each function opens one process's parts and closes them in reverse order.
"""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from app.adapters.addresses import ServerAddress, StorageError, parse_database_url
from app.adapters.cache.in_process import InProcessDefinitionCache
from app.adapters.cache.redis_cache import open_redis_cache
from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.executions import PostgresDefinitionReader, PostgresExecutionStore
from app.adapters.database.migrations import migrate, schema_problem
from app.adapters.database.ownership import PostgresOwnership
from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.recording import PostgresRecording
from app.adapters.database.sessions import create_engine, create_sessions
from app.adapters.database.signals import PostgresSignals
from app.adapters.embedded.storage import open_storage
from app.adapters.system_clock import SystemClock
from app.api.rest.dependencies import Services
from app.config import Settings
from app.definitions.ports import DefinitionCache
from app.definitions.service import DefinitionService
from app.engine.announcer import Announcer
from app.engine.attempts import Attempts
from app.engine.engine import Engine, EngineOptions
from app.engine.plan import Plans
from app.engine.recorder import Recorder
from app.engine.runner import Tools
from app.engine.service import ExecutionService
from app.engine.starting import Starter
from app.engine.watchers import Hub
from app.tasks import HttpOptions, TaskOptions, TaskTypeRegistry, build_registry

log = structlog.get_logger(__name__)

IN_PROCESS_TTL_SECONDS = 5.0
"""Short: without Redis, another REST process's changes are seen only when an entry ends."""


@dataclass(frozen=True, slots=True)
class Database:
    """`dsn` is `postgresql+asyncpg://…`; the schema is current."""

    dsn: str
    pool: Pool


@dataclass(frozen=True, slots=True)
class EngineProcess:
    engine: Engine
    executions: ExecutionService
    hub: Hub


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Raise `StorageError` with one sentence when there is no usable database."""
    async with open_storage(settings.database_url) as dsn:
        await _provide_schema(settings, dsn)
        async with open_pool(dsn, settings.database_pool_size, settings.engine_lease_seconds) as pool:
            yield Database(dsn, pool)


async def _provide_schema(settings: Settings, dsn: str) -> None:
    """An embedded database is this program's own to migrate; a server's schema is changed by its operator alone."""
    if not isinstance(parse_database_url(settings.database_url), ServerAddress):
        await migrate(dsn)
    elif problem := await schema_problem(dsn):
        raise StorageError(problem)


@asynccontextmanager
async def open_task_types(settings: Settings) -> AsyncIterator[TaskTypeRegistry]:
    http = HttpOptions(settings.http_task_allow_private, settings.allowed_hosts, settings.http_task_max_response_bytes)
    registry = build_registry(TaskOptions(http, settings.engine_python_threads, settings.function_modules))
    try:
        yield registry
    finally:
        await registry.close()


@asynccontextmanager
async def open_engine_process(settings: Settings) -> AsyncIterator[EngineProcess]:
    """A started engine and the service that runs executions on it; stop the engine before leaving."""
    async with open_database(settings) as database, open_task_types(settings) as task_types:
        signals = PostgresSignals(database.dsn, database.pool)
        announcer = Announcer(signals)
        hub = Hub(announcer.grew)
        announcer.listen(hub.hint)
        plans = Plans(PostgresDefinitionReader(database.pool))
        tools = Tools(
            recorder=Recorder(PostgresRecording(database.pool)),
            attempts=Attempts(task_types, settings.max_output_bytes),
            hub=hub,
            clock=SystemClock(),
            max_output_bytes=settings.max_output_bytes,
        )
        engine = Engine(PostgresOwnership(database.pool), plans, tools, signals, _engine_options(settings))
        executions = execution_service(settings, database.pool, plans, hub, signals, engine)
        signals.start()
        announcer.start()
        await engine.start()
        try:
            yield EngineProcess(engine, executions, hub)
        finally:
            hub.close()
            await engine.stop(0)
            await announcer.stop()
            await signals.stop()


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
        signals.start()
        try:
            yield Services(definitions, executions, partial(_missing, database), settings.max_body_bytes)
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


def execution_service(
    settings: Settings, pool: Pool, plans: Plans, hub: Hub, signals: PostgresSignals, engine: Engine | None = None
) -> ExecutionService:
    store, definitions = PostgresExecutionStore(pool), PostgresDefinitionReader(pool)
    starter = Starter(store, definitions, plans, SystemClock(), settings.max_input_bytes, engine)
    return ExecutionService(starter, store, definitions, plans, hub, signals, settings.watch_poll_seconds)


def _engine_options(settings: Settings) -> EngineOptions:
    return EngineOptions(
        name=f"{socket.gethostname()}:{os.getpid()}",
        max_executions=settings.engine_max_executions,
        lease_seconds=settings.engine_lease_seconds,
        renew_seconds=settings.engine_renew_seconds,
        poll_seconds=settings.engine_poll_seconds,
    )
