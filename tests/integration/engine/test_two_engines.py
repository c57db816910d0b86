"""Several engines on one PostgreSQL, in one process: who runs what, who takes over, and what everybody sees."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.events import EventType
from app.domain.states import ExecutionStatus
from app.engine.ports import StoreUnreachable
from app.engine.running.engine import Engine
from app.engine.watching.updates import Update
from app.wiring.grpc_process import EngineProcess, open_engine_process
from tests.support.engine_process import parallel, running_server, settings_for, store_workflow, sync, workflow
from tests.support.gated_tasks import Gates
from tests.support.requests import start_of
from tests.support.tenant import CALLER

LEASE = {"engine_lease_seconds": 60.0, "engine_renew_seconds": 0.2, "engine_poll_seconds": 0.1}
"""A lease that no machine is too busy to keep; a test ends it where it needs to."""
GATED = {"function": "test.gated"}
CUTS = 5


class Fleet:
    """Opens engine processes on one database."""

    def __init__(self, database_url: str, stack: AsyncExitStack) -> None:
        self._database_url = database_url
        self._stack = stack

    async def process(self, **changes: object) -> EngineProcess:
        settings = settings_for(self._database_url, **LEASE, **changes)
        return await self._stack.enter_async_context(open_engine_process(settings))


@pytest.fixture
async def fleet(database_url: str) -> AsyncIterator[Fleet]:
    async with AsyncExitStack() as stack:
        yield Fleet(database_url, stack)


async def kill(engine: Engine) -> None:
    """Its loops stop where they are; it gives nothing back."""
    engine._held.accepting = False
    for part in (engine._lease, engine._claiming, engine._commands):
        await part.stop()
    engine._held.drop_all()
    await engine._recorder.stop()


async def start(process: EngineProcess, key: str, **options: Any) -> UUID:
    started = await process.executions.start(CALLER, start_of(key, **options))
    return started.execution.id


async def watch(process: EngineProcess, execution_id: UUID, after: int = 0) -> list[Update]:
    batches = await process.executions.watch(CALLER, execution_id, after)
    return [update async for batch in batches for update in batch]


async def test_another_engine_takes_over_when_the_lease_has_ended(
    fleet: Fleet, database_url: str, gates: Gates, session: asyncpg.Connection
) -> None:
    tasks = [sync("a", 1, "python", config=GATED), parallel("b", 2, "python", config=GATED), sync("c", 3)]
    await store_workflow(database_url, workflow("w", tasks))
    first, second = await fleet.process(), await fleet.process()
    execution_id = await start(first, "w")
    following = asyncio.create_task(watch(second, execution_id))
    gates.open("a")
    await gates.reached("b")
    killed = first.engine._lease.engine_id
    await kill(first.engine)
    await session.execute("UPDATE engines SET lease_until = now() - interval '1 second' WHERE id = $1", killed)
    await gates.reached("b", 2)
    gates.open("b")
    updates = await following

    assert updates[-1].event.status is ExecutionStatus.COMPLETED
    assert [update.event.sequence for update in updates] == list(range(1, len(updates) + 1))
    assert gates.runs == {"a": 1, "b": 2}
    assert await watch(first, execution_id) == updates, "what has no engine any more can still be read"
    for after in (1, 5, len(updates) - 1, len(updates)):
        assert await watch(second, execution_id, after) == updates[after:]


async def test_an_engine_that_stops_hands_over_at_once(fleet: Fleet, database_url: str, gates: Gates) -> None:
    tasks = [sync("a", 1, "python", config=GATED), sync("b", 2, "python", config=GATED)]
    await store_workflow(database_url, workflow("w", tasks))
    first = await fleet.process()
    execution_id = await start(first, "w")
    await gates.reached("a")
    second = await fleet.process()
    stopping = asyncio.create_task(first.engine.stop(30))
    await asyncio.sleep(0)
    gates.open("a", "b")
    await stopping
    updates = await watch(second, execution_id)
    assert updates[-1].event.status is ExecutionStatus.COMPLETED
    assert gates.runs == {"a": 1, "b": 1}


async def test_a_hundred_starts_of_one_key_are_one_execution(fleet: Fleet, database_url: str) -> None:
    await store_workflow(database_url, workflow("w", [sync("a", 1)]))
    processes = [await fleet.process(), await fleet.process()]
    request = start_of("w", {"n": 1}, "key")
    started = await asyncio.gather(*(processes[number % 2].executions.start(CALLER, request) for number in range(100)))
    assert len({one.execution.id for one in started}) == 1
    assert [one.already_started for one in started].count(False) == 1
    updates = await watch(processes[1], started[0].execution.id)
    assert len(updates) == 5


async def test_starts_of_many_keys_in_any_order_do_not_lock_each_other_out(fleet: Fleet, database_url: str) -> None:
    await store_workflow(database_url, workflow("w", []))
    processes = [await fleet.process(), await fleet.process()]
    keys = [f"key-{number}" for number in range(50)]
    calls = [
        process.executions.start(CALLER, start_of("w", idempotency_key=key))
        for process, order in zip(processes, (keys, keys[::-1]), strict=True)
        for key in order
    ]
    started = await asyncio.gather(*calls)
    assert len({one.execution.id for one in started}) == 50
    assert [one.already_started for one in started].count(False) == 50


async def test_everybody_sees_the_same_history(fleet: Fleet, database_url: str, gates: Gates) -> None:
    tasks = [parallel(name, 1, "python", config=GATED) for name in "abc"] + [sync("d", 2)]
    await store_workflow(database_url, workflow("w", tasks))
    here, there = await fleet.process(), await fleet.process()
    _, live = await here.executions.execute(CALLER, start_of("w"))
    first = await anext(live)
    execution_id = first[0].execution_id
    watchers = [
        asyncio.create_task(watch(process, execution_id, after)) for process in (here, there) for after in (0, 0, 4)
    ]
    for name in "cab":
        await gates.reached(name)
        gates.open(name)
    updates = first + [update async for batch in live for update in batch]
    assert updates[-1].event.status is ExecutionStatus.COMPLETED
    for watcher, after in zip(watchers, (0, 0, 4) * 2, strict=True):
        assert await watcher == updates[after:]
    assert (here.hub.watchers, there.hub.watchers) == (0, 0)


async def test_without_notifications_everything_only_takes_longer(
    fleet: Fleet, database_url: str, gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.adapters.database.signals.PostgresSignals.start", lambda *_: None)
    await store_workflow(database_url, workflow("w", [sync("a", 1, "python", config=GATED)]))
    full, other = await fleet.process(engine_max_executions=1), await fleet.process()
    await start(full, "w")
    await gates.reached("a")
    execution_id = await start(full, "w")
    await other.controls.cancel(CALLER, execution_id, "enough")
    updates = await watch(full, execution_id)
    assert updates[-1].event.status is ExecutionStatus.CANCELLED


async def test_what_no_engine_began_is_shared_by_all(
    fleet: Fleet, database_url: str, gates: Gates, session: asyncpg.Connection
) -> None:
    await store_workflow(database_url, workflow("w", [sync("a", 1, "python", config=GATED)]))
    full = await fleet.process(engine_max_executions=1)
    ids = [await start(full, "w") for _ in range(9)]
    others = [await fleet.process(engine_max_executions=4) for _ in range(2)]
    while sum(process.engine.running for process in (full, *others)) < 9:
        await asyncio.sleep(0.01)
    assert sorted(process.engine.running for process in (full, *others)) == [1, 4, 4]
    gates.open("a")
    for execution_id in ids:
        assert (await watch(full, execution_id))[-1].event.status is ExecutionStatus.COMPLETED
    assert gates.runs == {"a": 9}
    assert await session.fetchval("SELECT count(*) FROM executions WHERE owner_id IS NOT NULL") == 0


async def test_an_engine_whose_lease_was_removed_goes_on_under_a_new_one(
    fleet: Fleet, database_url: str, gates: Gates, session: asyncpg.Connection
) -> None:
    await store_workflow(database_url, workflow("w", [sync("a", 1, "python", config=GATED)]))
    process = await fleet.process()
    execution_id = await start(process, "w")
    await gates.reached("a")
    async with session.transaction():
        await session.execute("DELETE FROM engines")
        await session.execute("UPDATE executions SET owner_id = NULL, due_at = now()")
    await gates.reached("a", 2)
    gates.open("a")
    updates = await watch(process, execution_id)
    assert [update.event.type for update in updates].count(EventType.TASK_COMPLETED) == 1


async def test_broken_connections_lose_and_double_nothing(
    fleet: Fleet, database_url: str, session: asyncpg.Connection, gates: Gates
) -> None:
    """Whatever a write was doing when its connection was cut."""
    chain = [sync(f"t{number}", number) for number in range(40)]
    chain.append(sync("last", 40, "python", config=GATED))
    await store_workflow(database_url, workflow("w", chain))
    process = await fleet.process()
    ids = [await start(process, "w") for _ in range(10)]
    unfinished = "SELECT count(*) FROM executions WHERE finished_at IS NULL"
    seen = 0
    for _ in range(CUTS):
        while (stored := await session.fetchval("SELECT count(*) FROM execution_events")) == seen:
            assert gates.runs["last"] < len(ids), "there is nothing left to cut"
        seen = stored
        await session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    gates.open("last")
    while await session.fetchval(unfinished):
        await asyncio.sleep(0.01)
    for execution_id in ids:
        history = [
            row["type"]
            for row in await session.fetch(
                "SELECT type FROM execution_events WHERE execution_id = $1 ORDER BY sequence", execution_id
            )
        ]
        assert history[-1] == "execution_completed"
        assert history.count("task_completed") == 41
    numbers = await session.fetch(
        "SELECT max(sequence) = count(*) AS gapless FROM execution_events GROUP BY execution_id"
    )
    assert all(row["gapless"] for row in numbers)
    process.defects.raise_first()


async def test_a_client_that_goes_away_leaves_no_watcher(database_url: str, gates: Gates) -> None:
    await store_workflow(database_url, workflow("w", [sync("a", 1, "python", config=GATED)]))
    async with running_server(settings_for(database_url, **LEASE)) as server:
        calls = [server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="w")) for _ in range(5)]
        ids = [(await call.read()).execution_id for call in calls]
        calls += [server.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=id_)) for id_ in ids]
        for call in calls[5:]:
            await call.read()
        assert server.process.hub.watchers == 10
        for call in calls:
            call.cancel()
        while server.process.hub.watchers:
            await asyncio.sleep(0.01)
        assert server.process.engine.running == 5
        gates.open("a")
        for execution_id in ids:
            updates = await watch(server.process, execution_id)
            assert updates[-1].event.status is ExecutionStatus.COMPLETED


async def test_a_process_that_cannot_start_leaves_nothing_running(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(*_: object) -> int:
        raise StoreUnreachable("no answer")

    monkeypatch.setattr("app.adapters.database.leases.PostgresOwnership.register", unreachable)
    before = asyncio.all_tasks()
    with pytest.raises(StoreUnreachable):
        await fleet.process()
    assert {task.get_name() for task in asyncio.all_tasks() - before} == set()
