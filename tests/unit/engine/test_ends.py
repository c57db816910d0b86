"""Waiting for the end of an execution: who reads, how often, and how a wait can end."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from app.domain.errors import NotFound
from app.domain.executions import Execution
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus
from app.engine.ports import StoreUnreachable
from app.engine.watching.ends import Ends
from app.engine.watching.watchers import Hub
from tests.support.histories import at
from tests.support.virtual_time import in_virtual_time

TENANT, OTHER = 7, 8
WAITERS = 1_000
POLL, HOUR = 0.5, 3_600.0


class Row:
    """The row of one running execution; counts how often it is read."""

    def __init__(self, poll_seconds: float = HOUR) -> None:
        self.hub = Hub()
        self.ends = Ends(self.hub, self.read, poll_seconds)
        self.execution = Execution(uuid4(), TENANT, 1, 1, ExecutionStatus.RUNNING, Payload("{}"), at(0))
        self.reads = 0
        self.failing = False

    async def read(self, tenant_id: int, execution_id: UUID) -> Execution:
        self.reads += 1
        if self.failing:
            raise StoreUnreachable("no answer")
        if tenant_id != TENANT:
            raise NotFound("execution", execution_id)
        return self.execution

    def end(self) -> None:
        self.execution = replace(self.execution, status=ExecutionStatus.COMPLETED)

    def waiting(self, seconds: float = HOUR, tenant_id: int = TENANT) -> asyncio.Task[Execution | None]:
        return asyncio.create_task(self.ends.wait(tenant_id, self.execution.id, seconds))

    async def has_read(self, times: int) -> None:
        while self.reads < times:
            await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_one_reads_for_all_who_wait() -> None:
    row = Row()
    waits = [row.waiting() for _ in range(WAITERS)]
    await row.has_read(1)
    for reads in (2, 3):
        row.hub.wake(row.execution.id)
        await row.has_read(reads)
    assert row.hub.watchers == 1
    row.end()
    row.hub.wake(row.execution.id)
    assert set(map(id, await asyncio.gather(*waits))) == {id(row.execution)}
    assert (row.reads, row.hub.watchers) == (4, 0)


@in_virtual_time
async def test_lost_wake_ups_are_made_up_for_by_one_poll_for_all() -> None:
    row = Row(POLL)
    waits = [row.waiting() for _ in range(WAITERS)]
    await asyncio.sleep(10 * POLL - 0.1)
    row.end()
    assert await asyncio.gather(*waits) == [row.execution] * WAITERS
    assert row.reads == 11


@in_virtual_time
async def test_each_waits_as_long_as_it_wants() -> None:
    row = Row()
    short, long = row.waiting(1), row.waiting(5)
    assert await short is None
    assert asyncio.get_running_loop().time() == 1
    late = row.waiting(10)
    assert await long is None
    assert asyncio.get_running_loop().time() == 5
    row.end()
    row.hub.wake(row.execution.id)
    assert await late == row.execution
    assert (row.reads, row.hub.watchers) == (2, 0)


async def test_what_ended_during_the_first_read_is_noticed() -> None:
    row = Row()
    before, begun, go = row.execution, asyncio.Event(), asyncio.Event()

    async def read_slowly(tenant_id: int, execution_id: UUID) -> Execution:
        row.reads += 1
        if row.reads > 1:
            return row.execution
        begun.set()
        await go.wait()
        return before

    wait = asyncio.create_task(Ends(row.hub, read_slowly, HOUR).wait(TENANT, row.execution.id, HOUR))
    await begun.wait()
    row.end()
    row.hub.wake(row.execution.id)
    go.set()
    assert await wait == row.execution


async def test_the_last_one_who_leaves_ends_the_reading() -> None:
    row = Row()
    first, last = row.waiting(), row.waiting()
    await row.has_read(1)
    first.cancel()
    await asyncio.wait([first])
    assert row.hub.watchers == 1
    last.cancel()
    await asyncio.wait([last])
    again = row.waiting()
    await row.has_read(2)
    assert row.hub.watchers == 1
    row.end()
    row.hub.wake(row.execution.id)
    assert await again == row.execution


async def test_an_error_is_for_all_who_wait_and_for_none_after_them() -> None:
    row = Row()
    waits = [row.waiting() for _ in range(3)]
    await row.has_read(1)
    row.failing = True
    row.hub.wake(row.execution.id)
    found = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(error) for error in found] == [StoreUnreachable] * 3
    row.failing = False
    row.end()
    assert await row.waiting() == row.execution


async def test_another_tenant_does_not_share_the_reading() -> None:
    row = Row()
    wait = row.waiting()
    await row.has_read(1)
    with pytest.raises(NotFound):
        await row.waiting(tenant_id=OTHER)
    row.end()
    row.hub.wake(row.execution.id)
    assert await wait == row.execution


async def test_all_waits_end_when_the_process_stops() -> None:
    row = Row()
    waits = [row.waiting() for _ in range(3)]
    await row.has_read(1)
    row.hub.close()
    assert await asyncio.gather(*waits) == [row.execution] * 3
    assert await row.waiting() == row.execution
