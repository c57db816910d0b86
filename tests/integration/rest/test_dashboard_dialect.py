"""The dialect of a dashboard's backend: its calls, and that they say what the rest of the API says."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.adapters.database.schema import Revisions
from app.config import Settings
from app.domain.version import VERSION
from app.engine.fleet import ports
from app.wiring.grpc_process import EngineProcess, open_engine_process
from tests.support.checking import assert_clean
from tests.support.databases import ask
from tests.support.tenant import needs_default

Document = dict[str, Any]

FINAL = ("completed", "failed", "cancelled")


def task(name: str, sequence: int = 0, type: str | None = "log", **fields: Any) -> Document:
    config = {"message": name} if type == "log" else {}
    return {"name": name, "execution_type": "sync", "sequence": sequence, "type": type, "config": config, **fields}


WAITS = task("waits", 2, "signal", config={"name": "go"})
FAILS = task("fails", 2, "python", config={"function": "task2"})
WORKFLOWS = {
    "passes": [task("first", 1), task("second", 2)],
    "waits": [task("first", 1), WAITS, task("last", 3)],
    "fails": [task("first", 1, compensate=["undo"]), FAILS, task("last", 3), task("undo")],
    "goes on": [task("first", 1), FAILS | {"on_failure": "continue"}, task("last", 3)],
    "leaves out": [task("first", 1, when="1 == 2"), task("last", 2)],
    "retries": [
        task(
            "asks",
            1,
            "http",
            config={"url": "http://127.0.0.1:9/"},
            retry={"max_attempts": 2, "initial_interval_seconds": 0.01},
        )
    ],
    "comes again": [task("again"), task("never")],
    "each": [task("each", 1, "transform", for_each="${[1, 2, 3]}", config={"value": "${item}"})],
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"http_task_allow_private": True})


@pytest.fixture
async def engine(settings: Settings, database_url: str) -> AsyncIterator[EngineProcess]:
    async with open_engine_process(settings) as process:
        yield process
    await assert_clean(database_url)


AGAIN = {
    "name": "c",
    "source_task": "again",
    "outcome": "success",
    "target_task_success": "again",
    "target_task_failure": "never",
}
ROUTES = {"comes again": {"start_task": "again", "conditions": [AGAIN], "max_visits": 3}}
"""Three visits of a task, and then the execution fails."""


async def define(rest: httpx.AsyncClient, *names: str) -> dict[str, int]:
    made = {}
    for name in names:
        body = {"name": name, "key": name.replace(" ", "-"), "tasks": WORKFLOWS[name], **ROUTES.get(name, {})}
        answer = await rest.post("/api/v1/workflows", json=body)
        assert answer.status_code == 201, answer.text
        made[name] = answer.json()["id"]
    return made


async def run(rest: httpx.AsyncClient, workflow: int | str) -> Document:
    answer = await rest.post(f"/api/v1/workflows/{workflow}/executions?wait=60", json={})
    assert answer.json()["status"] in FINAL, answer.text
    execution: Document = answer.json()
    return execution


async def read(rest: httpx.AsyncClient, path: str, **query: Any) -> Document:
    answer = await rest.get(path, params=query)
    assert answer.status_code == 200, answer.text
    document: Document = answer.json()
    return document


async def all_of(rest: httpx.AsyncClient, path: str, at_once: int, **query: Any) -> list[Document]:
    """What paging finds, which is as much as every page says."""
    found: list[Document] = []
    while True:
        page = await read(rest, path, skip=len(found), limit=at_once, **query)
        assert (page["skip"], page["limit"]) == (len(found), at_once)
        found += page["items"]
        if not page["items"]:
            assert page["total"] == len(found)
            return found


async def waiting_task(rest: httpx.AsyncClient) -> Document:
    while True:
        found = (await read(rest, "/api/tasks", status="in_progress"))["items"]
        if waits := [one for one in found if one["name"] == "waits"]:
            return waits[0]
        await asyncio.sleep(0.02)


async def refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    detail: str = answer.json()["detail"]
    return detail


# The calls of a dashboard


@needs_default("asks an empty service")
async def test_health(rest: httpx.AsyncClient, settings: Settings):
    health = await read(rest, "/api/health")
    assert health.pop("timestamp").endswith("Z")
    assert health == {
        "status": "degraded",
        "version": VERSION,
        "checks": {"database": "healthy", "cache": "healthy", "engines": {"online": 0, "free_slots": 0}},
    }
    async with open_engine_process(settings):
        health = await read(rest, "/api/health")
        assert (health["status"], health["checks"]["engines"]) == (
            "healthy",
            {"online": 1, "free_slots": settings.engine_max_executions},
        )


async def test_without_its_tables_it_is_unhealthy(rest: httpx.AsyncClient, database_url: str):
    await ask(database_url, "UPDATE alembic_version SET version_num = 'of the future'")
    answer = await rest.get("/api/health")
    assert answer.status_code == 503
    assert (answer.json()["status"], answer.json()["checks"]["database"]) == ("unhealthy", "unhealthy")
    await ask(database_url, "UPDATE alembic_version SET version_num = $1", Revisions.read().head)
    assert (await rest.get("/api/health")).status_code == 200


async def test_a_workflow_from_its_creation_to_its_deletion(rest: httpx.AsyncClient, engine: EngineProcess):
    body = {"name": "Report", "description": "d", "tasks": [{"name": "a"}, {"name": "b", "priority": "high"}]}
    made = await rest.post("/api/workflows", json=body)
    assert made.status_code == 201, made.text
    path = made.headers["location"]
    workflow = made.json()
    assert path == f"/api/workflows/{workflow['id']}"
    assert (workflow["status"], workflow["progress"], workflow["agent_ids"]) == ("idle", 0, [])
    assert (workflow["task_count"], workflow["completed_tasks"]) == (2, 0)
    assert [(one["name"], one["status"], one["priority"]) for one in workflow["tasks"]] == [
        ("a", "pending", None),
        ("b", "pending", "high"),
    ]
    assert await read(rest, path) == workflow

    await run(rest, workflow["id"])
    done = await read(rest, path)
    [agent] = (await read(rest, "/api/agents"))["items"]
    assert (done["status"], done["progress"], done["agent_ids"]) == ("completed", 100, [agent["id"]])
    assert done["completed_tasks"] == 2
    assert [(one["status"], one["priority"]) for one in done["tasks"]] == [("completed", None), ("completed", "high")]
    [listed] = (await read(rest, "/api/workflows"))["items"]
    assert listed == {name: value for name, value in done.items() if name not in ("tasks", "suggestions")}

    changed = await rest.put(path, json={"name": "Reports"})
    assert (changed.status_code, changed.json()["name"], changed.json()["description"]) == (200, "Reports", "d")
    assert (await rest.delete(path)).status_code == 204
    assert "does not exist" in await refused(await rest.get(path), 404)
    assert (await read(rest, "/api/workflows"))["total"] == 0


async def test_an_agent(rest: httpx.AsyncClient, engine: EngineProcess):
    ids = await define(rest, "passes")
    execution = await run(rest, ids["passes"])
    page = await read(rest, "/api/agents")
    [agent] = page["items"]
    assert (page["total"], page["skip"], page["limit"]) == (1, 0, 50)
    assert agent["id"].isdigit()
    assert (agent["status"], agent["current_task_id"], agent["success_rate"]) == ("online", None, None)
    assert (agent["total_tasks"], agent["failed_tasks"]) == (2, 0)
    assert {"log", "http"} <= set(agent["capabilities"])
    last, first = agent["recent_tasks"]
    assert (first["name"], last["name"], last["status"]) == ("first", "second", "completed")
    assert last["id"].startswith(f"{execution['id']}/")
    assert (await read(rest, f"/api/agents/{agent['id']}"))["recent_tasks"] == agent["recent_tasks"]
    assert (await read(rest, "/api/agents", status="offline"))["items"] == []
    assert "does not exist" in await refused(await rest.get("/api/agents/4711"), 404)
    assert await refused(await rest.get("/api/agents/x"), 422)


async def test_the_tasks_of_executions(rest: httpx.AsyncClient, engine: EngineProcess):
    ids = await define(rest, *WORKFLOWS)
    for name in WORKFLOWS:
        if name != "waits":
            await run(rest, ids[name])
    waiting = (await rest.post(f"/api/v1/workflows/{ids['waits']}/executions", json={})).json()["id"]
    while (await read(rest, f"/api/v1/executions/{waiting}/tasks"))["items"][1]["status"] != "running":
        await asyncio.sleep(0.02)

    found = await all_of(rest, "/api/tasks", 4)
    assert [one["id"] for one in found] == [one["id"] for one in await all_of(rest, "/api/tasks", 200)]
    assert len({one["id"] for one in found}) == len(found)
    assert len(found) == sum(map(len, WORKFLOWS.values()))
    for one in found:
        await is_as_elsewhere(rest, one)
    for skip in (0, 99):
        page = await read(rest, "/api/tasks", skip=skip)
        assert (page["total"], page["total_is_exact"]) == (len(found), True)

    for status in ("pending", "in_progress", "completed", "failed", "cancelled", "skipped"):
        of_status = [one for one in found if one["status"] == status]
        assert await all_of(rest, "/api/tasks", 3, status=status) == of_status, status
        assert of_status or status == "cancelled"
    for workflow in ids.values():
        of_workflow = [one for one in found if one["workflow_id"] == str(workflow)]
        assert await all_of(rest, "/api/tasks", 2, workflow_id=workflow) == of_workflow
    [agent] = (await read(rest, "/api/agents"))["items"]
    of_agent = [one for one in found if one["agent_id"] == agent["id"]]
    assert len(of_agent) >= len(found) - 3
    assert await all_of(rest, "/api/tasks", 5, agent_id=agent["id"]) == of_agent
    assert await all_of(rest, "/api/tasks", 5, agent_id=4711) == []
    assert await all_of(rest, "/api/tasks", 5, workflow_id="passes", status="failed") == []
    assert (await rest.post(f"/api/v1/executions/{waiting}/cancel", json={})).status_code == 202


async def is_as_elsewhere(rest: httpx.AsyncClient, one: Document) -> None:
    """The statement that lists tasks of many executions folds histories as the engine does."""
    execution, _, task_id = one["id"].partition("/")
    tasks = (await read(rest, f"/api/v1/executions/{execution}/tasks"))["items"]
    [own] = [own for own in tasks if own["task_id"] == int(task_id)]
    ended = (await read(rest, f"/api/v1/executions/{execution}"))["finished_at"] is not None
    words = {"running": "in_progress", "retrying": "in_progress"} | ({"pending": "skipped"} if ended else {})
    assert one["status"] == words.get(own["status"], own["status"]), one
    assert (one["name"], one["started_at"]) == (own["name"], own["started_at"]), one
    assert one["completed_at"] == own["finished_at"], one
    assert await read(rest, f"/api/tasks/{one['id']}") == one


async def test_a_task_is_added_to_the_end_of_a_workflow(rest: httpx.AsyncClient, engine: EngineProcess):
    ids = await define(rest, "passes")
    body = {"workflow_id": str(ids["passes"]), "name": "review", "priority": 3, "due_date": "2026-02-01T13:00:00+01:00"}
    made = await rest.post("/api/tasks", json=body)
    assert made.status_code == 201, made.text
    document = made.json()
    assert made.headers["location"] == f"/api/tasks/{document['id']}"
    assert (document["status"], document["priority"], document["due_date"]) == (
        "pending",
        3,
        "2026-02-01T12:00:00.000000Z",
    )
    assert await read(rest, f"/api/tasks/{document['id']}") == document
    execution = await run(rest, ids["passes"])
    found = await read(rest, "/api/tasks", workflow_id="passes")
    assert [one["name"] for one in found["items"]] == ["first", "second", "review"]
    assert found["items"][2] == await read(rest, f"/api/tasks/{execution['id']}/{document['id']}")
    assert found["items"][2]["priority"] == 3
    assert found["items"][0]["duration_seconds"] >= 0

    changed = (await rest.put(f"/api/tasks/{document['id']}", json={"priority": None, "description": "d"})).json()
    assert (changed["priority"], changed["description"], changed["due_date"]) == (None, "d", document["due_date"])
    assert (await read(rest, "/api/tasks"))["items"][2]["priority"] == 3, "the execution ran an earlier revision"
    assert (await rest.delete(f"/api/tasks/{document['id']}")).status_code == 204
    assert await refused(await rest.get(f"/api/tasks/{document['id']}"), 404)
    typed = body | {"type": "log", "config": {"message": "m"}}
    assert "priority: only a task without a type" in await refused(await rest.post("/api/tasks", json=typed), 422)


async def test_a_status_is_refused_with_the_call_that_changes_it(rest: httpx.AsyncClient, engine: EngineProcess):
    ids = await define(rest, "passes")
    execution = (await run(rest, ids["passes"]))["id"]
    [first, _] = (await read(rest, "/api/tasks"))["items"]
    own = f"/api/tasks/{first['id']}"
    assert (await rest.put(own, json={"status": "completed"})).json() == first, "as it is already"
    skip = await refused(await rest.put(own, json={"status": "skipped"}), 409)
    assert f"POST /api/v1/executions/{execution}/skip" in skip
    cancel = await refused(await rest.put(own, json={"status": "cancelled"}), 409)
    assert f"POST /api/v1/executions/{execution}/cancel" in cancel
    defined = f"/api/tasks/{first['id'].partition('/')[2]}"
    assert f"PUT {defined}" in await refused(await rest.put(own, json={"name": "other"}), 409)
    start = f"POST /api/v1/workflows/{ids['passes']}/executions"
    assert start in await refused(await rest.put(defined, json={"status": "completed"}), 409)
    workflow = f"/api/workflows/{ids['passes']}"
    assert start in await refused(await rest.put(workflow, json={"status": "running"}), 409)
    assert "/pause" in await refused(await rest.put(workflow, json={"status": "paused"}), 409)
    assert await refused(await rest.put(f"/api/tasks/{uuid4()}/1", json={"status": "completed"}), 404)


async def test_completing_a_task_that_runs_is_refused_with_the_call_that_skips_it(
    rest: httpx.AsyncClient, engine: EngineProcess
):
    ids = await define(rest, "waits")
    execution = (await rest.post(f"/api/v1/workflows/{ids['waits']}/executions", json={})).json()["id"]
    waits = await waiting_task(rest)
    assert waits["id"].startswith(execution)
    answer = await rest.put(f"/api/tasks/{waits['id']}", json={"status": "completed"})
    assert f"POST /api/v1/executions/{execution}/skip" in await refused(answer, 409)
    skipped = await rest.post(f"/api/v1/executions/{execution}/skip", json={"task": waits["name"]})
    assert skipped.status_code == 202, "the call that it names"


async def test_what_was_read_can_be_sent_back(rest: httpx.AsyncClient, engine: EngineProcess):
    ids = await define(rest, "passes")
    await run(rest, ids["passes"])
    own = (await read(rest, "/api/tasks"))["items"][0]["id"]
    paths = (f"/api/workflows/{ids['passes']}", f"/api/tasks/{own}", f"/api/tasks/{own.partition('/')[2]}")
    for path in paths:
        document = await read(rest, path)
        assert (await rest.put(path, json=document)).json() == document
        for name in {"id", "created_at", "workflow_id"} & document.keys():
            other = {"id": "9", "workflow_id": "9", "created_at": "2001-01-01T00:00:00Z"}[name]
            assert "cannot be changed" in await refused(await rest.put(path, json={name: other}), 422), (path, name)
    path = paths[0]
    document = await read(rest, path)
    assert (await rest.put(path, json=document | {"description": "new"})).json()["description"] == "new"
    assert "was a change in between" in await refused(await rest.put(path, json=document), 409)
    document = await read(rest, path)
    for tasks in ([], document["tasks"][::-1], [document["tasks"][0] | {"name": "x"}, document["tasks"][1]]):
        answer = await rest.put(path, json=document | {"tasks": tasks})
        assert "POST /api/tasks" in await refused(answer, 422)


async def test_suggestions_are_approved_and_rejected(rest: httpx.AsyncClient):
    ids = await define(rest, "passes", "waits")
    tasks = (await read(rest, f"/api/v1/workflows/{ids['passes']}"))["tasks"]
    patch = [
        {"op": "test", "path": "/tasks/0/id", "value": tasks[0]["id"]},
        {"op": "replace", "path": "/tasks/0/timeout_seconds", "value": 30},
    ]
    body = {"workflow_id": "passes", "title": "Give up", "description": "It hangs.", "task": "first", "patch": patch}
    made = await rest.post("/api/suggestions", json=body | {"type": "timeout"})
    assert made.status_code == 201, made.text
    first = made.json()
    assert made.headers["location"] == f"/api/suggestions/{first['id']}"
    assert (first["status"], first["type"], first["source"]) == ("pending", "timeout", "external")
    assert (first["workflow_id"], first["task_id"]) == (str(ids["passes"]), str(tasks[0]["id"]))
    second = (await rest.post("/api/suggestions", json={"workflow_id": ids["waits"], "title": "Wait less"})).json()
    assert await all_of(rest, "/api/suggestions", 1) == [second, first]
    assert await all_of(rest, "/api/suggestions", 1, workflow_id="passes", status="pending") == [first]
    assert await read(rest, f"/api/suggestions/{first['id']}") == first
    assert (first["patch"], second["patch"]) == (body["patch"], None)
    detail = await read(rest, f"/api/workflows/{ids['passes']}")
    assert detail["suggestions"] == [first]
    assert (await rest.put(f"/api/workflows/{ids['passes']}", json=detail)).json() == detail

    decision = {"approved_by": "Ada", "notes": "as discussed"}
    approved = (await rest.post(f"/api/suggestions/{first['id']}/approve", json=decision)).json()
    assert (approved["status"], approved["decided_by"], approved["notes"]) == ("approved", "Ada", "as discussed")
    assert (await read(rest, f"/api/v1/workflows/{ids['passes']}"))["tasks"][0]["timeout_seconds"] == 30
    assert (await read(rest, f"/api/workflows/{ids['passes']}"))["suggestions"] == []
    again = await rest.post(f"/api/suggestions/{first['id']}/approve", json={})
    assert "is approved, not open" in await refused(again, 409)
    rejection = {"rejected_by": "Ada", "reason": "no"}
    rejected = (await rest.post(f"/api/suggestions/{second['id']}/reject", json=rejection)).json()
    assert (rejected["status"], rejected["decided_by"], rejected["notes"]) == ("rejected", "Ada", "no")
    assert await all_of(rest, "/api/suggestions", 1, status="pending") == []
    assert await refused(await rest.get("/api/suggestions/4711"), 404)
    assert await refused(await rest.get("/api/suggestions/x"), 422)


async def test_the_audit_log(rest: httpx.AsyncClient):
    before = (await read(rest, "/api/audit"))["total"]
    for name in "abc":
        assert (await rest.post("/api/workflows", json={"name": name})).status_code == 201
    entries = await all_of(rest, "/api/audit", 2)
    assert len(entries) == before + 3
    own = (await read(rest, "/api/v1/audit"))["items"]
    assert [one["id"] for one in entries] == [str(one["number"]) for one in own]
    assert [one["details"]["after"]["name"] for one in entries[:3]] == ["c", "b", "a"]
    assert entries[0]["action"] == "workflow.create"
    assert entries[0]["timestamp"] == own[0]["at"]


# What every list does


@pytest.mark.parametrize("path", ["workflows", "agents", "tasks", "suggestions", "audit"])
async def test_an_unknown_filter_is_refused(rest: httpx.AsyncClient, path: str):
    answer = await rest.get(f"/api/{path}", params={"colour": "red"})
    assert "colour: is not a query parameter" in await refused(answer, 422)
    for query in ({"limit": 0}, {"limit": 201}, {"skip": -1}):
        assert await refused(await rest.get(f"/api/{path}", params=query), 422)


async def test_wrong_values_of_filters_are_refused(rest: httpx.AsyncClient):
    for query in ({"status": "done"}, {"agent_id": "x"}, {"agent_id": "0"}, {"skip": ports.MOST_TASKS + 1}):
        assert await refused(await rest.get("/api/tasks", params=query), 422)
    assert await refused(await rest.get("/api/tasks", params={"workflow_id": "nothing"}), 404)


@pytest.mark.parametrize("digits", [20, 5_000])
async def test_ids_with_more_digits_than_any_are_refused(rest: httpx.AsyncClient, digits: int):
    number = "1".zfill(20) + "9" * (digits - 20) + "9"
    for path in ("/api/agents", "/api/suggestions"):
        assert await refused(await rest.get(f"{path}/{number}"), 422)
    assert await refused(await rest.get("/api/tasks", params={"agent_id": number}), 422)
    made = (await rest.post("/api/workflows", json={"name": "one", "tasks": [{"name": "only"}]})).json()
    for path in (f"/api/workflows/{made['id']}", f"/api/tasks/{made['tasks'][0]['id']}"):
        assert await refused(await rest.put(path, json={"id": "9" * digits}), 422)


async def test_pages_of_workflows(rest: httpx.AsyncClient):
    for name in "abcde":
        await rest.post("/api/workflows", json={"name": name})
    assert [one["name"] for one in await all_of(rest, "/api/workflows", 2)] == list("abcde")
    assert [one["name"] for one in await all_of(rest, "/api/workflows", 2, name="C")] == ["c"]


async def test_what_is_older_than_the_window_is_found_by_its_id_alone(
    rest: httpx.AsyncClient, engine: EngineProcess, database_url: str
):
    ids = await define(rest, "passes", "waits")
    done = (await run(rest, ids["passes"]))["id"]
    waiting = (await rest.post(f"/api/v1/workflows/{ids['waits']}/executions", json={})).json()["id"]
    await waiting_task(rest)
    while await ask(database_url, "SELECT count(*) FROM executions WHERE owner_id IS NOT NULL"):
        await asyncio.sleep(0.02)
    # An id says when it was made: these two were, 25 hours ago.
    older = {one: str(UUID(int=UUID(one).int - (25 * 3_600_000 << 80))) for one in (done, waiting)}
    for old, new in older.items():
        await ask(database_url, "UPDATE executions SET id = $2 WHERE id = $1", old, new)
        await ask(database_url, "UPDATE execution_events SET execution_id = $2 WHERE execution_id = $1", old, new)
    found = await all_of(rest, "/api/tasks", 50)
    assert {one["id"].partition("/")[0] for one in found} == {older[waiting]}, "it has not ended"
    task_id = found[0]["id"].partition("/")[2]
    assert (await rest.get(f"/api/tasks/{older[waiting]}/{task_id}")).status_code == 200
    first = (await read(rest, f"/api/v1/executions/{older[done]}/tasks"))["items"][0]["task_id"]
    assert (await read(rest, f"/api/tasks/{older[done]}/{first}"))["status"] == "completed"
    for old, new in older.items():
        await ask(database_url, "UPDATE executions SET id = $1 WHERE id = $2", old, new)
        await ask(database_url, "UPDATE execution_events SET execution_id = $1 WHERE execution_id = $2", old, new)


async def test_more_than_are_counted(rest: httpx.AsyncClient, engine: EngineProcess, monkeypatch: pytest.MonkeyPatch):
    ids = await define(rest, "passes")
    for _ in range(3):
        await run(rest, ids["passes"])
    for most, total, is_exact in ((6, 6, True), (5, 5, False), (2, 2, False)):
        monkeypatch.setattr("app.adapters.database.fleet.MOST_TASKS", most)
        for query in ({}, {"status": "completed"}):
            page = await read(rest, "/api/tasks", **query)
            assert (page["total"], page["total_is_exact"]) == (total, is_exact)
            assert len(await all_of(rest, "/api/tasks", 4, **query)) == total


# Beside the other paths


async def test_the_paths_of_the_api_itself_stay(rest: httpx.AsyncClient):
    ids = await define(rest, "passes")
    for path in ("/api/v1/workflows", "/workflows"):
        assert (await read(rest, path))["items"][0]["id"] == ids["passes"]
    assert isinstance((await read(rest, "/api/workflows"))["items"][0]["id"], str)
    assert isinstance((await read(rest, "/api/workflows/"))["items"], list)
    assert (await rest.head("/api/workflows")).status_code == 200
    assert "there is nothing at" in await refused(await rest.get("/api/nothing"), 404)


@pytest.mark.parametrize(
    "query",
    [
        "select=id,name",
        "name=eq.m",
        "name=not.eq.x",
        "or=(name.eq.m,name.eq.x)",
        "order=id",
        "limit=5&offset=0",
        "name=ilike.*",
    ],
)
async def test_the_words_of_postgrest_reach_its_table(rest: httpx.AsyncClient, query: str):
    machine = {"name": "m", "states": [{"name": "a", "initial": True}, "b"]}
    assert (await rest.post("/machines", json=machine)).status_code == 201
    rows = (await rest.get(f"/api/workflows?{query}")).json()
    assert rows == (await rest.get(f"/pg/api/workflows?{query}")).json()
    assert rows[0]["name"] == "m"
    wrong = await rest.get("/api/workflows?select=nothing")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "42703")


async def test_its_headers_do_so_too(rest: httpx.AsyncClient):
    assert (await rest.get("/api/workflows", headers={"Prefer": "count=exact"})).json() == []
