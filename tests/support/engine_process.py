"""A whole gRPC process inside the test's event loop: engine, server on a free port, client channel."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc

from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.sessions import create_engine
from app.api.grpc.generated.machine_pb2_grpc import MachineServiceStub
from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from app.api.grpc.machine_servicer import MachineServicer
from app.api.grpc.server import GrpcLimits, Server
from app.api.grpc.servicer import WorkflowServicer
from app.config import Settings
from app.definitions import edits
from app.domain.actions import Act
from app.domain.definitions import ExecutionType, TaskDraft, Workflow, WorkflowDraft
from app.domain.refs import Ref
from app.wiring.grpc_process import EngineProcess, open_engine_process
from tests.support.acts import ANYONE
from tests.support.clients import grpc_channel
from tests.support.tenant import TENANT_ID
from tests.support.walls import urls_for


@dataclass(frozen=True)
class RunningServer:
    process: EngineProcess
    server: Server
    channel: grpc.aio.Channel
    stub: Any
    machines: Any


def settings_for(database_url: str, **changes: Any) -> Settings:
    return Settings(_env_file=None, **urls_for(database_url), **changes)


@asynccontextmanager
async def running_server(settings: Settings) -> AsyncIterator[RunningServer]:
    async with open_engine_process(settings) as process:
        servicer = WorkflowServicer(
            process.executions,
            process.controls,
            process.feed,
            process.machines,
            process.payloads,
            settings.grpc_max_message_bytes,
            process.identity.addresses,
        )
        limits = GrpcLimits(message_bytes=settings.grpc_max_message_bytes)
        machines = MachineServicer(process.machines, settings.grpc_max_message_bytes)
        server = Server(servicer, machines, "127.0.0.1", 0, process.identity, limits)
        await server.start()
        try:
            async with grpc_channel(f"127.0.0.1:{server.port}") as channel:
                yield RunningServer(process, server, channel, WorkflowServiceStub(channel), MachineServiceStub(channel))
        finally:
            await server.stop(0)
    process.defects.raise_first()


async def read_on(call: Any) -> list[Any]:
    """The rest of a stream of which some messages were read one by one."""
    messages = []
    while (message := await call.read()) is not grpc.aio.EOF:
        messages.append(message)
    return messages


async def store_workflow(database_url: str, draft: WorkflowDraft, act: Act = ANYONE) -> Workflow:
    engine = create_engine(database_url, 1)
    try:
        return (await PostgresDefinitionStore(engine, lambda: datetime.now(UTC)).create(act, draft)).workflow
    finally:
        await engine.dispose()


async def change_workflow(database_url: str, key: str, changes: Mapping[str, Any]) -> Workflow:
    engine = create_engine(database_url, 1)
    try:
        store = PostgresDefinitionStore(engine, lambda: datetime.now(UTC))
        return (
            await store.change(
                ANYONE, Ref(tenant_id=TENANT_ID, key=key), lambda current: edits.merged(current, changes)
            )
        ).workflow
    finally:
        await engine.dispose()


def sync(name: str, sequence: int, type: str | None = None, **options: Any) -> TaskDraft:
    return TaskDraft(name, ExecutionType.SYNC, sequence=sequence, type=type, **options)


def parallel(name: str, sequence: int, type: str | None = None, **options: Any) -> TaskDraft:
    return TaskDraft(name, ExecutionType.ASYNC, sequence=sequence, type=type, **options)


def workflow(key: str, tasks: Sequence[TaskDraft], **fields: Any) -> WorkflowDraft:
    return WorkflowDraft(name=key.replace("-", " "), key=key, tasks=tuple(tasks), **fields)
