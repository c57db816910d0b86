"""What the channels send: to those who have subscribed, and to nobody else."""

import asyncio
from collections.abc import Sequence

from app.api.live import broadcast
from tests.support.sockets import LONGEST, Said

from .conftest import EVENTS, House


def data(heard: Sequence[Said], field: str) -> list[object]:
    return [said["data"][field] for said in heard]


async def test_an_execution_is_told_from_its_first_event_on(house: House) -> None:
    execution_id = await house.start("waits")
    async with house.socket() as client:
        channel = f"execution:{execution_id}"
        assert (await client.follow(channel, after=0))["data"] == {"after": 0, "mode": "all"}
        await house.go(execution_id)
        heard = await client.until_final(execution_id)
    assert {said["channel"] for said in heard} == {channel}
    assert data(heard, "sequence") == list(range(1, len(heard) + 1))
    for said in heard:
        is_of_task = said["data"]["task_id"] is not None
        assert said["type"] == ("task_update" if is_of_task else "execution_update")
    page = (await house.live.client.get(f"/executions/{execution_id}/events")).json()["items"]
    assert [{**item, **said["data"]} for item, said in zip(page, heard, strict=True)] == data_of(heard)


def data_of(heard: Sequence[Said]) -> list[object]:
    return [said["data"] for said in heard]


async def test_all_events_of_all_executions_are_those_of_the_feed(house: House) -> None:
    async with house.socket() as client:
        assert (await client.follow("executions", mode="all"))["data"] == {"after": 0, "mode": "all"}
        ids = [await house.finished("steps") for _ in range(2)]
        heard = await client.take(2 * EVENTS)
    items = (await house.live.client.get("/events?after=0&limit=1000")).json()["items"]
    assert data_of(heard) == items
    assert {said["type"] for said in heard} == {"execution_update"}
    assert data(heard, "position") == list(range(1, 2 * EVENTS + 1))
    assert set(data(heard, "execution_id")) == set(ids)


async def test_tasks_are_told_without_executions(house: House) -> None:
    async with house.socket() as client:
        await client.follow("tasks", mode="all")
        await house.finished("steps")
        heard = await client.take(EVENTS - 3)
        task_id = heard[0]["data"]["task_id"]
        await client.follow(f"task:{task_id}", after=0, mode="all")
        replayed = await client.take(2)
    assert {said["type"] for said in heard} == {"task_update"}
    assert None not in data(heard, "task_id")
    own = [said["data"] for said in heard if said["data"]["task_id"] == task_id]
    assert data_of(replayed) == own
    assert {said["channel"] for said in replayed} == {f"task:{task_id}"}


async def test_lists_tell_the_newest_state_of_each_execution(house: House) -> None:
    async with house.socket() as client:
        assert (await client.follow("executions"))["data"] == {"after": 0, "mode": "newest"}
        ids = [await house.finished("steps") for _ in range(2)]
        heard = await client.until_final(*ids)
        assert len(heard) < 2 * EVENTS
        positions = data(heard, "position")
        assert positions == sorted(positions)  # type: ignore[type-var]
        await client.follow("tasks", after=0)
        replayed = await client.take(2 * (EVENTS - 3) // 2)
    assert {(said["data"]["type"], said["data"]["task_status"]) for said in replayed} == {
        ("task_completed", "completed")
    }


async def test_a_workflow_tells_its_executions_and_its_changes(house: House) -> None:
    body = {"name": "W", "key": "w", "tasks": [{"name": "a", "execution_type": "sync", "sequence": 1}]}
    async with house.socket() as client, house.socket() as of_one:
        assert (await client.follow("workflows"))["type"] == "subscribed"
        created = (await house.live.client.post("/workflows", json=body)).json()
        assert await client.hear() == news("workflows", created["id"], "created", 1)
        await of_one.follow("workflow:w", mode="all")
        by_id = f"workflow:{created['id']}"
        await of_one.follow(by_id, mode="all")
        execution_id = await house.finished("w")
        heard = await of_one.take(2 * 5)
        for channel in ("workflow:w", by_id):
            own = [said for said in heard if said["channel"] == channel]
            assert data(own, "sequence") == [1, 2, 3, 4, 5]
            assert {(said["type"], said["data"]["execution_id"]) for said in own} == {
                ("execution_update", execution_id)
            }
        await house.live.client.patch("/workflows/w", json={"name": "V"})
        assert await client.hear() == news("workflows", created["id"], "changed", 2)
        told = {str(said) for said in await of_one.take(2)}
        assert told == {str(news(channel, created["id"], "changed", 2)) for channel in ("workflow:w", by_id)}
        await house.live.client.delete("/workflows/w")
        assert await client.hear() == news("workflows", created["id"], "deleted", 2)


def news(channel: str, workflow_id: int, change: str, revision: int) -> Said:
    document = {"position": None, "sequence": None, "workflow_id": workflow_id, "change": change, "revision": revision}
    return {"type": "workflow_update", "channel": channel, "data": document}


async def test_nothing_reaches_a_socket_that_has_not_subscribed(house: House) -> None:
    async with house.socket() as silent, house.socket() as other, house.socket() as client:
        await client.follow("executions", mode="all")
        await client.follow("tasks", mode="all")
        await other.follow("workflows")
        assert (await client.ask("unsubscribe", "tasks"))["type"] == "unsubscribed"
        execution_id = await house.finished("steps")
        heard = await client.until_final(execution_id)
        assert {said["channel"] for said in heard} == {"executions"}
        assert len(heard) == EVENTS
        for one in (silent, other):
            assert (await one.ask("ping"))["type"] == "pong"


async def test_a_channel_that_is_followed_again_begins_again(house: House) -> None:
    execution_id = await house.finished("steps")
    async with house.socket() as client:
        for after in (0, 5, EVENTS - 1):
            await client.follow(f"execution:{execution_id}", after=after)
            assert data(await client.take(EVENTS - after), "sequence") == list(range(after + 1, EVENTS + 1))
        await client.follow("executions", after=EVENTS, mode="all")
        await client.follow("executions", mode="newest")
        later = await house.finished("steps")
        heard = await client.until_final(later)
        assert data(heard, "position") == sorted(set(data(heard, "position")))  # type: ignore[type-var]


async def test_following_ends_with_the_last_socket(house: House) -> None:
    broadcasts = house.live.services.sockets._parts.broadcasts  # type: ignore[attr-defined]
    async with house.socket() as client:
        await client.follow("executions")
        ((one, _),) = broadcasts._held.values()
        assert isinstance(one, broadcast.Broadcast)
        async with house.socket() as other:
            await other.follow("tasks")
            assert len(broadcasts._held) == 1
            await other.connection.close()
        assert (await client.ask("ping"))["type"] == "pong"
        assert one._loop.is_running
    async with asyncio.timeout(LONGEST):
        while broadcasts._held:
            await asyncio.sleep(0.01)
    assert not one._loop.is_running
