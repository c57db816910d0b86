"""Lists for dashboards: what each item shows, and every filter; counts and statistics beside them."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from app.adapters.database_url import driver_dsn
from app.wiring.grpc_process import open_engine_process

OK = {"name": "ok", "execution_type": "sync", "type": "log", "config": {"message": "done"}}
ASK = {"name": "ask", "execution_type": "sync", "sequence": 1, "type": "signal", "config": {"name": "go"}}
FAIL = ASK | {"name": "fail", "timeout_seconds": 0.01}


@pytest.fixture
async def engine(settings):
    async with open_engine_process(settings) as process:
        yield process


async def define(rest: httpx.AsyncClient, key: str, *tasks: dict, name: str | None = None) -> None:
    made = await rest.post("/workflows", json={"name": name or f"The {key}", "key": key, "tasks": tasks})
    assert made.status_code == 201, made.text


async def start(rest: httpx.AsyncClient, key: str, wait: float = 60) -> str:
    return (await rest.post(f"/workflows/{key}/executions?wait={wait}")).json()["id"]


async def until(rest: httpx.AsyncClient, execution: str, status: str) -> None:
    while (await rest.get(f"/executions/{execution}")).json()["status"] != status:
        await asyncio.sleep(0.02)


async def listed(rest: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await rest.get(f"/executions?{query}")
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


@pytest.fixture
async def house(rest, engine) -> dict[str, str]:
    """One execution of each kind, by its name; oldest first."""
    await define(rest, "good", OK)
    await define(rest, "bad", OK, FAIL, name="Bad_50%")
    await define(rest, "ask", OK, ASK)
    found = {"completed": await start(rest, "good"), "failed": await start(rest, "bad")}
    for name in ("cancelled", "paused", "running"):
        found[name] = await start(rest, "ask", wait=0)
        await until(rest, found[name], "running")
    await rest.post(f"/executions/{found['cancelled']}/cancel", json={"reason": "enough"})
    await rest.post(f"/executions/{found['paused']}/pause", json={})
    for name in ("cancelled", "paused"):
        await until(rest, found[name], name)
    while not (await rest.get(f"/executions?id_prefix={found['running']}")).json()["items"][0]["current_tasks"]:
        await asyncio.sleep(0.02)
    return found


async def test_an_item_shows_how_far_its_execution_has_come(rest, house) -> None:
    items = {item["id"]: item for item in (await rest.get("/executions")).json()["items"]}
    completed, failed, running = (items[house[name]] for name in ("completed", "failed", "running"))
    assert (completed["workflow_name"], completed["workflow_key"]) == ("The good", "good")
    assert completed["progress"] == {"done": 1, "total": 1, "percent": 100}
    assert (completed["current_tasks"], completed["current_task_count"]) == ([], 0)
    took = datetime.fromisoformat(completed["finished_at"]) - datetime.fromisoformat(completed["started_at"])
    assert completed["duration_seconds"] == took.total_seconds() > 0
    assert failed["progress"] == {"done": 1, "total": 2, "percent": 50}
    assert failed["retried_by"] is None
    assert running["progress"] == {"done": 1, "total": 2, "percent": 50}
    [task] = running["current_tasks"]
    assert (task["name"], task["status"]) == ("ask", "running")
    assert (running["current_task_count"], running["duration_seconds"]) == (1, None)


async def test_only_five_current_tasks_are_shown_and_all_are_counted(rest, engine) -> None:
    tasks = [ASK | {"name": f"ask {n}", "execution_type": "async"} for n in range(7)]
    await define(rest, "wide", *tasks)
    await start(rest, "wide", wait=0)
    while (item := (await rest.get("/executions")).json()["items"][0])["current_task_count"] != 7:
        await asyncio.sleep(0.02)
    assert [task["name"] for task in item["current_tasks"]] == [f"ask {n}" for n in range(5)]


async def test_statuses_are_combined(rest, house) -> None:
    newest_first = list(reversed(house.values()))
    for wanted in (["failed"], ["failed", "cancelled"], ["running", "paused"], ["completed", "running", "failed"]):
        expected = [one for one in newest_first if one in {house[name] for name in wanted}]
        assert await listed(rest, f"status={','.join(wanted)}") == expected
    everything = "pending,running,paused,completed,failed,cancelled"
    assert await listed(rest, f"status={everything}") == newest_first
    assert await listed(rest, f"status=running,failed&limit=1&cursor={house['running']}") == [house["failed"]]


async def test_workflows_are_found_by_a_part_of_their_name(rest, house) -> None:
    assert await listed(rest, "workflow_name=ASK") == [house["running"], house["paused"], house["cancelled"]]
    assert await listed(rest, "workflow_name=ask&status=paused,completed,cancelled") == [
        house["paused"],
        house["cancelled"],
    ]
    assert await listed(rest, "workflow_name=The&status=completed") == [house["completed"]]
    assert await listed(rest, "workflow_name=0%25&limit=1") == [house["failed"]]
    assert await listed(rest, "workflow_name=_&workflow_id=good") == []
    assert await listed(rest, "workflow_name=nothing") == []


async def test_errors_are_found_by_their_code(rest, house) -> None:
    assert await listed(rest, "error_code=timeout") == [house["failed"]]
    assert await listed(rest, "error_code=cancelled") == [house["cancelled"]]
    assert await listed(rest, "error_code=timeout&status=cancelled") == []
    assert await listed(rest, "error_code=timeout&status=completed") == []
    assert await listed(rest, "error_code=timeout&workflow_name=bad") == [house["failed"]]


async def test_ids_are_found_by_their_beginning(rest, house) -> None:
    wanted = house["paused"]
    assert await listed(rest, f"id_prefix={wanted}") == [wanted]
    assert await listed(rest, f"id_prefix={wanted.replace('-', '').upper()}") == [wanted]
    assert set(await listed(rest, f"id_prefix={wanted[:5]}")) == set(house.values())
    assert await listed(rest, "id_prefix=f") == []


async def test_what_failed_is_unresolved_until_a_later_repetition_completes(rest, engine) -> None:
    await define(rest, "flaky", OK, FAIL)
    failed = await start(rest, "flaky")
    other = await start(rest, "flaky")
    retry = (await rest.post(f"/executions/{failed}/retry")).json()["id"]
    await until(rest, retry, "failed")
    assert await listed(rest, "unresolved=true") == [retry, other, failed]
    await rest.patch("/workflows/flaky", json={"tasks": [OK]})
    fixed = (await rest.post(f"/executions/{retry}/rerun", json={"from_task": "ok", "revision": "latest"})).json()["id"]
    await until(rest, fixed, "completed")
    assert await listed(rest, "unresolved=true") == [other]
    assert await listed(rest, "unresolved=true&status=failed,cancelled") == [other]
    assert await listed(rest, "unresolved=true&status=cancelled") == []
    items = {item["id"]: item["retried_by"] for item in (await rest.get("/executions")).json()["items"]}
    assert items == {failed: retry, retry: fixed, other: None, fixed: None}


async def test_a_child_that_failed_counts_with_the_top_of_its_family(rest, engine) -> None:
    await define(rest, "flaky", FAIL)
    await define(rest, "top", OK | {"type": "workflow", "config": {"workflow": "flaky"}})
    top = await start(rest, "top")
    assert len(await listed(rest, "status=failed")) == 2
    assert await listed(rest, "unresolved=true") == [top]
    assert await listed(rest, f"parent={top}&error_code=timeout&status=failed,completed") == await listed(
        rest, f"parent={top}"
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=failed,done", "status"),
        ("status=", "status"),
        ("status=failed,", "status"),
        ("id_prefix=xyz", "id_prefix"),
        ("id_prefix=", "id_prefix"),
        ("id_prefix=" + "a" * 33, "id_prefix"),
        ("error_code=", "error_code"),
        ("error_code=%00", "error_code"),
        ("workflow_name=%00", "workflow_name"),
        ("unresolved=perhaps", "unresolved"),
    ],
)
async def test_a_wrong_filter_is_refused(rest, query: str, field: str) -> None:
    refused = await rest.get(f"/executions?{query}")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


async def test_counts_are_exact_and_can_be_of_one_workflow(rest, house, database_url) -> None:
    nothing = {"completed": 0, "failed": 0, "cancelled": 0}
    counts = (await rest.get("/executions/counts")).json()
    assert counts == {
        "active": {"pending": 0, "running": 1, "paused": 1, "total": 2},
        "ended": {"hours": 24, "completed": 1, "failed": 1, "cancelled": 1, "total": 3},
    }
    of_bad = (await rest.get("/executions/counts?workflow_id=bad")).json()
    assert of_bad["active"]["total"] == 0
    assert of_bad["ended"] == {"hours": 24} | nothing | {"failed": 1, "total": 1}
    session = await asyncpg.connect(driver_dsn(database_url))
    await session.execute("UPDATE executions SET finished_at = finished_at - interval '25 hours'")
    await session.close()
    assert (await rest.get("/executions/counts")).json()["ended"] == {"hours": 24} | nothing | {"total": 0}
    missing = await rest.get("/executions/counts?workflow_id=unknown")
    assert (missing.status_code, missing.json()["code"]) == (404, "workflow_not_found")


async def test_statistics_are_of_the_newest_that_have_ended(rest, house, engine) -> None:
    retried = FAIL | {"retry": {"max_attempts": 2, "initial_interval_seconds": 0, "jitter": 0}}
    await rest.patch("/workflows/bad", json={"tasks": [OK, retried]})
    newest = await start(rest, "bad")
    await start(rest, "bad", wait=0)
    await until(rest, (await listed(rest, "workflow_id=bad"))[0], "failed")
    found = (await rest.get("/workflows/bad/statistics")).json()
    executions = found["executions"]
    assert (executions["count"], executions["by_status"]) == (3, {"completed": 0, "failed": 3, "cancelled": 0})
    assert executions["failures"] == {"timeout": 3}
    assert executions["duration_seconds"] == {"count": 0, "p50": None, "p95": None}
    assert executions["oldest_created_at"] == (await rest.get(f"/executions/{house['failed']}")).json()["created_at"]
    by_name = {task["name"]: task for task in found["tasks"]}
    # The task `ok` was another one before the change.
    assert found["tasks_of_executions"] == 3
    assert sum(task["attempts"] for task in found["tasks"]) == 3 + 5
    fail = by_name["fail"]
    assert (fail["completed"], fail["failures"].keys()) == (0, {"timeout"})
    assert by_name["ok"]["duration_seconds"]["p50"] >= 0
    [last] = [(await rest.get(f"/workflows/bad/statistics?limit={limit}")).json() for limit in (1,)]
    assert (last["limit"], last["executions"]["count"], last["tasks_of_executions"]) == (1, 1, 1)
    assert newest


async def test_statistics_of_durations_are_percentiles(rest, engine, database_url) -> None:
    await define(rest, "good", OK)
    for _ in range(3):
        await start(rest, "good")
    session = await asyncpg.connect(driver_dsn(database_url))
    begin = datetime.now(UTC) - timedelta(hours=1)
    for number, row in enumerate(await session.fetch("SELECT id FROM executions ORDER BY id"), 1):
        change = "UPDATE executions SET started_at = $1, finished_at = $2 WHERE id = $3"
        await session.execute(change, begin, begin + timedelta(seconds=number), row["id"])
        change = "UPDATE execution_events SET occurred_at = $1 WHERE execution_id = $2 AND type = $3"
        await session.execute(change, begin, row["id"], "task_started")
        await session.execute(change, begin + timedelta(seconds=10 * number), row["id"], "task_completed")
    await session.close()
    found = (await rest.get("/workflows/good/statistics")).json()
    assert found["executions"]["duration_seconds"] == {"count": 3, "p50": 2.0, "p95": pytest.approx(2.9)}
    [task] = found["tasks"]
    assert task["duration_seconds"] == {"count": 3, "p50": 20.0, "p95": pytest.approx(29.0)}


async def test_statistics_of_a_deleted_workflow_are_found_by_its_id(rest, house) -> None:
    workflow = (await rest.get("/workflows/good")).json()["id"]
    await rest.delete("/workflows/good")
    assert (await rest.get(f"/workflows/{workflow}/statistics")).json()["executions"]["count"] == 1
    for ref in ("good", "999999"):
        missing = await rest.get(f"/workflows/{ref}/statistics")
        assert (missing.status_code, missing.json()["code"]) == (404, "workflow_not_found")


async def test_a_workflow_without_executions_has_empty_statistics(rest) -> None:
    await define(rest, "new", OK)
    found = (await rest.get("/workflows/new/statistics?days=1")).json()
    assert (found["executions"]["count"], found["tasks_of_executions"], found["tasks"]) == (0, 0, [])
    for query in ("limit=0", "limit=1001", "days=31"):
        assert (await rest.get(f"/workflows/new/statistics?{query}")).status_code == 422
