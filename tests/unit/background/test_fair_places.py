"""Places that tenants get in turn, and the workflows of a tenant."""

import asyncio

import pytest

from app.background.fair_places import FairPlaces, FullQueue
from app.domain.shares import Group


async def hold(places: FairPlaces, workflow: int, order: list[int], go: asyncio.Event, tenant: int = 1) -> None:
    async with places.place(Group(tenant, workflow)):
        order.append(workflow)
        await go.wait()


async def test_workflows_take_turns_however_many_one_of_them_wants() -> None:
    places, order, go = FairPlaces(1, 100), [], asyncio.Event()
    workflows = [1, 1, 1, 1, 2, 2, 3]
    holders = [asyncio.create_task(hold(places, workflow, order, go)) for workflow in workflows]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*holders)
    assert order == [1, 1, 2, 3, 1, 2, 1]


async def test_no_more_than_the_places_are_taken() -> None:
    places, order, go = FairPlaces(2, 100), [], asyncio.Event()
    holders = [asyncio.create_task(hold(places, 1, order, go)) for _ in range(5)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(order) == 2
    go.set()
    await asyncio.gather(*holders)
    assert len(order) == 5


async def test_one_workflow_fills_a_quarter_of_the_queue() -> None:
    places, order, go = FairPlaces(1, 8), [], asyncio.Event()
    holders = [asyncio.create_task(hold(places, 1, order, go)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(FullQueue, match="2 wait already, 2 of them for the same"):
        await hold(places, 1, order, go)
    holders += [asyncio.create_task(hold(places, workflow, order, go)) for workflow in (2, 2, 3, 3, 4, 4)]
    await asyncio.sleep(0)
    with pytest.raises(FullQueue, match="8 wait already, 0 of them"):
        await hold(places, 5, order, go)
    go.set()
    await asyncio.gather(*holders)


async def test_one_workflow_does_not_have_all_places() -> None:
    places, order, go = FairPlaces(9), [], asyncio.Event()
    holders = [asyncio.create_task(hold(places, 1, order, go)) for _ in range(20)]
    await asyncio.sleep(0)
    assert order == [1] * 8
    holders.append(asyncio.create_task(hold(places, 2, order, go)))
    await asyncio.sleep(0)
    assert order == [*[1] * 8, 2]
    go.set()
    await asyncio.gather(*holders)
    assert order.count(1) == 20


@pytest.mark.parametrize("at", ["while it waits", "when its turn has come"])
async def test_who_is_cancelled_keeps_no_place(at: str) -> None:
    places, order, go = FairPlaces(1, 100), [], asyncio.Event()
    holders = [asyncio.create_task(hold(places, workflow, order, go)) for workflow in (1, 2, 3)]
    await asyncio.sleep(0)
    if at == "when its turn has come":
        go.set()
        while not holders[0].done():
            await asyncio.sleep(0)
    holders[1].cancel()
    go.set()
    await asyncio.gather(*holders, return_exceptions=True)
    assert 3 in order
    await asyncio.wait_for(hold(places, 4, order, go), 5)


async def test_tenants_take_turns_however_many_workflows_one_of_them_has() -> None:
    places, order, go = FairPlaces(1, 100), [], asyncio.Event()
    wanted = [(1, workflow) for workflow in (1, 2, 3, 4, 1)] + [(2, 7), (3, 8), (2, 7), (2, 9)]
    holders = [asyncio.create_task(hold(places, workflow, order, go, tenant)) for tenant, workflow in wanted]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*holders)
    assert order == [1, 2, 7, 8, 3, 9, 4, 7, 1]


async def test_workflows_of_one_tenant_do_not_have_all_places() -> None:
    places, order, go = FairPlaces(10), [], asyncio.Event()
    holders = [asyncio.create_task(hold(places, 100, order, go, tenant=2))]
    await asyncio.sleep(0)
    holders += [asyncio.create_task(hold(places, workflow, order, go)) for workflow in range(20)]
    await asyncio.sleep(0)
    assert len(order) == 9
    holders.append(asyncio.create_task(hold(places, 300, order, go, tenant=3)))
    await asyncio.sleep(0)
    assert order[9:] == [300]
    go.set()
    await asyncio.gather(*holders)


async def test_one_of_several_tenants_leaves_a_quarter_of_the_queue() -> None:
    places, order, go = FairPlaces(1, 8), [], asyncio.Event()
    holders = [asyncio.create_task(hold(places, 1, order, go, tenant=2))]
    await asyncio.sleep(0)
    holders += [asyncio.create_task(hold(places, workflow, order, go)) for workflow in range(6)]
    await asyncio.sleep(0)
    with pytest.raises(FullQueue, match="6 wait already, 0 of them"):
        await hold(places, 7, order, go)
    holders.append(asyncio.create_task(hold(places, 8, order, go, tenant=3)))
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*holders)
    assert order[:3] == [1, 0, 8]
