"""Builds the parts that both processes need: the database, the task types, the service of executions."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from app.adapters.database.connecting import is_pooled
from app.adapters.database.executions import PostgresDefinitionReader, PostgresExecutionStore
from app.adapters.database.overview import PostgresOverviews
from app.adapters.database.pool import DriverUUID, Pool, open_pool
from app.adapters.database.signals import PostgresSignals
from app.adapters.database.walls.rules import API
from app.adapters.database_url import Login, login_of, server_url, with_login
from app.adapters.evaluators.pool import EvaluatorPool
from app.adapters.evaluators.process import ProcessLimits
from app.adapters.system_clock import SystemClock
from app.adapters.tenants_file import read_tenants_file
from app.audit.entry import Entries
from app.background.loop import OnDefect
from app.background.turns import Turns
from app.config import Settings
from app.domain.callers import DEFAULT_TENANT
from app.domain.entity_moves import EntityMoves
from app.engine.controls import ExecutionControls
from app.engine.evaluating.evaluations import Evaluations
from app.engine.identifiers import new_execution_id
from app.engine.local_engine import LocalEngine
from app.engine.overview.service import OverviewService
from app.engine.planning.plans import Plans
from app.engine.ports import StartQuota
from app.engine.service import ExecutionService
from app.engine.starting import Starter
from app.engine.triggering.service import DIRECT, TriggerService, Way
from app.engine.watching.watchers import Hub
from app.tasks import HttpOptions, HttpRights, KafkaOptions, TaskOptions, TaskTypeRegistry, TenantRights, build_registry
from app.tasks.rights import ANY
from app.wiring.kafka import task_publisher
from app.wiring.schema import open_logins


@dataclass(frozen=True, slots=True)
class Database:
    """A database whose schema is current, as one login sees it.

    dsn: `postgresql+asyncpg://…`.
    pool: the connections to it.
    pooled: whether a pooler may be between this process and the server.
    direct: an address without a pooler; None when none is known.
    """

    dsn: str
    pool: Pool
    pooled: bool
    direct: str | None


@dataclass(frozen=True, slots=True)
class Databases:
    """One database, as two logins see it; the same object twice if there is one login only.

    api: for what callers ask for; each statement sees one tenant.
    engine: for what engines do; it sees all tenants.
    """

    api: Database
    engine: Database


@asynccontextmanager
async def open_database(settings: Settings, on_defect: OnDefect) -> AsyncIterator[Database]:
    """Open the database for callers only. See `open_databases`."""
    async with open_logins(settings, on_defect, roles=[API]) as logins, _open(settings, logins.api) as database:
        yield database


@asynccontextmanager
async def open_databases(settings: Settings, on_defect: OnDefect) -> AsyncIterator[Databases]:
    """Open the database that the settings name. Raise `StorageError` with one sentence when it cannot be used.

    `on_defect(error)` is called when a defect has ended the loop that restarts an embedded database.
    """
    async with open_logins(settings, on_defect) as logins, _open(settings, logins.api) as api:
        if logins.engine == logins.api:
            yield Databases(api, api)
            return
        async with _open(settings, logins.engine, login_of(logins.engine)) as engine:
            yield Databases(api, engine)


@asynccontextmanager
async def _open(settings: Settings, dsn: str, login: Login | None = None) -> AsyncIterator[Database]:
    """login: with which the server is reached past a pooler; None takes that of DATABASE_DIRECT_URL."""
    pooled = await _is_pooled(settings, dsn)
    direct = _direct_address(settings, login) if pooled else dsn
    async with open_pool(dsn, settings.database_pool_size, settings.engine_lease_seconds, pooled=pooled) as pool:
        yield Database(dsn, pool, pooled, direct)


async def _is_pooled(settings: Settings, dsn: str) -> bool:
    if settings.database_pooler == "auto":
        return await is_pooled(dsn)
    return settings.database_pooler == "transaction"


def _direct_address(settings: Settings, login: Login | None) -> str | None:
    """Raise `StorageError` when DATABASE_DIRECT_URL names no server."""
    direct = settings.database_direct_url
    return None if direct is None else with_login(server_url(direct, "DATABASE_DIRECT_URL"), login)


@asynccontextmanager
async def open_task_types(settings: Settings, entities: EntityMoves | None = None) -> AsyncIterator[TaskTypeRegistry]:
    """The registry of task types. `settings` has the limits of tasks, the modules with functions, and what tenants may
    use; `entities` moves entities for tasks. Raise `PluginError` and `TenantsFileError`.
    """
    rights = {DEFAULT_TENANT: _rights_of_default(settings), **read_tenants_file(settings.tenants_file)}
    options = TaskOptions(
        http=_http_options(settings, {tenant: one.http for tenant, one in rights.items()}),
        python_threads=settings.engine_python_threads,
        python_modules=settings.function_modules,
        functions={tenant: one.functions for tenant, one in rights.items()},
    )
    registry = build_registry(options, kafka=_kafka_options(settings, rights), entities=entities)
    try:
        yield registry
    finally:
        await registry.close()


def _rights_of_default(settings: Settings) -> TenantRights:
    http = HttpRights(settings.http_task_allow_private, settings.http_task_hosts, settings.own_api_workflows)
    return TenantRights(http, frozenset({ANY}), settings.kafka_topics_of_tasks)


def _kafka_options(settings: Settings, rights: Mapping[str, TenantRights]) -> KafkaOptions:
    topics = {tenant: one.kafka_topics for tenant, one in rights.items()}
    return KafkaOptions(task_publisher(settings), topics, f"{settings.kafka_prefix}.")


def _http_options(settings: Settings, rights: Mapping[str, HttpRights]) -> HttpOptions:
    return HttpOptions(
        rights=rights,
        max_response_bytes=settings.http_task_max_response_bytes,
        own_ports=frozenset({settings.fastapi_port, settings.grpc_port}),
    )


@asynccontextmanager
async def open_evaluations(settings: Settings) -> AsyncIterator[Evaluations]:
    """Evaluates in this process and in evaluator processes, which are started when they are needed."""
    limits = ProcessLimits(settings.evaluator_deadline_seconds, settings.evaluator_memory_bytes)
    pool = EvaluatorPool(settings.evaluator_processes, settings.evaluator_max_waiting, limits)
    try:
        yield Evaluations(pool, Turns())
    finally:
        await pool.close()


@dataclass(frozen=True, slots=True)
class Shared:
    """What the services of executions have in common.

    pool: the connections to the database.
    signals: the notifications between processes.
    evaluations: evaluates expressions and checks values.
    plans: the compiled revisions.
    entries: makes the entries of the audit log.
    """

    pool: Pool
    signals: PostgresSignals
    evaluations: Evaluations
    plans: Plans
    entries: Entries

    @classmethod
    def of(cls, pool: Pool, signals: PostgresSignals, evaluations: Evaluations, entries: Entries) -> "Shared":
        return cls(pool, signals, evaluations, Plans(PostgresDefinitionReader(pool), evaluations.turns), entries)


def execution_service(
    settings: Settings, shared: Shared, hub: Hub, engine: LocalEngine, quota: StartQuota
) -> ExecutionService:
    store = PostgresExecutionStore(shared.pool)
    new_id = partial(new_execution_id, DriverUUID)
    starter = Starter(store, shared.plans, SystemClock(), shared.signals, engine, shared.evaluations, new_id)
    return ExecutionService(starter, engine, store, shared.plans, hub, settings.watch_poll_seconds, quota)


def overview_service(shared: Shared) -> OverviewService:
    return OverviewService(PostgresOverviews(shared.pool), PostgresExecutionStore(shared.pool), SystemClock())


def trigger_service(shared: Shared, quota: StartQuota, usual_way: Way = DIRECT) -> TriggerService:
    store, clock = PostgresExecutionStore(shared.pool), SystemClock()
    new_id = partial(new_execution_id, DriverUUID)
    return TriggerService(store, shared.plans, clock, shared.signals, shared.evaluations, quota, new_id, usual_way)


def execution_controls(shared: Shared, task_types: TaskTypeRegistry, quota: StartQuota) -> ExecutionControls:
    store = PostgresExecutionStore(shared.pool, shared.entries)
    evaluations, clock = shared.evaluations, SystemClock()
    return ExecutionControls(store, shared.plans, shared.signals, clock, task_types, evaluations, quota=quota)
