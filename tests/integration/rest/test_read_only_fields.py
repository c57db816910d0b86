"""GET, change, PUT: what was read can be sent back with a change, for every resource that can be changed."""

import asyncio
from typing import Any

import httpx
import pytest

TASK = {
    "name": "t",
    "execution_type": "async",
    "sequence": 2,
    "type": "delay",
    "config": {"seconds": 1},
    "timeout_seconds": 5,
    "retry": {"max_attempts": 3, "non_retryable_errors": ["gone"]},
    "depends_on": ["first"],
    "compensate": ["undo"],
    "when": "vars.on",
    "output_schema": {"type": "object"},
}
WORKFLOW = {
    "name": "n",
    "key": "k",
    "description": "d",
    "timeout_seconds": 60,
    "variables": {"on": True},
    "input_schema": {"type": "object"},
    "retention_days": 3,
    "tasks": [{"name": "first", "execution_type": "sync"}, TASK, {"name": "undo", "execution_type": "sync"}],
}
ROUTED = {
    "name": "routed",
    "key": "routed",
    "start_task": "a",
    "conditions": [{"name": "c", "source_task": "a", "outcome": "success", "target_task_success": "b"}],
    "max_visits": 3,
    "tasks": [{"name": "a", "execution_type": "sync"}, {"name": "b", "execution_type": "sync"}],
}
CRON = {"workflow": "k", "key": "s", "cron": "0 2 * * *", "time_zone": "Europe/Berlin", "input": {"a": 1}}
AT = {"workflow": "k", "key": "once", "at": "2099-01-01T00:00:00Z", "paused": True, "overlap": "queue"}
MACHINE = {
    "name": "m",
    "version": "1.0",
    "metadata": {"a": [1, 2.5]},
    "states": [
        {"name": "a", "initial": True, "after": {"seconds": 60, "to": "b"}, "on_exit": {"workflow": "k", "input": {}}},
        {"name": "b", "final": True, "metadata": {"color": "red"}, "on_enter": "k"},
    ],
    "transitions": [{"from": "a", "to": "b", "name": "go", "conditions": {"cel": "data.n > 1"}, "run": "k"}],
}
PLAIN_MACHINE = {
    "name": "No slug",
    "key": "plain",
    "states": [{"name": "a", "initial": True}, {"name": "b", "final": True}],
}
EVERY_SECOND = {"workflow": "k", "key": "often", "cron": "* * * * * *", "allow_every_second": True, "paused": True}

RESOURCES = {
    ("PUT", "/workflows/{workflow}"): ("/workflows/k", "/workflows/routed"),
    ("PATCH", "/workflows/{workflow}"): ("/workflows/k", "/workflows/routed"),
    ("PUT", "/tasks/{task}"): ("/tasks/{t}", "/tasks/{first}", "/tasks/{undo}"),
    ("PATCH", "/tasks/{task}"): ("/tasks/{t}", "/tasks/{first}", "/tasks/{undo}"),
    ("PUT", "/schedules/{schedule}"): ("/schedules/s", "/schedules/once", "/schedules/often"),
    ("PUT", "/machines/{machine}"): ("/machines/m", "/machines/plain"),
    ("PATCH", "/machines/{machine}"): ("/machines/m", "/machines/plain"),
}
ELSEWHERE = {
    ("PATCH", "/tenants/{tenant}"),
    ("PATCH", "/entities/{entity}"),
    ("PUT", "/api/workflows/{workflow}"),
    ("PUT", "/api/tasks/{task}"),
    ("PUT", "/api/tasks/{execution}/{task}"),
}
"""Tenants have no URL to read one from, and no version: see tests/integration/identity/test_tenant_quotas.py. A change
of an entity is a request of its own form: see test_entities_over_rest.py. The dialect at `/api` has its own documents:
see test_dashboard_dialect.py.
"""

CASES = [(method, url) for (method, _), urls in RESOURCES.items() for url in urls]
CHANGE = {
    "workflows": {"name": "changed"},
    "tasks": {"description": "changed"},
    "schedules": {"catch_up_seconds": 77.0},
    "machines": {"description": "changed"},
}
VERSIONS = {
    "workflows": ("revision", "updated_at"),
    "tasks": ("updated_at",),
    "schedules": ("updated_at",),
    "machines": ("revision", "updated_at"),
}
OTHER = {"revision": 2, "updated_at": "2001-01-01T00:00:00Z", "created_at": "2001-01-01T00:00:00Z"}
MOVED = {
    "next_fire_at": "2001-01-01T00:00:00Z",
    "waiting_fire_at": "2001-01-01T00:00:00Z",
    "last_fire_at": None,
    "last_execution_id": "another",
    "problem": "none any more",
}


@pytest.fixture
async def ids(rest: httpx.AsyncClient) -> dict[str, int]:
    """The ids of the tasks, by name, after everything was created."""
    created = (await rest.post("/workflows", json=WORKFLOW)).json()
    others = [("/schedules", schedule) for schedule in (CRON, AT, EVERY_SECOND)]
    others += [("/machines", machine) for machine in (MACHINE, PLAIN_MACHINE)]
    for url, body in (("/workflows", ROUTED), *others):
        assert (await rest.post(url, json=body)).status_code == 201
    return {task["name"]: task["id"] for task in created["tasks"]}


def kind(url: str) -> str:
    return url.split("/")[1]


def without_versions(document: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in document.items() if name not in ("revision", "updated_at")}
    return kept | {"tasks": [without_versions(task) for task in document["tasks"]]} if "tasks" in document else kept


async def read(rest: httpx.AsyncClient, url: str) -> dict[str, Any]:
    answer = await rest.get(url)
    assert answer.status_code == 200
    return answer.json()


async def test_every_operation_that_changes_something_is_tried_here(rest: httpx.AsyncClient):
    paths = (await rest.get("/openapi.json")).json()["paths"].items()
    operations = {(method.upper(), path) for path, methods in paths for method in methods}
    changing = {(method, path.removeprefix("/api/v1")) for method, path in operations if method in ("PUT", "PATCH")}
    assert changing - ELSEWHERE == RESOURCES.keys()


@pytest.mark.parametrize(("method", "url"), CASES)
async def test_what_was_read_can_be_sent_back_as_it_is(rest: httpx.AsyncClient, ids, method: str, url: str):
    url = url.format(**ids)
    before = await read(rest, url)
    for headers in ({}, {"If-Match": (await rest.get(url)).headers["etag"]}):
        answer = await rest.request(method, url, json=before, headers=headers)
        assert (answer.status_code, answer.json()) == (200, before)
    assert await read(rest, url) == before


@pytest.mark.parametrize(("method", "url"), CASES)
async def test_a_change_of_what_was_read_is_made(rest: httpx.AsyncClient, ids, method: str, url: str):
    url = url.format(**ids)
    before = await read(rest, url)
    change = CHANGE[kind(url)]
    answer = await rest.request(method, url, json=before | change)
    assert answer.status_code == 200, answer.text
    assert without_versions(answer.json()) == without_versions(before | change)
    assert await read(rest, url) == answer.json()

    again = await rest.request(method, url, json=before | change)
    assert (again.status_code, again.json()["code"]) == (409, "outdated")
    assert await read(rest, url) == answer.json()


@pytest.mark.parametrize(("method", "url"), CASES)
async def test_each_field_that_does_not_change_is_checked(rest: httpx.AsyncClient, ids, method: str, url: str):
    url = url.format(**ids)
    before = await read(rest, url)
    wrong = {"id": before["id"] + 1, "workflow_id": before.get("workflow_id", 0) + 1, "created_at": OTHER["created_at"]}
    for name in before.keys() & wrong.keys():
        answer = await rest.request(method, url, json=before | CHANGE[kind(url)] | {name: wrong[name]})
        assert answer.status_code == 422
        message = f"is {before[name]} and cannot be changed"
        assert answer.json()["errors"] == [{"field": name, "message": message}]
    assert await read(rest, url) == before


@pytest.mark.parametrize(("method", "url"), CASES)
async def test_each_field_that_a_change_sets_is_checked(rest: httpx.AsyncClient, ids, method: str, url: str):
    url = url.format(**ids)
    before = await read(rest, url)
    for name in VERSIONS[kind(url)]:
        answer = await rest.request(method, url, json=before | CHANGE[kind(url)] | {name: OTHER[name]})
        assert (answer.status_code, answer.json()["code"]) == (409, "outdated")
        (error,) = answer.json()["errors"]
        assert error["field"] == name
        assert error["message"].startswith(f"{name} is {before[name]} now, not 2")
        assert error["message"].endswith("there was a change in between; read again and repeat yours")
    assert await read(rest, url) == before


@pytest.mark.parametrize("url", ["/schedules/s", "/schedules/once", "/schedules/often"])
async def test_what_the_service_moves_by_itself_is_ignored(rest: httpx.AsyncClient, ids, url: str):
    before = await read(rest, url)
    answer = await rest.put(url, json=before | MOVED)
    assert (answer.status_code, answer.json()) == (200, before)
    for name in MOVED:
        answer = await rest.put(url, json=before | {name: 7})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


@pytest.mark.parametrize("change", ["pause", "resume"])
async def test_a_schedule_that_was_paused_or_resumed_meanwhile_is_outdated(rest: httpx.AsyncClient, ids, change: str):
    url = "/schedules/s" if change == "pause" else "/schedules/once"
    before = await read(rest, url)
    await rest.post(f"{url}/{change}")
    answer = await rest.put(url, json=before)
    assert (answer.status_code, answer.json()["code"]) == (409, "outdated")
    assert (await read(rest, url))["paused"] is not before["paused"]


@pytest.mark.parametrize(("method", "url"), CASES)
async def test_unknown_fields_are_still_refused(rest: httpx.AsyncClient, ids, method: str, url: str):
    url = url.format(**ids)
    before = await read(rest, url)
    for name in ("etag", "Version", "Id"):
        answer = await rest.request(method, url, json=before | {name: 1})
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["field"] == name
        assert error["message"].startswith("is not a field of this ")


async def test_a_precondition_of_the_headers_comes_first(rest: httpx.AsyncClient, ids):
    before = await rest.get("/workflows/k")
    current = await rest.patch("/workflows/k", json={"name": "m"})
    for etag, status, code in (
        (before.headers["etag"], 412, "revision_mismatch"),
        (current.headers["etag"], 409, "outdated"),
    ):
        answer = await rest.put("/workflows/k", json=before.json(), headers={"If-Match": etag})
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_of_two_changes_of_one_revision_one_is_made(rest: httpx.AsyncClient, ids):
    before = await read(rest, "/workflows/k")
    bodies = [before | {"description": f"change {number}"} for number in range(6)]
    answers = await asyncio.gather(*(rest.put("/workflows/k", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    assert (await read(rest, "/workflows/k"))["revision"] == 2


async def test_a_task_of_a_list_is_renamed_and_keeps_its_id(rest: httpx.AsyncClient, ids):
    document = await read(rest, "/workflows/k")
    for task in document["tasks"]:
        task["name"] = {"first": "undo", "undo": "first"}.get(task["name"], task["name"])
        task["depends_on"] = ["undo"] if task["depends_on"] else None
        task["compensate"] = ["first"] if task["compensate"] else []
    answer = await rest.put("/workflows/k", json=document)
    assert answer.status_code == 200, answer.text
    renamed = {task["name"]: task["id"] for task in answer.json()["tasks"]}
    assert renamed == {"first": ids["undo"], "undo": ids["first"], "t": ids["t"]}
    assert (await read(rest, f"/tasks/{ids['first']}"))["name"] == "undo"


async def test_tasks_of_a_list_are_checked_too(rest: httpx.AsyncClient, ids):
    document = await read(rest, "/workflows/k")
    of_another = (await read(rest, "/workflows/routed"))["tasks"][0]
    for wrong, status, field in (
        ({"id": 999_999}, 422, "tasks[2].id"),
        ({"id": of_another["id"]}, 422, "tasks[2].id"),
        ({"id": document["tasks"][0]["id"]}, 422, "tasks[2].id"),
        ({"workflow_id": of_another["workflow_id"]}, 422, "tasks[2].workflow_id"),
        ({"updated_at": OTHER["updated_at"]}, 409, "tasks[2].updated_at"),
    ):
        tasks = [*document["tasks"][:2], document["tasks"][2] | wrong]
        answer = await rest.put("/workflows/k", json=document | {"tasks": tasks})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)
    assert await read(rest, "/workflows/k") == document


@pytest.mark.parametrize(
    ("url", "source"),
    [("/workflows", "/workflows/k"), ("/workflows/k/tasks", "/tasks/{t}"), ("/schedules", "/schedules/s")],
)
async def test_nothing_is_created_from_a_response(rest: httpx.AsyncClient, ids, url: str, source: str):
    document = await read(rest, source.format(**ids))
    answer = await rest.post(url, json=document)
    assert answer.status_code == 422
    hint = "is not a field of this request; leave out what only the service sets"
    assert {"field": "id", "message": hint} in answer.json()["errors"]


async def test_the_response_to_a_change_can_be_sent_back_with_its_warnings(rest: httpx.AsyncClient):
    task = {"name": "t", "execution_type": "async", "type": "workflow", "config": {"workflow": "not-there-yet"}}
    saved = (await rest.post("/workflows", json={"name": "w", "tasks": [task]})).json()
    assert [warning["path"] for warning in saved["warnings"]] == ["tasks[0].config.workflow"]
    answer = await rest.put(f"/workflows/{saved['id']}", json=saved | {"description": "changed"})
    assert (answer.status_code, answer.json()["description"]) == (200, "changed"), answer.text
    wrong = await rest.put(f"/workflows/{saved['id']}", json=answer.json() | {"warnings": "none"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "warnings")
