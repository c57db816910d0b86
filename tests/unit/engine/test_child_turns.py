"""Turns in which tasks prepare children: one at a time, and the larger a family, the longer its turns last."""

import asyncio
from uuid import UUID

import pytest

from app.domain.executions import Execution, Parent
from app.domain.handlers import TaskError
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus
from app.engine.running.child_openings import LARGE_FAMILY, LONGEST_REST, ChildOpenings
from app.engine.running.limits import Limits
from tests.support.memory_house import House
from tests.support.virtual_time import in_virtual_time

ROOT = UUID(int=1)
MOST = 10 * LARGE_FAMILY


class Families:
    """Says how many are in the family; the database takes one second to find out."""

    def __init__(self, there: int) -> None:
        self.there = there

    async def count_descendants(self, root_id: UUID, limit: int) -> int:
        await asyncio.sleep(1)
        return self.there


def openings_of(there: int) -> ChildOpenings:
    house = House()
    unused: object = None
    return ChildOpenings(unused, Families(there), house.clock, unused, unused, Limits(1, max_descendants=MOST))


def member(workflow_id: int = 1) -> Execution:
    parent = Parent(ROOT, 1, None, ROOT, 1)
    return Execution(
        id=UUID(int=2),
        tenant_id=1,
        workflow_id=workflow_id,
        revision=1,
        status=ExecutionStatus.RUNNING,
        input=Payload("{}"),
        created_at=House().clock.now(),
        parent=parent,
    )


async def seconds_of_a_turn(there: int) -> float:
    now = asyncio.get_running_loop().time
    began = now()
    async with openings_of(there).turn(member(), 1):
        pass
    return now() - began


@in_virtual_time
async def test_a_turn_of_a_large_family_is_followed_by_a_rest() -> None:
    assert await seconds_of_a_turn(0) == 1
    assert await seconds_of_a_turn(LARGE_FAMILY // 10) == pytest.approx(1.1)
    assert await seconds_of_a_turn(LARGE_FAMILY) == pytest.approx(2)
    assert await seconds_of_a_turn(MOST - 1) == pytest.approx(1 + LONGEST_REST)


@in_virtual_time
async def test_others_wait_until_the_rest_is_over() -> None:
    openings = openings_of(LARGE_FAMILY)
    now = asyncio.get_running_loop().time
    entered = []

    async def prepare(workflow_id: int) -> None:
        async with openings.turn(member(workflow_id), 1):
            entered.append((workflow_id, now()))

    await asyncio.gather(prepare(1), prepare(2), prepare(1))
    assert entered == [(1, 1), (2, 3), (1, 5)]


@in_virtual_time
async def test_a_family_that_may_not_grow_is_refused_without_a_rest() -> None:
    openings = openings_of(MOST)
    with pytest.raises(TaskError, match="MAX_DESCENDANTS"):
        async with openings.turn(member(), 1):
            raise AssertionError("no turn")
    assert asyncio.get_running_loop().time() == 1
