"""`/schedules`: kept, changed and previewed; engines elsewhere fire them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.adapters.database.pool import open_pool
from app.config import Settings
from tests.support.rest_service import serving

CRON = {"workflow": "w", "cron": "0 2 * * *", "time_zone": "Europe/Berlin"}
LONG_AGO = "2020-01-01T00:00:00Z"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
async def workflow(rest: httpx.AsyncClient) -> dict[str, Any]:
    return (await rest.post("/workflows", json={"name": "w", "key": "w"})).json()


@pytest.fixture
async def schedule(rest: httpx.AsyncClient, workflow: dict[str, Any]) -> dict[str, Any]:
    answer = await rest.post("/schedules", json=CRON | {"key": "nightly", "input": {"z": 1.0, "a": "ü"}})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/schedules/{answer.json()['id']}"
    return answer.json()


async def test_a_new_schedule_has_every_field(rest: httpx.AsyncClient, schedule: dict[str, Any], workflow):
    assert schedule == {
        "id": schedule["id"],
        "key": "nightly",
        "workflow_id": workflow["id"],
        "cron": "0 2 * * *",
        "allow_every_second": False,
        "time_zone": "Europe/Berlin",
        "at": None,
        "input": {"z": 1.0, "a": "ü"},
        "overlap": "skip",
        "catch_up_seconds": 3600,
        "paused": False,
        "next_fire_at": schedule["next_fire_at"],
        "waiting_fire_at": None,
        "last_fire_at": None,
        "last_execution_id": None,
        "problem": None,
        "created_at": schedule["created_at"],
        "updated_at": schedule["created_at"],
    }
    assert datetime.now(UTC) < instant(schedule["next_fire_at"]) < datetime.now(UTC) + timedelta(hours=26)
    for ref in (schedule["id"], "nightly"):
        assert (await rest.get(f"/schedules/{ref}")).json() == schedule


async def test_an_instant_is_kept_in_utc(rest: httpx.AsyncClient, workflow: dict[str, Any]):
    created = (await rest.post("/schedules", json={"workflow": "w", "at": "2099-01-01T01:00:00+02:00"})).json()
    assert created["at"] == created["next_fire_at"] == "2098-12-31T23:00:00.000000Z"
    assert (await rest.get(f"/schedules/{created['id']}/next")).json() == {"items": [created["at"]]}


async def test_lists_are_pages_and_know_the_workflow(rest: httpx.AsyncClient, schedule: dict[str, Any]):
    await rest.post("/workflows", json={"name": "other", "key": "other"})
    other = (await rest.post("/schedules", json=CRON | {"workflow": "other"})).json()
    page = (await rest.get("/schedules", params={"skip": 1, "limit": 1})).json()
    assert page == {"items": [other], "page": 2, "size": 1, "total": 2, "pages": 2}
    assert (await rest.get("/schedules", params={"workflow_id": "w"})).json()["items"] == [schedule]
    unknown = await rest.get("/schedules", params={"workflow_id": "nobody"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "workflow_not_found")


async def test_put_sets_every_field_and_keeps_the_next_fire_where_the_times_stay(
    rest: httpx.AsyncClient, schedule: dict[str, Any]
):
    changed = (await rest.put("/schedules/nightly", json=CRON | {"overlap": "queue", "paused": None})).json()
    kept = {"id", "workflow_id", "cron", "time_zone", "created_at", "next_fire_at", "catch_up_seconds", "paused"}
    assert {name: changed[name] for name in kept} == {name: schedule[name] for name in kept}
    assert (changed["key"], changed["input"], changed["overlap"]) == (None, {}, "queue")
    hourly = (await rest.put(f"/schedules/{schedule['id']}", json=CRON | {"cron": "0 * * * *"})).json()
    assert instant(hourly["next_fire_at"]) <= datetime.now(UTC) + timedelta(hours=1)


async def test_pause_and_resume(rest: httpx.AsyncClient, schedule: dict[str, Any]):
    paused = (await rest.post("/schedules/nightly/pause")).json()
    assert (paused["paused"], paused["next_fire_at"]) == (True, None)
    assert (await rest.post("/schedules/nightly/pause")).json() == paused
    assert len((await rest.get("/schedules/nightly/next", params={"count": 3})).json()["items"]) == 3
    resumed = (await rest.post("/schedules/nightly/resume")).json()
    assert (resumed["paused"], resumed["next_fire_at"]) == (False, schedule["next_fire_at"])


async def test_a_deleted_schedule_is_unknown(rest: httpx.AsyncClient, schedule: dict[str, Any]):
    assert (await rest.delete("/schedules/nightly")).json() == schedule
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("PUT", ""),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("GET", "/next"),
    ):
        gone = await rest.request(method, f"/schedules/nightly{path}", json=CRON if method == "PUT" else None)
        assert (gone.status_code, gone.json()["code"]) == (404, "schedule_not_found"), path


async def test_a_schedule_goes_with_its_workflow(rest: httpx.AsyncClient, schedule: dict[str, Any]):
    await rest.delete("/workflows/w")
    assert (await rest.get("/schedules/nightly")).status_code == 404


async def test_a_taken_key_is_a_conflict(rest: httpx.AsyncClient, schedule: dict[str, Any]):
    other = (await rest.post("/schedules", json=CRON)).json()
    for answer in (
        await rest.post("/schedules", json=CRON | {"key": "nightly"}),
        await rest.put(f"/schedules/{other['id']}", json=CRON | {"key": "nightly"}),
    ):
        assert (answer.status_code, answer.json()["errors"]) == (
            409,
            [{"field": "key", "message": "this key belongs to another schedule"}],
        )


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"cron": None}, "", "needs either `cron` or `at`"),
        ({"at": "2099-01-01T00:00:00Z"}, "", "needs either `cron` or `at`"),
        ({"cron": "0 24 * * *"}, "cron", "the hour '24' is not possible; it takes 0 to 23"),
        ({"cron": "0 0 31 2 *"}, "cron", "never fires"),
        ({"cron": "@daily"}, "cron", "has 1 field; write minute, hour"),
        (
            {"cron": "0 30 2 * 3 7L"},
            "cron",
            "'0 30 2 * 3 7L' never fires in Europe/Berlin: the clock shows no such time",
        ),
        (
            {"cron": "* * * * * *"},
            "cron",
            "fires every second, at up to 60 executions a minute; set `allow_every_second`",
        ),
        ({"cron": "0-59 30 2 * * *"}, "cron", "set `allow_every_second` to true if that is meant"),
        ({"cron": "0 " * 1_000}, "cron", "has 2000 characters; the limit is 200"),
        ({"time_zone": "localtime"}, "time_zone", "'localtime' is no time zone; use a name like Europe/Berlin"),
        ({"time_zone": "Factory"}, "time_zone", "'Factory' is no time zone"),
        ({"time_zone": "posixrules"}, "time_zone", "'posixrules' is no time zone"),
        ({"time_zone": "right/Europe/Berlin"}, "time_zone", "did you mean Europe/Berlin?"),
        ({"time_zone": "a/" * 5_000}, "time_zone", "is no time zone"),
        ({"time_zone": "Berlin"}, "time_zone", "'Berlin' is no time zone; use a name like Europe/Berlin"),
        ({"overlap": "allow"}, "overlap", "must be 'skip', 'queue' or 'cancel_previous'"),
        ({"catch_up_seconds": 1}, "catch_up_seconds", "must be from 10 to 31622400"),
        ({"key": "two words"}, "key", "must be 1 to 100 of a-z"),
        ({"cron": None, "at": LONG_AGO, "time_zone": "UTC"}, "at", "has passed"),
        ({"cron": None, "at": 1}, "at", "must be an instant with an offset"),
        ({"cron": None, "at": "2099-01-01T00:00:00"}, "at", "timezone"),
        ({"cron": None, "at": "2099-01-01T00:00:00Z"}, "time_zone", "belongs to `cron`"),
        ({"input": [1]}, "input", "must be an object"),
        ({"unknown": 1}, "unknown", "is not a field of this request"),
    ],
)
async def test_what_is_wrong_is_named(rest: httpx.AsyncClient, workflow, changes, field: str, message: str):
    body = {name: value for name, value in (CRON | changes).items() if value is not None}
    answer = await rest.post("/schedules", json=body)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert message in error["message"]


async def test_a_time_on_the_day_of_an_odd_change_is_found(rest: httpx.AsyncClient, workflow: dict[str, Any]):
    chatham = CRON | {"cron": "0 50 3 4 4 *", "time_zone": "Pacific/Chatham"}
    created = (await rest.post("/schedules", json=chatham)).json()
    assert instant(created["next_fire_at"]).strftime("%m-%d %H:%M") == "04-03 15:05"
    items = (await rest.get(f"/schedules/{created['id']}/next", params={"count": 100})).json()["items"]
    assert len(items) == 100


async def test_every_second_is_confirmed_and_what_is_read_can_be_written(
    rest: httpx.AsyncClient, workflow: dict[str, Any]
):
    every_second = CRON | {"cron": "* * * * * *", "allow_every_second": True}
    created = await rest.post("/schedules", json=every_second)
    assert (created.status_code, created.json()["allow_every_second"]) == (201, True)
    path, writable = f"/schedules/{created.json()['id']}", set(every_second) - {"workflow"}
    read = (await rest.get(path)).json()
    body = {name: read[name] for name in writable} | {"workflow": "w"}
    assert (await rest.put(path, json=body)).status_code == 200
    assert (await rest.put(path, json=body | {"allow_every_second": False})).status_code == 422
    daily = await rest.put(path, json=body | {"cron": "0 0 2 * * *"})
    assert (daily.status_code, daily.json()["allow_every_second"]) == (200, False)


async def test_a_stored_schedule_that_is_refused_today_says_so(
    rest: httpx.AsyncClient, schedule: dict[str, Any], database_url: str
):
    async with open_pool(database_url, size=1, timeout_seconds=20) as pool:
        await pool.execute("UPDATE schedules SET time_zone = 'localtime'")
    problem = "time_zone: 'localtime' is no time zone; use a name like Europe/Berlin or UTC"
    read = (await rest.get("/schedules/nightly")).json()
    assert (read["problem"], read["time_zone"]) == (problem, "localtime")
    assert (await rest.get("/schedules")).json()["items"] == [read]
    assert (await rest.post("/schedules/nightly/pause")).json()["problem"] == problem
    for answer in (await rest.get("/schedules/nightly/next"), await rest.post("/schedules/nightly/resume")):
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "time_zone")
    mended = (await rest.put("/schedules/nightly", json=CRON | {"paused": False})).json()
    assert (mended["problem"], mended["next_fire_at"]) == (None, schedule["next_fire_at"])


async def test_the_workflow_must_exist_and_stays(rest: httpx.AsyncClient, schedule: dict[str, Any]):
    unknown = await rest.post("/schedules", json=CRON | {"workflow": "nobody"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "workflow_not_found")
    await rest.post("/workflows", json={"name": "other", "key": "other"})
    moved = await rest.put("/schedules/nightly", json=CRON | {"workflow": "other"})
    assert (moved.status_code, moved.json()["errors"][0]["field"]) == (422, "workflow")


async def test_an_input_over_the_limit_is_refused(settings: Settings):
    async with serving(settings.model_copy(update={"max_input_bytes": 10})) as rest:
        await rest.post("/workflows", json={"name": "w", "key": "w"})
        answer = await rest.post("/schedules", json=CRON | {"input": {"day": "monday"}})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (413, "input")
