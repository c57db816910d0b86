"""Executions over REST, run by a real engine beside it, as in two processes."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from app.wiring.grpc_process import open_engine_process
from tests.support.rest_service import serving
from tests.support.tenant import CALLER

TASKS = [
    {"name": "first", "execution_type": "sync", "type": "log", "config": {"message": "hello"}},
    {"name": "second", "execution_type": "async", "sequence": 1},
    {"name": "third", "execution_type": "async", "sequence": 1},
]
SLOW = [{"name": "slow", "execution_type": "sync", "type": "delay", "config": {"seconds": 30}}]


@pytest.fixture
async def engine(settings):
    async with open_engine_process(settings) as process:
        yield process


@pytest.fixture
async def workflow(rest) -> dict:
    return (await rest.post("/workflows", json={"name": "n", "key": "k", "tasks": TASKS})).json()


@pytest.fixture
async def slow(rest) -> dict:
    return (await rest.post("/workflows", json={"name": "slow", "key": "slow", "tasks": SLOW})).json()


async def start(rest, ref="k", wait=0, **body) -> dict:
    answer = await rest.post(f"/workflows/{ref}/executions?wait={wait}", json=body)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


async def until(rest, execution_id: str, status: str) -> dict:
    while (execution := (await rest.get(f"/executions/{execution_id}")).json())["status"] != status:
        await asyncio.sleep(0.02)
    return execution


@pytest.fixture
async def family(rest, engine) -> dict:
    """An ended execution whose task `call` has started a child, and whose task `each` two."""
    await rest.post("/workflows", json={"name": "n", "key": "child", "tasks": TASKS})
    call = {"name": "call", "execution_type": "sync", "type": "workflow", "config": {"workflow": "child"}}
    each = call | {"name": "each", "sequence": 1, "for_each": "[1, 2]"}
    await rest.post("/workflows", json={"name": "n", "key": "k", "tasks": [call, each, TASKS[0]]})
    return await start(rest, wait=60)


async def children_of(rest, execution: dict, more: str = "") -> list[dict]:
    answer = await rest.get(f"/executions?parent={execution['id']}{more}")
    assert answer.status_code == 200
    return answer.json()["items"]


async def test_parents_and_children_are_linked_both_ways(rest, family):
    assert (family["status"], family["parent"]) == ("completed", None)
    first, call, each = sorted(
        (await rest.get(f"/executions/{family['id']}/tasks")).json()["items"], key=lambda task: task["name"] != "first"
    )
    children = await children_of(rest, family)
    expected = [call["task_id"], each["task_id"], each["task_id"]]
    assert sorted(child["parent"]["task_id"] for child in children) == expected
    assert {child["parent"]["execution_id"] for child in children} == {family["id"]}
    [called] = [child["id"] for child in children if child["parent"]["task_id"] == call["task_id"]]
    assert (first["child_execution_id"], call["child_execution_id"]) == (None, called)
    assert each["child_execution_id"] in {child["id"] for child in children} - {called}
    read = (await rest.get(f"/executions/{called}")).json()
    assert read["parent"] == {"execution_id": family["id"], "task_id": call["task_id"]}
    assert (read["root_id"], read["depth"], read["idempotency_key"]) == (family["id"], 1, None)
    assert await children_of(rest, read) == []
    assert await children_of(rest, family, "&status=failed") == []
    assert len(await children_of(rest, family, "&status=completed&limit=2")) == 2


async def test_histories_name_parents_and_children(rest, family):
    children = await children_of(rest, family)
    events = (await rest.get(f"/executions/{family['id']}/events")).json()["items"]
    told = [(event["task_name"], event["message"]) for event in events if event["type"] == "task_progressed"]
    for child in children:
        [(task, message)] = [one for one in told if child["id"] in one[1]]
        assert message.endswith(f"runs as execution {child['id']}")
        first = (await rest.get(f"/executions/{child['id']}/events?limit=1")).json()["items"][0]
        assert first["message"] == f"Execution accepted: it is a child of execution {family['id']}, task {task!r}"
    assert [task for task, _ in told] == ["call", "each", "each"]


async def test_the_id_of_a_parent_is_checked(rest):
    answer = await rest.get("/executions?parent=soon")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "parent")
    assert (await rest.get(f"/executions?parent={UUID(int=1)}")).json()["items"] == []


async def test_a_start_is_accepted_before_it_is_run(rest, workflow):
    answer = await rest.post("/api/v1/workflows/k/executions", json={"input": {"ü": [1.0, None]}})
    assert answer.status_code == 202
    execution = answer.json()
    assert answer.headers["location"] == f"/api/v1/executions/{execution['id']}"
    assert execution == {
        "id": execution["id"],
        "workflow_id": workflow["id"],
        "revision": 1,
        "status": "pending",
        "input": {"ü": [1.0, None]},
        "output": None,
        "error": None,
        "created_at": execution["created_at"],
        "started_at": None,
        "finished_at": None,
        "idempotency_key": None,
        "origin_id": None,
        "parent": None,
        "root_id": execution["id"],
        "depth": 0,
        "started_by": CALLER.recorded,
    }
    assert (await rest.get(answer.headers["location"])).json() == execution


async def test_a_start_needs_no_body(rest, workflow):
    answer = await rest.post("/workflows/k/executions")
    assert (answer.status_code, answer.json()["input"]) == (202, {})


async def test_waiting_for_the_end_answers_the_result(rest, workflow, engine):
    answer = await rest.post("/workflows/k/executions?wait=60", json={"input": {"a": 1}})
    assert answer.status_code == 200
    execution = answer.json()
    assert (execution["status"], execution["input"], execution["error"]) == ("completed", {"a": 1}, None)
    times = [datetime.fromisoformat(execution[name]) for name in ("created_at", "started_at", "finished_at")]
    assert times == sorted(times)
    assert (await rest.get(f"/executions/{execution['id']}")).json() == execution


async def test_waiting_shorter_than_it_takes_answers_how_it_stands(rest, slow, engine):
    answer = await rest.post("/workflows/slow/executions?wait=0.2")
    assert answer.status_code == 202
    assert answer.json()["status"] in ("pending", "running")


async def test_the_history_is_numbered_and_paged(rest, workflow, engine):
    execution = await start(rest, wait=60)
    url = f"/executions/{execution['id']}/events"
    page = (await rest.get(url)).json()
    events = page["items"]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert page["ended"] is True
    assert [events[0]["type"], events[1]["type"], events[-1]["type"]] == [
        "execution_created",
        "execution_started",
        "execution_completed",
    ]
    assert (events[0]["status"], events[-1]["status"], events[-1]["progress_percent"]) == ("pending", "completed", 100)
    done = next(event for event in events if event["task_name"] == "first" and event["type"] == "task_completed")
    assert (done["task_status"], done["attempt"], done["task_id"]) == ("completed", 1, workflow["tasks"][0]["id"])
    assert (done["error"], done["message"]) == (None, "Task 'first' completed")

    part = (await rest.get(f"{url}?after=2&limit=3")).json()
    assert part == {"items": events[2:5], "ended": False}
    assert (await rest.get(f"{url}?after={len(events) - 1}")).json() == {"items": events[-1:], "ended": True}
    assert (await rest.get(f"{url}?after=99999")).json()["items"] == []


async def test_the_tasks_are_shown_as_they_stand(rest, workflow, engine):
    execution = await start(rest, wait=60)
    tasks = (await rest.get(f"/executions/{execution['id']}/tasks")).json()["items"]
    assert [(task["name"], task["status"], task["attempt"]) for task in tasks] == [
        ("first", "completed", 1),
        ("second", "completed", 1),
        ("third", "completed", 1),
    ]
    assert set(tasks[0]) == {
        "task_id",
        "name",
        "status",
        "attempt",
        "started_at",
        "finished_at",
        "output",
        "error",
        "child_execution_id",
        "waits_for",
        "message",
    }
    assert [(task["waits_for"], task["message"]) for task in tasks] == [(None, None)] * 3


async def test_what_a_task_waits_for_is_shown(rest, engine):
    tasks = [
        {"name": "ask", "execution_type": "async", "type": "signal", "config": {"name": "go"}, "timeout_seconds": 3600},
        {"name": "any time", "execution_type": "async", "type": "signal", "config": {"name": "it's on"}},
        {"name": "pause", "execution_type": "async", "type": "delay", "config": {"seconds": 3600}},
    ]
    await rest.post("/workflows", json={"name": "w", "key": "waits", "tasks": tasks})
    execution = (await rest.post("/workflows/waits/executions")).json()
    path, send = f"/executions/{execution['id']}", f"send it with: workflow signal {execution['id']}"
    while len(events := (await rest.get(f"{path}/events")).json()["items"]) < 5:
        await asyncio.sleep(0.02)

    shown = {event["task_name"]: (event["waits_for"], event["message"]) for event in events[2:]}
    until = {name: None if waits is None else waits["until"] for name, (waits, _) in shown.items()}
    started = {event["task_name"]: event["occurred_at"] for event in events[2:]}
    for name in ("ask", "pause"):
        waits = datetime.fromisoformat(until[name]) - datetime.fromisoformat(started[name])
        assert waits == timedelta(seconds=3600)
    assert shown == {
        "ask": (
            {"signal": "go", "until": until["ask"]},
            f"Task 'ask' waits for signal 'go' until {until['ask']}; {send} go --payload '{{}}'",
        ),
        "any time": (
            {"signal": "it's on", "until": None},
            f"""Task 'any time' waits for signal "it's on"; {send} 'it'"'"'s on' --payload '{{}}'""",
        ),
        "pause": ({"signal": None, "until": until["pause"]}, f"Task 'pause' waits until {until['pause']}"),
    }
    listed = (await rest.get(f"{path}/tasks")).json()["items"]
    assert {task["name"]: task["waits_for"] for task in listed} == {name: waits for name, (waits, _) in shown.items()}
    assert [f"Task {task['name']!r} {task['message']}" for task in listed] == [shown[t["name"]][1] for t in listed]

    await rest.post(f"{path}/signal", json={"name": "go", "payload": {}})
    while (task := (await rest.get(f"{path}/tasks")).json()["items"][0])["status"] == "running":
        await asyncio.sleep(0.02)
    assert (task["status"], task["waits_for"], task["message"]) == ("completed", None, None)


async def test_a_task_between_two_attempts_waits_until_its_next_one(rest, engine):
    task = {
        "name": "shaky",
        "execution_type": "sync",
        "type": "signal",
        "config": {"name": "go"},
        "timeout_seconds": 0.01,
        "retry": {"max_attempts": 2, "initial_interval_seconds": 3600, "max_interval_seconds": 3600, "jitter": 0},
    }
    await rest.post("/workflows", json={"name": "w", "key": "shaky", "tasks": [task]})
    path = f"/executions/{(await rest.post('/workflows/shaky/executions')).json()['id']}"
    while (event := (await rest.get(f"{path}/events")).json()["items"][-1])["type"] != "task_retrying":
        await asyncio.sleep(0.02)
    wait = event["waits_for"]
    until = datetime.fromisoformat(wait["until"]) - datetime.fromisoformat(event["occurred_at"])
    assert (wait["signal"], round(until.total_seconds())) == (None, 3600)
    [shown] = (await rest.get(f"{path}/tasks")).json()["items"]
    assert (shown["status"], shown["waits_for"], shown["message"]) == ("retrying", wait, f"waits until {wait['until']}")
    assert shown["error"] == event["error"]


async def test_an_idempotency_key_starts_once(rest, workflow):
    first = await start(rest, idempotency_key="once", input={"a": 1})
    again = await start(rest, idempotency_key="once", input={"a": 1})
    assert again == first
    assert first["idempotency_key"] == "once"
    body = {"idempotency_key": "once", "input": {"a": 2}}
    refused = await rest.post("/workflows/k/executions", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_mismatch")
    assert refused.json()["errors"][0]["field"] == "idempotency_key"
    assert first["id"] in refused.json()["detail"]
    assert (await start(rest, idempotency_key="twice"))["id"] != first["id"]


async def test_lists_go_by_cursor_newest_first(rest, workflow, slow):
    started = [(await start(rest))["id"] for _ in range(5)]
    other = (await start(rest, "slow"))["id"]
    newest_first = [other, *reversed(started)]

    async def listed(query: str) -> tuple[list[str], str | None]:
        page = (await rest.get(f"/executions?{query}")).json()
        return [item["id"] for item in page["items"]], page["next_cursor"]

    assert await listed("") == (newest_first, None)
    first, cursor = await listed("limit=4")
    second, end = await listed(f"limit=4&cursor={cursor}")
    assert (first + second, end) == (newest_first, None)
    assert await listed("limit=6") == (newest_first, None)
    assert (await listed(f"workflow_id={workflow['id']}"))[0] == newest_first[1:]
    assert (await listed("workflow_id=slow"))[0] == [other]
    assert (await listed("status=running"))[0] == []
    assert (await listed("status=pending&workflow_id=slow"))[0] == [other]
    assert (await listed("created_after=2020-01-01T00:00:00Z"))[0] == newest_first
    assert (await listed("created_before=2020-01-01T00:00:00%2B02:00"))[0] == []
    item = (await rest.get("/executions?limit=1")).json()["items"][0]
    assert "input" not in item
    assert "output" not in item


async def test_cancelling(rest, slow, engine):
    execution = await start(rest, "slow")
    await until(rest, execution["id"], "running")
    url = f"/executions/{execution['id']}/cancel"
    assert (await rest.post(url, json={"reason": "a mistake"})).status_code == 202
    cancelled = await until(rest, execution["id"], "cancelled")
    assert "a mistake" in cancelled["error"]["message"]
    assert (await rest.post(url)).status_code == 202
    events = (await rest.get(f"/executions/{execution['id']}/events")).json()["items"]
    assert "cancel_requested" in [event["type"] for event in events]


async def test_what_has_completed_cannot_be_cancelled(rest, workflow, engine):
    execution = await start(rest, wait=60)
    answer = await rest.post(f"/executions/{execution['id']}/cancel", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")


async def test_executions_outlive_their_workflow(rest, workflow, engine):
    execution = await start(rest, wait=60)
    await rest.delete("/workflows/k")
    assert (await rest.get(f"/executions/{execution['id']}")).json() == execution
    assert (await rest.get(f"/executions/{execution['id']}/events")).json()["ended"] is True
    listed = (await rest.get(f"/executions?workflow_id={workflow['id']}")).json()["items"]
    assert [item["id"] for item in listed] == [execution["id"]]
    assert (await rest.post(f"/workflows/{workflow['id']}/executions")).status_code == 404


async def test_an_execution_runs_the_revision_it_started_with(rest, workflow):
    execution = await start(rest)
    await rest.patch("/workflows/k", json={"name": "changed"})
    assert (await start(rest))["revision"] == 2
    assert (await rest.get(f"/executions/{execution['id']}")).json()["revision"] == 1


async def test_an_input_over_the_limit_is_refused(settings):
    async with serving(settings.model_copy(update={"max_input_bytes": 100})) as rest:
        await rest.post("/workflows", json={"name": "n", "key": "k"})
        answer = await rest.post("/workflows/k/executions", json={"input": {"a": "x" * 100}})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (413, "input")


async def test_an_execution_is_paused_signalled_and_resumed(rest, engine):
    tasks = [{"name": "approval", "execution_type": "sync", "type": "signal", "config": {"name": "approved"}}]
    await rest.post("/workflows", json={"name": "w", "key": "w", "tasks": tasks})
    execution = await start(rest, "w")
    path = f"/executions/{execution['id']}"

    assert (await rest.post(f"{path}/pause", json={"reason": "a look first"})).status_code == 202
    await until(rest, execution["id"], "paused")
    assert (await rest.post(f"{path}/signal", json={"name": "approved", "payload": [1]})).status_code == 202
    assert (await rest.post(f"{path}/signal", json={"payload": [1]})).json()["errors"][0]["field"] == "name"
    assert (await rest.post(f"{path}/resume")).status_code == 202
    ended = await until(rest, execution["id"], "completed")

    assert ended["output"] == {"approval": [1]}
    for control, body in (("pause", {}), ("resume", {}), ("signal", {"name": "x"}), ("cancel", {})):
        refused = await rest.post(f"{path}/{control}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
