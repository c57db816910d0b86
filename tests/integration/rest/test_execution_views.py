"""One execution at once: the same as its tasks and its history say, as of one number."""

import asyncio

import httpx
import pytest

from app.wiring.grpc_process import open_engine_process

SHAKY = {
    "type": "signal",
    "config": {"name": "never"},
    "timeout_seconds": 0.01,
    "retry": {"max_attempts": 3, "initial_interval_seconds": 0, "jitter": 0},
}
SAME = ("task_id", "name", "status", "attempt", "started_at", "finished_at", "error", "child_execution_id", "waits_for")


@pytest.fixture
async def engine(settings):
    async with open_engine_process(settings) as process:
        yield process


def sync(name: str, sequence: int, **more) -> dict:
    return {"name": name, "execution_type": "sync", "sequence": sequence, **more}


async def start(rest: httpx.AsyncClient, *tasks: dict, key: str = "k", wait: float = 60, **more) -> str:
    made = await rest.post("/workflows", json={"name": f"The {key}", "key": key, "tasks": tasks, **more})
    assert made.status_code == 201, made.text
    return (await rest.post(f"/workflows/{key}/executions?wait={wait}")).json()["id"]


async def view_of(rest: httpx.AsyncClient, execution: str) -> dict:
    """The view, after a check that it agrees with what else is known of the execution."""
    answer = await rest.get(f"/executions/{execution}/view")
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert view["execution"] == (await rest.get(f"/executions/{execution}")).json()
    tasks = (await rest.get(f"/executions/{execution}/tasks")).json()["items"]
    for seen, wanted in zip(view["tasks"], tasks, strict=True):
        assert {name: seen[name] for name in SAME} == {name: wanted[name] for name in SAME}
        assert seen["message"] == wanted["message"]
        assert seen["attempt_count"] == len(seen["attempts"])
    events = (await rest.get(f"/executions/{execution}/events")).json()["items"]
    assert (view["last_sequence"], view["progress"]["percent"]) == (
        events[-1]["sequence"],
        events[-1]["progress_percent"],
    )
    [listed] = (await rest.get(f"/executions?id_prefix={execution}")).json()["items"]
    assert (listed["progress"], listed["retried_by"]) == (view["progress"], view["retried_by"])
    return view


def named(view: dict) -> dict[str, dict]:
    return {task["name"]: task for task in view["tasks"]}


async def test_every_attempt_is_there_with_its_end(rest, engine) -> None:
    execution = await start(
        rest,
        sync("first", 0),
        sync("shaky", 1, on_failure="continue", **SHAKY),
        sync("left out", 2, when="false"),
        sync("last", 3),
    )
    view = await view_of(rest, execution)
    tasks = named(view)
    assert view["execution"]["status"] == "completed"
    assert view["workflow"]["name"] == "The k"
    assert view["progress"] == {"done": 4, "total": 4, "percent": 100}
    shaky = tasks["shaky"]
    assert [(one["number"], one["status"], one["error"]["code"]) for one in shaky["attempts"]] == [
        (1, "failed", "timeout"),
        (2, "failed", "timeout"),
        (3, "failed", "timeout"),
    ]
    times = [one[name] for one in shaky["attempts"] for name in ("started_at", "finished_at")]
    assert times == sorted(times)
    assert (shaky["started_at"], shaky["finished_at"]) == (times[0], times[-1])
    [attempt] = tasks["first"]["attempts"]
    assert (attempt["status"], attempt["error"], attempt["finished_at"]) == (
        "completed",
        None,
        tasks["first"]["finished_at"],
    )
    assert (tasks["left out"]["status"], tasks["left out"]["attempts"]) == ("skipped", [])


async def test_elements_are_counted_and_not_listed(rest, engine) -> None:
    each = sync("each", 0, type="log", config={"message": "number ${item}"}, for_each="[1, 2, 3]")
    nothing = sync("nothing", 1, type="log", config={"message": "number ${item}"}, for_each="[]")
    tasks = named(await view_of(rest, await start(rest, each, nothing)))
    assert tasks["each"]["elements"] == {"done": 3, "failed": 0, "total": 3}
    assert tasks["nothing"]["elements"] == {"done": 0, "failed": 0, "total": 0}


async def test_an_element_that_fails_is_counted_and_the_rest_stays_done(rest, engine) -> None:
    await start(rest, sync("wait", 0, type="signal", config={"name": "go"}), key="child", wait=0)
    call = {"type": "workflow", "config": {"workflow": "child"}}
    execution = await start(rest, sync("each", 0, for_each="[1, 2]", max_concurrency=2, **call), wait=0)
    children: list[dict] = []
    while len(children) < 2:
        children = (await rest.get(f"/executions?parent={execution}&status=running")).json()["items"]
        await asyncio.sleep(0.02)
    [task] = (await view_of(rest, execution))["tasks"]
    assert task["elements"] == {"done": 0, "failed": 0, "total": None}
    assert task["attempts"][0]["child_execution_id"] in [child["id"] for child in children]
    await rest.post(f"/executions/{children[0]['id']}/signal", json={"name": "go", "payload": 1})
    while (task := (await rest.get(f"/executions/{execution}/view")).json()["tasks"][0])["elements"]["done"] == 0:
        await asyncio.sleep(0.02)
    assert task["elements"] == {"done": 1, "failed": 0, "total": 2}
    assert task["progress"]["percent"] == 50.0
    await rest.post(f"/executions/{children[1]['id']}/cancel", json={"reason": "enough"})
    while (await rest.get(f"/executions/{execution}")).json()["status"] != "failed":
        await asyncio.sleep(0.02)
    [task] = (await view_of(rest, execution))["tasks"]
    assert task["elements"] == {"done": 1, "failed": 1, "total": 2}
    assert (task["attempts"][0]["status"], task["attempts"][0]["error"]["code"]) == ("failed", "child_cancelled")


async def test_what_runs_waits_and_has_not_begun_is_told_apart(rest, engine) -> None:
    wait = {"name": "ask", "execution_type": "async", "type": "signal", "config": {"name": "go"}}
    again = {"name": "again", "execution_type": "async"} | SHAKY
    again["retry"] = {"max_attempts": 2, "initial_interval_seconds": 3600, "max_interval_seconds": 3600}
    execution = await start(rest, wait, again, sync("later", 1), wait=0)
    while "retrying" not in {t["status"] for t in (await rest.get(f"/executions/{execution}/tasks")).json()["items"]}:
        await asyncio.sleep(0.02)
    view = await view_of(rest, execution)
    tasks = named(view)
    assert (tasks["ask"]["waits_for"], tasks["ask"]["status"]) == ({"signal": "go", "until": None}, "running")
    assert (tasks["again"]["status"], tasks["again"]["attempts"][0]["status"]) == ("retrying", "failed")
    assert (tasks["later"]["status"], tasks["later"]["attempts"]) == ("pending", [])
    [item] = (await rest.get("/executions")).json()["items"]
    assert item["current_tasks"] == [
        {"task_id": tasks["ask"]["task_id"], "name": "ask", "status": "running"},
        {"task_id": tasks["again"]["task_id"], "name": "again", "status": "retrying"},
    ]
    assert (item["current_task_count"], item["duration_seconds"]) == (2, None)


async def test_compensations_do_not_count_as_progress(rest, engine) -> None:
    tasks = (sync("pay", 0, compensate=["refund"]), sync("shaky", 1, **SHAKY), sync("refund", 2), sync("never", 3))
    view = await view_of(rest, await start(rest, *tasks))
    assert {name: task["status"] for name, task in named(view).items()} == {
        "pay": "completed",
        "shaky": "failed",
        "refund": "completed",
        "never": "pending",
    }
    assert (view["progress"]["done"], view["progress"]["total"]) == (1, 3)


async def test_a_retry_is_named_and_what_it_reuses_has_no_attempt(rest, engine) -> None:
    each = sync("each", 0, type="log", config={"message": "number ${item}"}, for_each="[1]")
    execution = await start(rest, each, sync("shaky", 1, **SHAKY))
    assert (await view_of(rest, execution))["retried_by"] is None
    retry = (await rest.post(f"/executions/{execution}/retry")).json()["id"]
    while (await rest.get(f"/executions/{retry}")).json()["status"] != "failed":
        await asyncio.sleep(0.02)
    assert (await view_of(rest, execution))["retried_by"] == retry
    reused = named(await view_of(rest, retry))["each"]
    assert (reused["status"], reused["attempts"], reused["elements"]) == ("completed", [], None)
    assert reused["output_bytes"] > 0


async def test_visits_of_a_routed_task_are_attempts(rest, engine) -> None:
    conditions = [
        {"name": "again", "source_task": "a", "outcome": "any", "target_task_success": "b"},
        {"name": "on", "source_task": "b", "outcome": "any", "target_task_success": "a"},
    ]
    routed = {"start_task": "a", "conditions": conditions, "max_visits": 3}
    view = await view_of(rest, await start(rest, sync("a", 0), sync("b", 0), **routed))
    assert view["execution"]["status"] == "failed"
    assert [[one["number"] for one in task["attempts"]] for task in view["tasks"]] == [[1, 2, 3], [1, 2, 3]]
    assert view["progress"]["done"] == view["progress"]["total"] == 2


async def test_long_texts_are_cut_and_their_size_is_told(rest, engine) -> None:
    ask = sync("ask", 0, type="signal", config={"name": "go"})
    execution = await start(rest, ask, wait=0)
    text = "é" * 3_000
    await rest.post(f"/executions/{execution}/signal", json={"name": "go", "payload": text})
    while (await rest.get(f"/executions/{execution}")).json()["status"] != "completed":
        await asyncio.sleep(0.02)
    [task] = (await view_of(rest, execution))["tasks"]
    assert task["output_text"] == f'"{text[:499]}…'
    assert task["output_bytes"] == 6_002
    assert task["attempts"][0]["output_text"] == task["output_text"]


async def test_it_has_an_etag_and_an_unknown_execution_is_not_found(rest, engine) -> None:
    execution = await start(rest, sync("a", 0))
    first = await rest.get(f"/executions/{execution}/view")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await rest.get(f"/executions/{execution}/view", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    missing = await rest.get("/executions/0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71/view")
    assert (missing.status_code, missing.json()["code"]) == (404, "execution_not_found")


async def test_a_deleted_workflow_keeps_its_name(rest, engine) -> None:
    execution = await start(rest, sync("a", 0))
    await rest.patch("/workflows/k", json={"name": "renamed"})
    assert (await view_of(rest, execution))["workflow"]["name"] == "renamed"
    await rest.delete("/workflows/k")
    view = await view_of(rest, execution)
    assert (view["workflow"]["name"], view["workflow"]["key"]) == ("The k", "k")


ENDED = {"task_completed", "task_skipped", "task_failed", "task_cancelled"}


async def test_each_view_of_a_running_execution_is_of_one_moment(rest, engine) -> None:
    """What follows `last_sequence` is all that a page needs, so the view must have exactly what comes before it."""
    tasks = [sync(f"t{number}", number, type="log", config={"message": "x"}) for number in range(15)]
    tasks.append(sync("each", 15, type="transform", config={"value": "${item}"}, for_each="[1, 2, 3, 4, 5, 6]"))
    execution = await start(rest, *tasks, wait=0)
    views: list[dict] = []
    while not views or views[-1]["execution"]["status"] != "completed":
        views.append((await rest.get(f"/executions/{execution}/view")).json())
    events = (await rest.get(f"/executions/{execution}/events?limit=200")).json()["items"]
    for view in views:
        before = events[: view["last_sequence"]]
        assert view["execution"]["status"] == before[-1]["status"]
        assert (view["execution"]["finished_at"] is None) == (before[-1]["type"] != "execution_completed")
        ended = {event["task_id"] for event in before if event["type"] in ENDED}
        assert {task["task_id"] for task in view["tasks"] if task["finished_at"]} == ended
        started = {event["task_id"] for event in before if event["type"] == "task_started"}
        assert {task["task_id"] for task in view["tasks"] if task["attempts"]} == started
        done = sum(event["type"] == "task_item_completed" for event in before)
        assert view["tasks"][-1]["elements"]["done"] == done
