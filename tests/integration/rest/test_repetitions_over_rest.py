"""Skip, retry and rerun over REST, with a real engine beside it."""

import asyncio

import pytest

from app.wiring.grpc_process import open_engine_process

TASKS = [
    {"name": "first", "execution_type": "sync", "type": "log", "config": {"message": "hello"}},
    {"name": "approval", "execution_type": "sync", "type": "signal", "config": {"name": "approved"}},
]


@pytest.fixture
async def engine(settings):
    async with open_engine_process(settings) as process:
        yield process


async def until(rest, execution_id: str, status: str) -> dict:
    while (execution := (await rest.get(f"/executions/{execution_id}")).json())["status"] != status:
        await asyncio.sleep(0.02)
    return execution


@pytest.fixture
async def running(rest, engine) -> dict:
    await rest.post("/workflows", json={"name": "w", "key": "w", "tasks": TASKS})
    execution = (await rest.post("/workflows/w/executions", json={"input": {"n": 1}})).json()
    return await until(rest, execution["id"], "running")


@pytest.fixture
async def cancelled(rest, running) -> dict:
    while "first" not in await completed(rest, running["id"]):
        await asyncio.sleep(0.02)
    await rest.post(f"/executions/{running['id']}/cancel")
    return await until(rest, running["id"], "cancelled")


async def completed(rest, execution_id: str) -> list[str]:
    tasks = (await rest.get(f"/executions/{execution_id}/tasks")).json()["items"]
    return [task["name"] for task in tasks if task["status"] == "completed"]


async def test_a_retry_is_made_once(rest, cancelled):
    url = f"/api/v1/executions/{cancelled['id']}/retry"
    first, second = await rest.post(url), await rest.post(url)

    assert (first.status_code, second.status_code) == (201, 200)
    execution = first.json()
    assert first.headers["location"] == second.headers["location"] == f"/api/v1/executions/{execution['id']}"
    assert (execution["origin_id"], execution["input"], execution["revision"]) == (cancelled["id"], {"n": 1}, 1)
    assert second.json()["id"] == execution["id"]
    await rest.post(f"/executions/{execution['id']}/signal", json={"name": "approved", "payload": "yes"})
    ended = await until(rest, execution["id"], "completed")
    assert (ended["output"], ended["origin_id"]) == ({"approval": "yes"}, cancelled["id"])
    events = (await rest.get(f"/executions/{execution['id']}/events")).json()["items"]
    assert [(event["type"], event["status"]) for event in events[:2]] == [
        ("execution_created", "pending"),
        ("task_reused", "pending"),
    ]
    assert events[1]["output"] == {"message": "hello"}
    listed = (await rest.get("/executions")).json()["items"]
    assert [item["origin_id"] for item in listed] == [cancelled["id"], None]


async def test_a_retry_outlives_the_workflow(rest, cancelled):
    await rest.delete("/workflows/w")

    answer = await rest.post(f"/executions/{cancelled['id']}/retry")

    assert answer.status_code == 201
    await until(rest, answer.json()["id"], "running")


async def test_a_rerun_begins_from_a_task(rest, cancelled):
    url = f"/executions/{cancelled['id']}/rerun"
    body = {"from_task": "first", "idempotency_key": "again"}
    first, second, other = (
        await rest.post(url, json=body),
        await rest.post(url, json=body),
        await rest.post(url, json={"from_task": "first"}),
    )

    assert [answer.status_code for answer in (first, second, other)] == [201, 200, 201]
    assert first.json()["id"] == second.json()["id"] != other.json()["id"]
    assert (first.json()["origin_id"], first.json()["idempotency_key"]) == (cancelled["id"], "again")
    taken = await rest.post("/workflows/w/executions", json={"idempotency_key": "mine"})
    conflict = await rest.post(url, json={"from_task": "first", "idempotency_key": "mine"})
    assert (taken.status_code, conflict.status_code, conflict.json()["code"]) == (202, 409, "conflict")


async def test_wrong_requests(rest, cancelled):
    path = f"/executions/{cancelled['id']}"
    for url, body, field in (
        (f"{path}/rerun", {"from_task": "x"}, "from_task"),
        (f"{path}/rerun", {}, "from_task"),
        (f"{path}/rerun", {"from_task": "first", "idempotency_key": ""}, "idempotency_key"),
        (f"{path}/rerun", {"from_task": "first", "idempotency_key": f"retry:{cancelled['id']}"}, "idempotency_key"),
        (f"{path}/skip", {}, "task"),
    ):
        answer = await rest.post(url, json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    refused = await rest.post(f"{path}/skip", json={"task": "approval"})
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    unknown = "/executions/0192f0c1-2345-7abc-8def-000000000000"
    assert (await rest.post(f"{unknown}/retry")).status_code == 404


async def test_a_running_execution_is_not_repeated(rest, running):
    for control, body in (("retry", None), ("rerun", {"from_task": "first"})):
        answer = await rest.post(f"/executions/{running['id']}/{control}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")


async def test_skipping(rest, running):
    path = f"/executions/{running['id']}"
    body = {"task": "approval", "reason": "nobody is here"}

    assert (await rest.post(f"{path}/skip", json=body)).status_code == 202
    ended = await until(rest, running["id"], "completed")

    assert ended["output"] is None
    task = (await rest.get(f"{path}/tasks")).json()["items"][1]
    assert (task["name"], task["status"], task["output"], task["error"]) == ("approval", "skipped", None, None)


async def test_a_retry_on_the_latest_revision(rest, cancelled):
    path = f"/executions/{cancelled['id']}"
    fixed = [TASKS[0] | {"timeout_seconds": 5}, {"name": "approval", "execution_type": "sync"}]
    await rest.patch("/workflows/w", json={"tasks": fixed})

    plain = await rest.post(f"{path}/retry")
    latest = await rest.post(f"{path}/retry", json={"revision": "latest"})
    numbered = await rest.post(f"{path}/retry", json={"revision": 2})

    assert [answer.status_code for answer in (plain, latest, numbered)] == [201, 201, 200]
    assert (plain.json()["revision"], plain.json()["latest_revision"]) == (1, 2)
    assert (latest.json()["revision"], latest.json()["latest_revision"]) == (2, 2)
    assert numbered.json()["id"] == latest.json()["id"] != plain.json()["id"]
    await until(rest, latest.json()["id"], "completed")
    events = (await rest.get(f"/executions/{latest.json()['id']}/events")).json()["items"]
    assert [(event["type"], event["task_name"]) for event in events[1:4]] == [
        ("task_reused", "first"),
        ("execution_started", None),
        ("task_started", "approval"),
    ]
    await rest.delete("/workflows/w")
    assert (await rest.post(f"{path}/retry")).json()["latest_revision"] is None
    refused = await rest.post(f"{path}/retry", json={"revision": "latest"})
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")


async def test_a_result_that_cannot_be_reused_is_named(rest, cancelled):
    path = f"/executions/{cancelled['id']}"
    await rest.patch("/workflows/w", json={"tasks": [TASKS[0] | {"config": {"message": "other"}}, TASKS[1]]})

    refused = await rest.post(f"{path}/retry", json={"revision": "latest"})

    assert refused.status_code == 422
    assert refused.json()["errors"][0] == {
        "field": "revision",
        "message": "the result of task 'first' cannot be reused: in revision 2 its config.message is different",
    }
    rerun = await rest.post(f"{path}/rerun", json={"from_task": "first", "revision": "latest"})
    assert (rerun.status_code, rerun.json()["revision"]) == (201, 2)


@pytest.mark.parametrize("revision", [0, -1, 2**31, 1.5, True, "1", "last", [1], {}])
async def test_what_names_no_revision(rest, cancelled, revision):
    for control, body in (("retry", {}), ("rerun", {"from_task": "first"})):
        answer = await rest.post(f"/executions/{cancelled['id']}/{control}", json=body | {"revision": revision})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "revision")
        assert "must be 'latest', or the number of a revision" in answer.json()["errors"][0]["message"]
