"""Places that workflows get in turn."""

import asyncio

import pytest

from app.background.fair_places import FairPlaces, FullQueue


async def hold(places: FairPlaces, workflow: int, order: list[int], go: asyncio.Event) -> None:
    async with places.place(workflow):
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
