"""Steps, triggers and runs over REST, run by a real engine beside it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.api.rest.dialects.steps import EXAMPLE_STEPS
from app.config import Settings
from app.domain.callers import DEFAULT_TENANT_ID
from app.domain.run_ids import derived_id
from app.wiring.grpc_process import EngineProcess, open_engine_process
from tests.support.checking import assert_clean
from tests.support.databases import ask
from tests.support.tenant import TENANT, TENANT_ID

ECHO = {"name": "echo", "execution_type": "sync", "type": "transform", "config": {"value": "${input.user}"}}
SIGNAL = {"name": "wait", "execution_type": "sync", "type": "signal", "config": {"name": "go"}}
TASKS = {"echo": [ECHO], "waits": [SIGNAL | {"sequence": 1}, ECHO | {"sequence": 2}]}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FINAL = ("success", "failed", "cancelled")


@pytest.fixture
async def engine(settings: Settings, database_url: str) -> AsyncIterator[EngineProcess]:
    async with open_engine_process(settings) as process:
        yield process
    await assert_clean(database_url)


@pytest.fixture(autouse=True)
async def workflows(rest: httpx.AsyncClient) -> None:
    for key, tasks in TASKS.items():
        assert (await rest.post("/workflows", json={"name": key, "key": key, "tasks": tasks})).status_code == 201


async def trigger(rest: httpx.AsyncClient, workflow: Any = "echo", **fields: Any) -> str:
    answer = await rest.post("/trigger", json={"workflow_id": workflow, **fields})
    assert answer.status_code == 202, answer.text
    assert answer.json() == {"run_id": answer.json()["run_id"], "status": "triggered"}
    assert answer.headers["location"] == f"/api/v1/runs/{answer.json()['run_id']}"
    run_id: str = answer.json()["run_id"]
    return run_id


async def read(rest: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    answer = await rest.get(f"/runs/{run_id}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def until(rest: httpx.AsyncClient, run_id: str, *statuses: str) -> dict[str, Any]:
    while (run := await read(rest, run_id))["status"] not in statuses:
        await asyncio.sleep(0.02)
    return run


async def refusal(rest: httpx.AsyncClient, status: int, **body: Any) -> dict[str, Any]:
    answer = await rest.post("/trigger", json=body)
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


async def test_a_run_from_trigger_to_end(rest, engine):
    run_id = await trigger(rest, payload={"user": "demo"})
    run = await until(rest, run_id, *FINAL)
    (result,) = run["step_results"].values()
    assert run == {
        "uuid": run_id,
        "id": run_id,
        "workflow_id": run["workflow_id"],
        "status": "success",
        "started_at": run["started_at"],
        "completed_at": run["completed_at"],
        "error": None,
        "payload": {"user": "demo"},
        "step_results": {"echo": result},
    }
    assert result == {
        "step_name": "echo",
        "status": "success",
        "started_at": result["started_at"],
        "completed_at": result["completed_at"],
        "output": "demo",
        "error": None,
    }
    assert run["started_at"] <= result["started_at"] <= result["completed_at"] <= run["completed_at"]
    execution = (await rest.get(f"/executions/{run_id}")).json()
    assert (execution["status"], execution["input"]) == ("completed", {"user": "demo"})
    (created, *_) = (await rest.get(f"/executions/{run_id}/events")).json()["items"]
    assert (created["type"], created["message"]) == ("execution_created", "Execution accepted, via trigger")


async def test_a_run_that_fails_and_one_that_is_cancelled(rest, engine):
    failed = await until(rest, await trigger(rest), *FINAL)
    assert (failed["status"], failed["step_results"]["echo"]["status"]) == ("failed", "failed")
    assert "user" in failed["step_results"]["echo"]["error"]
    assert failed["error"].startswith("expression_failed: task 'echo' failed: ")

    run_id = await trigger(rest, "waits")
    waiting = await until(rest, run_id, "running")
    assert (waiting["completed_at"], waiting["step_results"]["echo"]["status"]) == (None, "pending")
    await rest.post(f"/executions/{run_id}/cancel", json={"reason": "enough"})
    cancelled = await until(rest, run_id, *FINAL)
    assert cancelled["status"] == "cancelled"
    assert cancelled["step_results"]["wait"]["status"] == "failed"
    assert cancelled["step_results"]["wait"]["error"].startswith("cancelled: ")

    run_id = await trigger(rest, "waits", payload={"user": "u"})
    await until(rest, run_id, "running")
    await rest.post(f"/executions/{run_id}/skip", json={"task": "wait"})
    ended = await until(rest, run_id, *FINAL)
    assert [(name, step["status"]) for name, step in ended["step_results"].items()] == [
        ("wait", "skipped"),
        ("echo", "success"),
    ]


async def test_a_chosen_id_is_the_id_of_the_execution_and_is_used_once(rest, database_url):
    run_id = str(uuid4())
    for written in (run_id, run_id.upper(), UUID(run_id).hex):
        assert await trigger(rest, run_id=written, payload={"user": written}) == run_id
    assert (await read(rest, run_id))["payload"] == {"user": run_id}
    assert (await rest.get(f"/executions/{run_id}")).json()["idempotency_key"] is None
    assert await ask(database_url, "SELECT count(*) FROM executions") == 1
    assert await ask(database_url, "SELECT count(*) FROM execution_events") == 1
    (row,) = (await rest.get("/executions")).json()["items"]
    assert row["started_by"] == (None if TENANT_ID == DEFAULT_TENANT_ID else "key:TestKey0")


async def test_a_text_stands_for_an_id(rest, database_url):
    run_id = await trigger(rest, run_id="order 1/ü", payload={"user": 1})
    assert run_id == str(derived_id("order 1/ü", TENANT))
    assert await trigger(rest, run_id="order 1/ü") == run_id == await trigger(rest, run_id=run_id)
    for name in ("order%201%2F%C3%BC", run_id):
        assert (await rest.get(f"/runs/{name}")).status_code == (200 if name == run_id else 404)
    run = await read(rest, run_id)
    assert (run["uuid"], run["id"], run["payload"]) == (run_id, "order 1/ü", {"user": 1})
    assert (await rest.get("/runs")).json()["items"][0]["id"] == "order 1/ü"
    assert await ask(database_url, "SELECT count(*) FROM executions") == 1
    simple = await trigger(rest, run_id="order-2")
    assert (await read(rest, "order-2"))["uuid"] == simple


async def test_many_triggers_with_one_id_start_one_execution(rest, engine, database_url):
    for run_id in (str(uuid4()), "order-1"):
        body = {"workflow_id": "echo", "run_id": run_id, "payload": {"user": 1}}
        answers = await asyncio.gather(*(rest.post("/trigger", json=body) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {202}
        (found,) = {answer.json()["run_id"] for answer in answers}
        assert (await until(rest, found, *FINAL))["status"] == "success"
    assert await ask(database_url, "SELECT count(*) FROM executions") == 2


async def test_an_id_of_another_workflow_is_taken(rest, database_url):
    for run_id in (str(uuid4()), "order-1"):
        found = await trigger(rest, run_id=run_id)
        problem = await refusal(rest, 409, workflow_id="waits", run_id=run_id)
        message = f"the run id {run_id!r} is taken, and not by this workflow; choose another"
        assert (problem["code"], problem["errors"]) == ("run_id_taken", [{"field": "run_id", "message": message}])
        assert await trigger(rest, run_id=run_id) == found
    assert await ask(database_url, "SELECT count(*) FROM executions") == 2


async def test_a_workflow_is_named_by_its_id_or_its_key(rest):
    workflow_id = (await rest.get("/workflows/echo")).json()["id"]
    run_id = str(uuid4())
    for name in (workflow_id, str(workflow_id), "echo"):
        assert await trigger(rest, name, run_id=run_id) == run_id
    assert (await read(rest, run_id))["workflow_id"] == workflow_id
    await rest.delete("/workflows/echo")
    assert await trigger(rest, workflow_id, run_id=run_id) == run_id
    for name in (workflow_id, "echo", "missing", -1):
        problem = await refusal(rest, 404, workflow_id=name)
        assert (problem["code"], problem["detail"]) == ("workflow_not_found", f"workflow '{name}' does not exist")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["workflow_id"]),
        ({"workflow_id": "echo", "run_id": ""}, ["run_id"]),
        ({"workflow_id": "echo", "run_id": "a" * 191}, ["run_id"]),
        ({"workflow_id": "echo", "run_id": " "}, ["run_id"]),
        ({"workflow_id": "echo", "run_id": 7}, ["run_id"]),
        ({"workflow_id": "echo", "payload": [1]}, ["payload"]),
        ({"workflow_id": "echo", "input": {}}, ["input"]),
    ],
)
async def test_wrong_triggers_are_refused(rest, body: dict[str, Any], fields: list[str]):
    problem = await refusal(rest, 422, **body)
    assert [error["field"] for error in problem["errors"]] == fields


async def test_the_payload_must_fit_the_schema_of_the_workflow(rest, database_url):
    schema = {"type": "object", "required": ["user"], "properties": {"user": {"type": "string"}}}
    await rest.patch("/workflows/echo", json={"input_schema": schema})
    problem = await refusal(rest, 422, workflow_id="echo", payload={"user": 1})
    assert [error["field"] for error in problem["errors"]] == ["payload.user"]
    assert await ask(database_url, "SELECT count(*) FROM executions") == 0
    run_id = await trigger(rest, payload={"user": "u"}, run_id="order-1")
    # What was accepted once stays accepted.
    assert await trigger(rest, payload={"user": 1}, run_id="order-1") == run_id


async def test_no_id_of_a_caller_is_a_key_of_the_service(rest):
    answer = await rest.post("/workflows/echo/executions", json={"idempotency_key": "run_id:order-1"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "idempotency_key")


async def test_runs_are_listed_newest_first(rest):
    runs = [await trigger(rest, "echo" if number % 2 else "waits", payload={"n": number}) for number in range(5)]
    runs.reverse()
    seen, cursor = [], {}
    for limit in (2, 2, 1):
        answer = await rest.get("/runs", params={"limit": 2, **cursor})
        page = answer.json()
        assert (len(page["items"]), page["limit"]) == (limit, 2)
        unchanged = await rest.get(
            "/runs", params={"limit": 2, **cursor}, headers={"If-None-Match": answer.headers["etag"]}
        )
        assert unchanged.status_code == 304
        seen += page["items"]
        cursor = {"cursor": page["next_cursor"]}
    assert (cursor, [run["uuid"] for run in seen]) == ({"cursor": None}, runs)
    whole = await read(rest, runs[0])
    assert seen[0] == {name: value for name, value in whole.items() if name not in ("payload", "step_results")}
    of_one = (await rest.get("/runs", params={"workflow_id": "echo"})).json()["items"]
    assert [run["uuid"] for run in of_one] == runs[1::2]
    for params, status in (({"limit": 0}, 422), ({"cursor": "x"}, 422), ({"workflow_id": "missing"}, 404)):
        assert (await rest.get("/runs", params=params)).status_code == status


async def test_a_run_that_does_not_change_is_not_sent_again(rest):
    run_id = await trigger(rest)
    answer = await rest.get(f"/runs/{run_id}")
    assert (answer.json()["status"], answer.json()["step_results"]["echo"]["status"]) == ("pending", "pending")
    again = await rest.get(f"/runs/{run_id}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    missing = await rest.get(f"/runs/{uuid4()}")
    assert (missing.status_code, missing.json()["code"]) == (404, "run_not_found")


async def test_what_was_started_otherwise_is_a_run_too(rest):
    started = (await rest.post("/workflows/echo/executions", json={"idempotency_key": "k"})).json()
    assert (await read(rest, started["id"]))["id"] == started["id"]
    assert await trigger(rest, run_id=started["id"]) == started["id"]


async def test_paths_with_and_without_the_prefix(rest):
    for prefix in ("", "/api/v1"):
        assert (await rest.get(f"{prefix}/health")).json() == {"status": "ok"}
        document = (await rest.get(f"{prefix}/openapi.json")).json()
        assert {"/api/v1/trigger", "/api/v1/runs", "/api/v1/runs/{run}", "/api/v1/health"} <= document["paths"].keys()
        answer = await rest.post(f"{prefix}/trigger", json={"workflow_id": "echo"})
        assert (await rest.get(f"{prefix}/runs/{answer.json()['run_id']}")).status_code == 200


@pytest.mark.parametrize("header", [TRACE, "anything"])
async def test_the_trace_of_a_trigger_is_kept_if_it_is_one(rest, database_url: str, header: str):
    headers = {"traceparent": header}
    answer = await rest.post("/trigger", json={"workflow_id": "echo"}, headers=headers)
    query = "SELECT data->>'traceparent' FROM execution_events WHERE execution_id = $1"
    assert await ask(database_url, query, UUID(answer.json()["run_id"])) == (TRACE if header == TRACE else None)


async def test_a_workflow_of_steps(rest):
    created = await rest.post("/workflows", json=EXAMPLE_STEPS)
    assert created.status_code == 201, created.text
    document = created.json()
    assert (document["key"], document["steps"]) == ("my-workflow", EXAMPLE_STEPS["steps"])
    assert [(task["name"], task["sequence"], task["execution_type"]) for task in document["tasks"]] == [
        ("delay", 1, "sync"),
        ("notify", 2, "sync"),
    ]
    assert document["tasks"][1]["config"]["body"]["user"] == "${input.user}"
    assert (await rest.get("/workflows/my-workflow")).json() == document
    listed = (await rest.get("/workflows", params={"key": "my-workflow"})).json()["items"]
    assert listed == [document]
    revision = (await rest.get("/workflows/my-workflow/revisions/1")).json()
    assert revision == {name: value for name, value in document.items() if name != "steps"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_steps_are_sent_back_as_they_were_read(rest, method: str):
    before = (await rest.post("/workflows", json=EXAMPLE_STEPS)).json()
    url = "/workflows/my-workflow"
    same = await rest.request(method, url, json=before)
    assert (same.status_code, same.json()) == (200, before)
    other = [before["steps"][0] | {"config": {"duration": 3}}, before["steps"][1]]
    for body in (before | {"steps": other}, {"name": "n", "steps": []}):
        refused = await rest.request(method, url, json=body)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "steps")
    tasks = [before["tasks"][0] | {"config": {"duration": 3}}, before["tasks"][1]]
    changed = await rest.request(method, url, json=before | {"tasks": tasks})
    assert (changed.status_code, changed.json()["steps"]) == (200, other)
    outdated = await rest.request(method, url, json=before)
    assert (outdated.status_code, outdated.json()["code"]) == (409, "outdated")
    beyond = await rest.patch(url, json={"timeout_seconds": 5})
    assert (beyond.status_code, "steps" in beyond.json()) == (200, False)


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"id": "echo"}, {"id": "this id belongs to another workflow"}),
        ({"id": "7"}, {"id": "must not be all digits: it would read as an id"}),
        ({"steps": [{"name": "a", "type": "log"}]}, {"steps[0].type": "must be 'delay' or 'webhook'"}),
        (
            {"steps": [{"name": "a", "type": "delay", "config": {"duration": -1}}]},
            {"steps[0].config.duration": "must be greater than or equal to 0"},
        ),
        (
            {"steps": [{"name": "a", "type": "delay", "config": {"duration": 1, "hours": 1}}]},
            {"steps[0].config.hours": None},
        ),
        ({"steps": [{"name": "a", "type": "webhook"}]}, {"steps[0].config.url": "is required"}),
        (
            {"steps": [{"name": "a", "type": "delay", "config": {"duration": 1}}] * 2},
            {"steps[1].name": "'a' is already the name of steps[0]"},
        ),
        (
            {"steps": [{"name": "a", "type": "webhook", "config": {"url": "http://x/${user"}}]},
            {"steps[0].config.url": None},
        ),
    ],
)
async def test_wrong_steps_are_refused_by_their_paths(rest, change: dict[str, Any], errors: dict[str, str | None]):
    answer = await rest.post("/workflows", json=EXAMPLE_STEPS | change)
    assert answer.status_code == (409 if "belongs" in str(errors) else 422), answer.text
    found = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert found.keys() == errors.keys()
    assert all(message in (None, found[field]) for field, message in errors.items()), found
    judged = await rest.post("/workflows/validate", json=EXAMPLE_STEPS | change)
    refused = [{"path": e["field"], "message": e["message"]} for e in answer.json()["errors"]]
    problems = [] if answer.status_code == 409 else refused  # whose id it is belongs to storing it
    assert judged.json() == {"valid": not problems, "problems": problems, "warnings": []}


async def test_right_steps_are_judged_right(rest):
    judged = await rest.post("/workflows/validate", json=EXAMPLE_STEPS)
    assert (judged.status_code, judged.json()) == (200, {"valid": True, "problems": [], "warnings": []})
    assert (await rest.get("/workflows/my-workflow")).status_code == 404


CURL = {"content-type": "application/x-www-form-urlencoded"}


async def test_what_curl_sends_without_a_header_is_taken(rest):
    steps = b'{"id": "s", "name": "S", "steps": [{"name": "a", "type": "delay", "config": {"duration": 0}}]}'
    assert (await rest.post("/workflows/validate", content=steps, headers=CURL)).json()["valid"]
    assert (await rest.post("/workflows", content=steps, headers=CURL)).status_code == 201
    assert (await rest.post("/trigger", content=b'{"workflow_id": "s"}', headers=CURL)).status_code == 202
    for url, content, status in (
        ("/workflows", b'{"name": "n"}', 415),
        ("/workflows", b'[{"steps": []}]', 415),
        ("/workflows/validate", b'{"name": "n"}', 415),
        ("/workflows", b"name=n", 400),
        ("/trigger", b"workflow_id=s", 400),
        ("/trigger", b"[]", 415),
        ("/executions/x/cancel", b"{}", 415),
    ):
        assert (await rest.post(url, content=content, headers=CURL)).status_code == status, (url, content)


@pytest.mark.parametrize("header", [{"origin": "http://localhost"}, {"sec-fetch-site": "same-origin"}])
async def test_browsers_must_say_that_they_send_json(rest, header: dict[str, str]):
    answer = await rest.post("/trigger", content=b'{"workflow_id": "echo"}', headers=CURL | header)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert (await rest.post("/trigger", json={"workflow_id": "echo"}, headers=header)).status_code == 202
