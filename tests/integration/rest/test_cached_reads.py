"""Reads come from the cache, never older than the last acknowledged write, and nobody notices when it is gone."""

import asyncio

import pytest
from redis.asyncio import Redis

from tests.support.databases import ask
from tests.support.rest_service import serving
from tests.support.tcp_proxy import proxy_to
from tests.support.tenant import TENANT_ID

TASK = {"name": "t", "execution_type": "sync"}
HOUR = 3600.0
"""So long that nothing but a notification, or its loss, shows a change in time."""
PREFIX = f"workflow:definition:3:{TENANT_ID}:"


@pytest.fixture
async def stored(rest) -> dict:
    return (await rest.post("/workflows", json={"name": "n", "key": "k", "tasks": [TASK]})).json()


async def read(rest, ref) -> dict:
    answer = await rest.get(f"/workflows/{ref}")
    assert answer.status_code == 200
    return answer.json()


async def test_the_second_read_comes_from_redis(rest, stored, redis_url):
    first = await rest.get("/workflows/k")
    async with Redis.from_url(redis_url) as client:
        entry = await client.get(f"{PREFIX}k:e")
        marked = entry.replace(b'"name":"n"', b'"name":"from redis"')
        await client.set(f"{PREFIX}k:e", marked)
    second = await rest.get("/workflows/k")
    assert second.json() == stored | {"name": "from redis"}
    assert second.headers["etag"] == first.headers["etag"]


async def test_every_change_shows_at_once_under_id_and_key(rest, stored):
    task_url = f"/tasks/{stored['tasks'][0]['id']}"
    for method, url, body in (
        ("PUT", "/workflows/k", {"name": "m", "key": "k"}),
        ("PATCH", f"/workflows/{stored['id']}", {"description": "d"}),
        ("POST", "/workflows/k/tasks", TASK | {"name": "u"}),
        ("PUT", task_url, TASK | {"sequence": 1}),
        ("PATCH", task_url, {"sequence": 2}),
        ("DELETE", task_url, None),
    ):
        before = await read(rest, "k")
        assert await read(rest, stored["id"]) == before
        assert (await rest.request(method, url, json=body)).status_code in (200, 201)
        after = await read(rest, "k")
        assert after["revision"] == before["revision"] + 1
        assert await read(rest, stored["id"]) == after


async def test_a_key_that_moves_takes_its_readers_along(rest, stored):
    await read(rest, "k")
    await rest.patch("/workflows/k", json={"key": "other"})
    assert (await rest.get("/workflows/k")).status_code == 404
    assert (await read(rest, "other"))["id"] == stored["id"]
    second = (await rest.post("/workflows", json={"name": "n", "key": "k"})).json()
    assert (await read(rest, "k"))["id"] == second["id"]
    await rest.delete("/workflows/k")
    assert (await rest.get("/workflows/k")).status_code == 404


async def test_two_processes_share_what_they_cache(rest, stored, settings):
    async with serving(settings) as other:
        for name in ("a", "b", "c"):
            await read(rest, "k")
            await other.patch("/workflows/k", json={"name": name})
            assert (await read(rest, "k"))["name"] == name


async def test_readers_and_writers_at_once_never_see_the_past(rest, stored):
    acknowledged = 1

    async def write() -> None:
        nonlocal acknowledged
        for n in range(15):
            answer = await rest.patch("/workflows/k", json={"description": str(n)})
            acknowledged = answer.json()["revision"]
        reader.cancel()

    async def keep_reading() -> None:
        while True:
            floor = acknowledged
            documents = await asyncio.gather(read(rest, "k"), read(rest, stored["id"]))
            assert min(document["revision"] for document in documents) >= floor

    reader = asyncio.ensure_future(keep_reading())
    await write()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert acknowledged == 16


@pytest.mark.parametrize("how", ["stalled", "gone"])
async def test_redis_may_stop_and_come_back_unnoticed(settings, how):
    """Only changes take longer, and no longer than entries live."""
    async with proxy_to(settings.redis_url) as (proxy, url):
        changes = {"redis_url": url, "cache_timeout_seconds": 0.2, "cache_ttl_seconds": 0.5}
        async with serving(settings.model_copy(update=changes)) as rest:
            for key in ("k", "unchanged"):
                await rest.post("/workflows", json={"name": "n", "key": key, "tasks": [TASK]})
                assert (await read(rest, key))["name"] == "n"
            await proxy.vanish() if how == "gone" else proxy.stall()
            for name in ("a", "b"):
                changed = await rest.patch("/workflows/k", json={"name": name})
                assert changed.status_code == 200
                assert (await read(rest, "k"))["name"] == name
            await proxy.start() if how == "gone" else proxy.flow()
            await until_hits(rest, "unchanged")
            assert (await read(rest, "k"))["name"] == "b"


async def test_a_process_cut_off_from_redis_hides_no_change_from_the_others(rest, stored, settings):
    async with proxy_to(settings.redis_url) as (proxy, url):
        changes = {"redis_url": url, "cache_timeout_seconds": 0.2}
        async with serving(settings.model_copy(update=changes)) as cut_off:
            await read(rest, "k")
            await proxy.vanish()
            assert (await cut_off.patch("/workflows/k", json={"name": "m"})).status_code == 200
            assert (await read(rest, "k"))["name"] == "m"
            assert (await read(rest, stored["id"]))["name"] == "m"


async def test_a_stampede_on_a_cold_key_costs_a_handful_of_loads(rest, stored):
    answers = await asyncio.gather(*(rest.get("/workflows/k") for _ in range(1000)))
    assert {answer.content for answer in answers} == {answers[0].content}
    counted = (await rest.get("/readyz")).json()["cache"]
    assert counted["hits"] + counted["misses"] + counted["bypasses"] == 1000
    assert counted["loads"] <= 3


async def test_without_redis_a_cache_in_this_process_does_the_same(settings):
    async with serving(settings.model_copy(update={"redis_url": None})) as rest:
        await rest.post("/workflows", json={"name": "n", "key": "k"})
        for name in ("a", "b"):
            before = await rest.get("/workflows/k")
            assert (await rest.get("/workflows/k")).content == before.content
            await rest.patch("/workflows/k", json={"name": name})
            assert (await read(rest, "k"))["name"] == name


async def test_processes_without_redis_hear_of_each_others_changes(settings):
    """Within a moment: notifications are quick, but nobody waits for them to arrive."""
    alone = settings.model_copy(update={"redis_url": None, "cache_ttl_seconds": HOUR})
    async with serving(alone) as here, serving(alone) as there:
        await here.post("/workflows", json={"name": "n", "key": "k"})
        await until_hits(there, "k")
        for name in ("a", "b", "c"):
            await here.patch("/workflows/k", json={"name": name})
            await until_name(there, name)
            assert (await read(here, "k"))["name"] == name


async def test_without_redis_a_process_that_lost_its_notifications_asks_the_database(settings, database_url):
    alone = settings.model_copy(update={"redis_url": None, "cache_ttl_seconds": HOUR})
    async with serving(alone) as here, serving(alone) as there:
        await here.post("/workflows", json={"name": "n", "key": "k"})
        await until_hits(there, "k")
        listening = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query ~ '^LISTEN|^SELECT 1$'"
        await ask(database_url, listening + " AND datname = current_database() AND pid <> pg_backend_pid()")
        for name in ("a", "b"):
            await here.patch("/workflows/k", json={"name": name})
            await until_name(there, name)
        await until_hits(there, "k")


async def hits(rest) -> int:
    return (await rest.get("/readyz")).json()["cache"]["hits"]


async def until_hits(rest, ref) -> None:
    before = await hits(rest)
    while await hits(rest) == before:
        await read(rest, ref)
        await asyncio.sleep(0.01)


async def until_name(rest, name) -> None:
    while (await read(rest, "k"))["name"] != name:
        await asyncio.sleep(0.01)
