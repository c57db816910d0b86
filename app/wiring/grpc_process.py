"""The gRPC process: an engine, and the service that runs executions on it."""

import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from uuid import UUID

from app.adapters.database.audit import PostgresAudit
from app.adapters.database.executions import PostgresExecutionStore
from app.adapters.database.feed import PostgresFeedRetention
from app.adapters.database.leases import PostgresOwnership
from app.adapters.database.own_connection import OwnConnection
from app.adapters.database.pool import DriverUUID, Pool, open_pool
from app.adapters.database.recording import PostgresRecording
from app.adapters.database.retention import PostgresRetention
from app.adapters.database.signals import PostgresSignals
from app.adapters.secrets import SecretFiles
from app.adapters.system_clock import SystemClock
from app.audit.anchors import Anchors
from app.audit.entry import Entries, nothing_hidden
from app.background.defects import Defects
from app.background.loop import OnDefect
from app.config import Settings
from app.domain.engines import EngineProfile
from app.domain.payloads import Payloads
from app.domain.version import VERSION
from app.engine.controls import ExecutionControls
from app.engine.evaluating.evaluations import Evaluations
from app.engine.identifiers import new_execution_id
from app.engine.ports import Secrets, StartQuota
from app.engine.running.attempts import Attempts
from app.engine.running.child_openings import ChildOpenings
from app.engine.running.collaborators import Collaborators
from app.engine.running.engine import Engine
from app.engine.running.limits import Limits
from app.engine.running.options import EngineOptions
from app.engine.running.recorder import Recorder
from app.engine.running.retention import Retention
from app.engine.service import ExecutionService
from app.engine.watching.announcer import Announcer
from app.engine.watching.watchers import Hub
from app.feed.retention import FeedRetention
from app.feed.service import FeedService
from app.identity.identity import Identity
from app.machines.machines import Machines
from app.machines.task_moves import TaskMoves
from app.machines.timers import EntityTimerLoop
from app.masking import Mask
from app.tasks import LateEntityMoves, TaskTypeRegistry
from app.wiring.feed import open_feed
from app.wiring.identity import open_identity
from app.wiring.insights import build_suggestion_loop
from app.wiring.kafka_front import FrontNeeds, build_front
from app.wiring.machines import build_entity_timers, build_machines
from app.wiring.parts import (
    Database,
    Shared,
    execution_controls,
    execution_service,
    open_databases,
    open_evaluations,
    open_task_types,
)
from app.wiring.schedules import build_scheduler


@dataclass(frozen=True, slots=True)
class EngineProcess:
    """The parts of a running gRPC process.

    engine: runs executions.
    executions: starts, reads and watches executions.
    controls: cancels, pauses, resumes, signals and repeats executions.
    feed: reads and follows all events of a tenant.
    machines: moves and reads entities.
    hub: the watchers in this process.
    identity: decides who calls, and may they.
    defects: the defects of background loops; the first one must end the process.
    """

    engine: Engine
    executions: ExecutionService
    controls: ExecutionControls
    feed: FeedService
    machines: Machines
    payloads: Payloads
    hub: Hub
    identity: Identity
    defects: Defects


class BesideLoop(Protocol):
    """A loop beside the engine: it fires what is due of entities, receives from Kafka and publishes to it, or computes
    suggestions.
    """

    def start(self, on_defect: OnDefect) -> None: ...

    async def stop(self) -> None: ...


@asynccontextmanager
async def _beside(
    settings: Settings, pool: Pool, loops_of_use_cases: Sequence[BesideLoop], on_defect: OnDefect
) -> AsyncIterator[None]:
    """Runs the loops that are given, removes what is older than the settings allow, and logs the heads of the audit
    logs.
    """
    loops = (
        *loops_of_use_cases,
        Retention(PostgresRetention(pool, settings.retention_days)),
        FeedRetention(PostgresFeedRetention(pool, settings.feed_retention_hours)),
        Anchors(PostgresAudit(pool)),
    )
    for loop in loops:
        loop.start(on_defect)
    try:
        yield
    finally:
        for loop in loops:
            await loop.stop()


@asynccontextmanager
async def open_engine_process(
    settings: Settings, secrets: Secrets | None = None, mask: Callable[[], Mask] = nothing_hidden
) -> AsyncIterator[EngineProcess]:
    """A started engine and the service that runs executions on it. Stop the engine before leaving the context.

    secrets: those that tasks use; None reads them as the settings say.
    mask: returns what hides the secrets of this process.
    """
    entries = Entries(mask)
    secrets = secrets or SecretFiles(settings.secrets_folder, os.environ)
    payloads, defects = Payloads(settings.max_input_bytes), Defects()
    async with (
        # First: what is wrong in modules and in TENANTS_FILE is told before a database is started or migrated.
        open_task_types(settings, moves := LateEntityMoves()) as task_types,
        open_databases(settings, defects.report) as databases,
        _open_lease_pool(settings, databases.engine) as lease_pool,
        open_evaluations(settings) as evaluations,
        _open_identity(settings, databases.api, defects.report, entries) as (signals, identity),
        AsyncExitStack() as stack,
    ):
        database = databases.engine
        writer = _open_writer(settings, database)
        shared = Shared.of(databases.api.pool, signals, evaluations, entries)
        announcer, hub, feed = await stack.enter_async_context(_watching(settings, shared, signals, defects))
        openings = _child_openings(settings, shared, database.pool, payloads)
        recording = PostgresRecording(writer, database.pool)
        collaborators = _collaborators(settings, recording, task_types, hub, evaluations, openings, secrets)
        ownership = PostgresOwnership(database.pool, lease_pool)
        options = _engine_options(settings, task_types)
        engine = Engine(ownership, shared.plans, collaborators, _limits(settings), signals, options, identity.limits)
        identity.limits.subscribe(engine.limits_changed)
        executions = execution_service(settings, shared, hub, engine, identity.starts)
        controls = execution_controls(shared, task_types, identity.starts)
        front = build_front(
            settings, FrontNeeds(shared, database.pool, signals, engine, controls, payloads, identity.starts)
        )
        machines, timers = _machines_of(settings, shared, database.pool, identity.starts, moves)
        scheduler = build_scheduler(settings, database.pool, signals, executions, controls)
        suggestions = build_suggestion_loop(
            shared.pool, database.pool, signals, engine, options.profile.name, options.max_executions
        )
        signals.start(defects.report)
        announcer.start(defects.report)
        try:
            await identity.limits.read()
            await engine.start(defects.report)
            # This engine is one more: the others have smaller parts of what tenants may run.
            identity.limits.changed()
            scheduler.start(defects.report)
            async with _beside(settings, database.pool, (front, timers, suggestions), defects.report):
                yield EngineProcess(engine, executions, controls, feed, machines, payloads, hub, identity, defects)
        finally:
            await scheduler.stop()
            for end in (hub.close, feed.close, machines.watching.close):
                end()
            await engine.stop(0)
            await announcer.stop()
            await signals.stop()
            await recording.close()
            await writer.close()


@asynccontextmanager
async def _watching(
    settings: Settings, shared: Shared, signals: PostgresSignals, defects: Defects
) -> AsyncIterator[tuple[Announcer, Hub, FeedService]]:
    """What tells readers in this process and in others of new events. The announcer is not started yet."""
    announcer = Announcer(signals)
    async with open_feed(settings, shared, signals, defects.report) as feed:
        hub = Hub(partial(_grew, announcer, feed))
        announcer.listen(hub.wake)
        yield announcer, hub, feed


def _grew(announcer: Announcer, feed: FeedService, execution_id: UUID) -> None:
    """Tell all who follow it that a history has grown, in this process and in others."""
    announcer.grew(execution_id)
    feed.wake()


@asynccontextmanager
async def _open_identity(
    settings: Settings, database: Database, on_defect: OnDefect, entries: Entries
) -> AsyncIterator[tuple[PostgresSignals, Identity]]:
    """The notifications, which are not started yet, and identity, which subscribes to them."""
    signals = PostgresSignals(database.direct, database.pool)
    async with open_identity(settings, database.pool, signals, on_defect, entries) as identity:
        yield signals, identity


def _machines_of(
    settings: Settings, shared: Shared, pool: Pool, quota: StartQuota, moves: LateEntityMoves
) -> tuple[Machines, EntityTimerLoop]:
    """Machines, joined to the tasks that move entities, and the loop that fires what is due. It is not started yet.

    pool: connections with the rights of an engine.
    """
    machines = build_machines(settings, shared, quota)
    moves.connect(TaskMoves(machines.entities))
    return machines, build_entity_timers(settings, pool, shared.signals, machines.writer)


def _open_writer(settings: Settings, database: Database) -> OwnConnection:
    """The connection of the recorder."""
    own = database.direct or database.dsn
    return OwnConnection(own, settings.engine_lease_seconds, pooled=database.direct is None)


def _open_lease_pool(settings: Settings, database: Database) -> AbstractAsyncContextManager[Pool]:
    """A pool of one connection for the lease alone, so that a renewal never waits behind other statements."""
    own = database.direct or database.dsn
    return open_pool(own, 1, settings.engine_lease_seconds, pooled=database.direct is None)


def _child_openings(settings: Settings, shared: Shared, pool: Pool, payloads: Payloads) -> ChildOpenings:
    store, new_id = PostgresExecutionStore(pool), partial(new_execution_id, DriverUUID)
    return ChildOpenings(shared.plans, store, SystemClock(), payloads, shared.evaluations, _limits(settings), new_id)


def _collaborators(
    settings: Settings,
    recording: PostgresRecording,
    task_types: TaskTypeRegistry,
    hub: Hub,
    evaluations: Evaluations,
    openings: ChildOpenings,
    secrets: Secrets,
) -> Collaborators:
    return Collaborators(
        recorder=Recorder(recording),
        attempts=Attempts(task_types, settings.max_output_bytes),
        hub=hub,
        evaluations=evaluations,
        clock=SystemClock(),
        openings=openings,
        secrets=secrets,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        max_output_bytes=settings.max_output_bytes,
        max_events=settings.max_events_per_execution,
        max_lost_attempts=settings.engine_max_lost_attempts,
        cancel_grace_seconds=settings.engine_cancel_grace_seconds,
        park_after_seconds=settings.engine_park_seconds,
        max_depth=settings.max_depth,
        max_descendants=settings.max_descendants,
    )


def _engine_options(settings: Settings, task_types: TaskTypeRegistry) -> EngineOptions:
    return EngineOptions(
        profile=_profile(settings, task_types),
        max_executions=settings.engine_max_executions,
        lease_seconds=settings.engine_lease_seconds,
        renew_seconds=settings.engine_renew_seconds,
        poll_seconds=settings.engine_poll_seconds,
    )


def _profile(settings: Settings, task_types: TaskTypeRegistry) -> EngineProfile:
    host, pid = socket.gethostname(), os.getpid()
    return EngineProfile(
        name=f"{host}:{pid}",
        host=host,
        pid=pid,
        version=VERSION,
        capacity=settings.engine_max_executions,
        task_types=task_types.type_names,
        functions=task_types.function_names,
    )
