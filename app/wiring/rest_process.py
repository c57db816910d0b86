"""The REST process: definitions, and executions, which an engine in another process claims and runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import structlog

from app.adapters.database.audit import PostgresAudit
from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.fleet import PostgresFleet
from app.adapters.database.schema import schema_problem
from app.adapters.database.sessions import create_engine
from app.adapters.database.signals import PostgresSignals
from app.adapters.database_url import StorageError
from app.adapters.system_clock import SystemClock
from app.api.dashboard.assets import Assets
from app.api.dashboard.serving import Dashboard
from app.api.live.broadcasts import Broadcasts
from app.api.rest.dependencies import Services
from app.api.rest.live_streams import LiveStreams
from app.api.rest.web_rules import WebRules
from app.audit.entry import Entries, nothing_hidden
from app.audit.reading import AuditService
from app.background.defects import Defects
from app.config import Settings
from app.definitions.rules import Rules
from app.definitions.service import DefinitionService
from app.domain.host_names import ANY
from app.domain.payloads import Payloads
from app.engine.dry_run import DryRunner
from app.engine.evaluating.evaluations import Evaluations
from app.engine.fleet.service import FleetService
from app.engine.local_engine import NoEngine
from app.engine.watching.announcer import Announcer
from app.engine.watching.watchers import Hub
from app.feed.service import FeedService
from app.identity.identity import Identity
from app.masking import Mask
from app.tasks import TaskTypeRegistry
from app.wiring.definition_cache import open_definition_cache
from app.wiring.feed import open_feed
from app.wiring.identity import open_identity
from app.wiring.kafka import topics_of, usual_way
from app.wiring.live import open_broadcasts, open_sockets, tell_news
from app.wiring.machines import build_machines
from app.wiring.parts import (
    Database,
    Shared,
    execution_controls,
    execution_service,
    open_database,
    open_evaluations,
    open_task_types,
    overview_service,
    trigger_service,
)
from app.wiring.schedules import schedule_service
from app.wiring.suggestions import suggestion_service

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_rest_process(
    settings: Settings,
    defects: Defects,
    mask: Callable[[], Mask] = nothing_hidden,
    *,
    address_is_known: bool = True,
) -> AsyncIterator[Services]:
    """The services that the routes need. Background loops report to `defects`; the first one must end the process.

    mask: returns what hides the secrets of this process.
    address_is_known: see `open_identity`.
    """
    entries, way = Entries(mask), usual_way(settings)
    async with (
        # First: what is wrong in modules and in TENANTS_FILE is told before a database is started or migrated.
        open_task_types(settings) as task_types,
        open_database(settings, defects.report) as database,
        open_evaluations(settings) as evaluations,
        _open_signals(database) as signals,
        _open_definitions(settings, database, task_types, signals, evaluations, entries) as definitions,
        _open_identity(settings, database, signals, defects, entries, address_is_known) as identity,
    ):
        hub = Hub()
        Announcer(signals).listen(hub.wake)
        shared = Shared.of(database.pool, signals, evaluations, entries)
        executions = execution_service(settings, shared, hub, NoEngine(), identity.starts)
        controls = execution_controls(shared, task_types, identity.starts)
        schedules = schedule_service(database.pool, signals, entries)
        dry_runs = DryRunner(shared.plans, task_types, evaluations, SystemClock(), settings.max_output_bytes)
        payloads, machines = Payloads(settings.max_input_bytes), build_machines(settings, shared, identity.starts)
        ready = partial(_missing, database)
        async with _following(settings, shared, signals, hub, defects) as (feed, broadcasts):
            sockets = open_sockets(settings, broadcasts, identity, definitions, executions, feed, machines)
            yield Services(
                definitions=definitions,
                executions=executions,
                overviews=overview_service(shared),
                triggers=trigger_service(shared, identity.starts, way),
                controls=controls,
                feed=feed,
                schedules=schedules,
                dry_runs=dry_runs,
                payloads=payloads,
                identity=identity,
                audit=AuditService(PostgresAudit(database.pool)),
                machines=machines,
                fleet=FleetService(store := PostgresFleet(database.pool), store, SystemClock()),
                suggestions=suggestion_service(database.pool, signals, definitions, entries),
                ready=ready,
                max_body_bytes=settings.max_body_bytes,
                web_rules=_web_rules(settings),
                sockets=sockets,
                streams=LiveStreams(sockets.close, hub.close, feed.close, machines.watching.close),
                kafka_topics=topics_of(settings),
                dashboard=Dashboard(Assets(), has_pages=settings.dashboard == "on"),
            )


@asynccontextmanager
async def _following(
    settings: Settings, shared: Shared, signals: PostgresSignals, hub: Hub, defects: Defects
) -> AsyncIterator[tuple[FeedService, Broadcasts]]:
    """The notifications are started, and at the end all that follow executions or the feed end."""
    async with open_feed(settings, shared, signals, defects.report) as feed:
        broadcasts = open_broadcasts(feed, signals, defects.report)
        signals.start(defects.report)
        try:
            yield feed, broadcasts
        finally:
            broadcasts.close()
            hub.close()


def _web_rules(settings: Settings) -> WebRules:
    hosts, origins = settings.service_hosts, settings.shared_origins
    if ANY in hosts:
        log.warning("any_host_allowed", advice="set ALLOWED_HOSTS to the names of this service, against DNS rebinding")
    else:
        log.info("hosts_allowed", hosts=sorted(hosts), origins=sorted(origins))
    return WebRules(hosts, origins)


def _open_identity(
    settings: Settings,
    database: Database,
    signals: PostgresSignals,
    defects: Defects,
    entries: Entries,
    is_known: bool,
) -> AbstractAsyncContextManager[Identity]:
    return open_identity(settings, database.pool, signals, defects.report, entries, address_is_known=is_known)


@asynccontextmanager
async def _open_signals(database: Database) -> AsyncIterator[PostgresSignals]:
    """Signals that are not started yet, because listeners must subscribe first."""
    signals = PostgresSignals(database.direct, database.pool)
    try:
        yield signals
    finally:
        await signals.stop()


@asynccontextmanager
async def _open_definitions(
    settings: Settings,
    database: Database,
    task_types: TaskTypeRegistry,
    signals: PostgresSignals,
    evaluations: Evaluations,
    entries: Entries,
) -> AsyncIterator[DefinitionService]:
    engine = create_engine(database.dsn, settings.database_pool_size, pooled=database.pooled)
    try:
        async with open_definition_cache(settings, signals) as cache:
            store = PostgresDefinitionStore(engine, SystemClock().now, entries)
            rules = Rules(task_types, settings.max_tasks_per_workflow)
            yield DefinitionService(store, cache, rules, evaluations, partial(tell_news, signals))
    finally:
        await engine.dispose()


async def _missing(database: Database) -> list[str]:
    """The reasons why this process cannot serve requests; empty when it can."""
    try:
        problem = await schema_problem(database.dsn)
    except StorageError as error:
        return [str(error)]
    return [] if problem is None else [problem]
