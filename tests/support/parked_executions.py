"""Executions that wait for a long time, in numbers, and what they cost an engine that has nothing else to do."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from app.adapters.database_url import driver_dsn
from app.api.grpc.generated import workflow_pb2 as pb
from tests.support.databases import ask
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.process_usage import MIB, cpu_seconds, machine_load, resident_bytes

LONG_SECONDS = 7 * 24 * 3600.0
DUE_SECONDS = 2.0
PARK_SECONDS = 0.5
OBSERVED_SECONDS = 4.0

_PARKED = "SELECT count(*) FROM executions WHERE owner_id IS NULL AND finished_at IS NULL"
# Every column as the execution that was parked by an engine has it, but with ids of their own and different due times.
_COPY_EXECUTIONS = """
INSERT INTO executions
SELECT copy.* FROM executions x, generate_series(1, $2) AS n,
     jsonb_populate_record(x, jsonb_build_object(
         'id', overlay(x.id::text placing lpad(to_hex(n), 12, '0') from 25),
         'due_at', x.due_at + n * interval '1 second')) AS copy
WHERE x.id = $1
"""
_COPY_EVENTS = """
INSERT INTO execution_events
SELECT copy.* FROM execution_events e, generate_series(1, $2) AS n,
     jsonb_populate_record(e, jsonb_build_object(
         'execution_id', overlay(e.execution_id::text placing lpad(to_hex(n), 12, '0') from 25))) AS copy
WHERE e.execution_id = $1
"""
_COPY_FEED = """
INSERT INTO feed (events, body)
SELECT e.last, uuid_send(overlay($1::uuid::text placing lpad(to_hex(n), 12, '0') from 25)::uuid)
               || int4send(1) || int4send(e.last)
FROM (SELECT max(sequence) AS last FROM execution_events WHERE execution_id = $1) e, generate_series(1, $2) AS n
"""


@dataclass(frozen=True, slots=True)
class Idle:
    """What an engine with nothing to do takes: memory, and how much of one core over some seconds."""

    memory_bytes: int
    core_share: float

    def __str__(self) -> str:
        return f"{self.memory_bytes / MIB:.1f} MiB and {self.core_share:.1%} of a core"


@dataclass(frozen=True, slots=True)
class Parked:
    executions: int
    before: Idle
    after: Idle
    late_seconds: float

    def __str__(self) -> str:
        return (
            f"{self.executions} parked executions: an idle engine takes {self.before} without and {self.after} with "
            f"them; one that was due among them woke {self.late_seconds:.2f} s late ({machine_load()})"
        )


@asynccontextmanager
async def parking_engine(database_url: str) -> AsyncIterator[GrpcServerProcess]:
    await store_workflow(database_url, workflow("long", (sync("wait", 1, "delay", config={"seconds": LONG_SECONDS}),)))
    await store_workflow(database_url, workflow("due", (sync("wait", 1, "delay", config={"seconds": DUE_SECONDS}),)))
    server = GrpcServerProcess(database_url, ENGINE_PARK_SECONDS=str(PARK_SECONDS), LOG_LEVEL="warning")
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def park(server: GrpcServerProcess, database_url: str, executions: int) -> Parked:
    """Let the engine park one, copy that in the database, and wait for another that is due."""
    started = await server.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="long"))
    while await ask(database_url, _PARKED) != 1:
        await asyncio.sleep(0.05)
    before = await _observed(server)
    await _copy(database_url, started.execution_id, executions - 1)
    assert await ask(database_url, _PARKED) == executions
    after = await _observed(server)
    return Parked(executions, before, after, await _late(server))


async def _observed(server: GrpcServerProcess) -> Idle:
    used, began = cpu_seconds(server.pid), time.monotonic()
    await asyncio.sleep(OBSERVED_SECONDS)
    share = (cpu_seconds(server.pid) - used) / (time.monotonic() - began)
    return Idle(resident_bytes(server.pid), share)


async def _copy(database_url: str, execution_id: str, copies: int) -> None:
    session = await asyncpg.connect(driver_dsn(database_url))
    try:
        await session.execute(_COPY_EXECUTIONS, execution_id, copies)
        await session.execute(_COPY_EVENTS, execution_id, copies)
        await session.execute(_COPY_FEED, execution_id, copies)
        await session.execute("ANALYZE executions, execution_events")
    finally:
        await session.close()


async def _late(server: GrpcServerProcess) -> float:
    """How long after its time the wait of a parked execution was over."""
    call = server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="due"))
    updates = [update async for update in call]
    assert updates[-1].status == pb.COMPLETED
    begun, over = (
        next(u.occurred_at.ToDatetime() for u in updates if u.task_status == status)
        for status in (pb.TASK_RUNNING, pb.TASK_COMPLETED)
    )
    return (over - begun).total_seconds() - DUE_SECONDS
