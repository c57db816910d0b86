"""Engines over REST: what they say about themselves, and what they have done for a tenant."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.config import Settings
from app.domain.engines import FEWEST_ATTEMPTS
from app.domain.version import VERSION
from app.wiring.grpc_process import EngineProcess, open_engine_process
from tests.support.checking import assert_clean
from tests.support.databases import ask
from tests.support.tenant import TEST_TENANT, needs_default

PASSES = {"name": "passes", "execution_type": "sync", "sequence": 1, "type": "log", "config": {"message": "here"}}
FAILS = {
    "name": "fails",
    "execution_type": "sync",
    "sequence": 2,
    "type": "python",
    "config": {"function": "task2"},
}
WAITS = {"name": "waits", "execution_type": "sync", "sequence": 2, "type": "delay", "config": {"seconds": 3600}}
FINAL = ("completed", "failed", "cancelled")


@pytest.fixture
async def engine(settings: Settings, database_url: str) -> AsyncIterator[EngineProcess]:
    async with open_engine_process(
        settings.model_copy(update={"engine_renew_seconds": 0.05, "engine_park_seconds": 7200.0})
    ) as process:
        yield process
    await assert_clean(database_url)


@pytest.fixture(autouse=True)
async def workflows(rest: httpx.AsyncClient) -> None:
    for key, tasks in {"passes": [PASSES], "waits": [PASSES, WAITS]}.items():
        assert (await rest.post("/workflows", json={"name": key, "key": key, "tasks": tasks})).status_code == 201


async def run(rest: httpx.AsyncClient, workflow: str) -> dict[str, Any]:
    answer = await rest.post(f"/workflows/{workflow}/executions?wait=60", json={})
    assert answer.status_code == 200, answer.text
    execution: dict[str, Any] = answer.json()
    return execution


async def engines(rest: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    page = (await rest.get("/engines", params=query)).json()
    assert page["total"] == len(page["items"])
    items: list[dict[str, Any]] = page["items"]
    return items


@needs_default("a tenant does not see where engines run")
async def test_an_engine_says_what_it_is(rest: httpx.AsyncClient, engine: EngineProcess, settings: Settings):
    [shown] = await engines(rest)
    assert (shown["kind"], shown["status"], shown["version"]) == ("engine", "online", VERSION)
    assert {"log", "http", "python", "delay"} <= set(shown["task_types"])
    assert shown["functions"]
    assert shown["pid"] > 0
    assert shown["host"]
    assert (shown["capacity"], shown["running"], shown["ended_at"]) == (settings.engine_max_executions, 0, None)
    assert (await rest.get(f"/engines/{shown['id']}")).json().keys() == shown.keys()
    assert (await rest.get("/engines/4711")).json()["code"] == "engine_not_found"
    assert (await rest.get("/engines", params={"status": "gone"})).status_code == 422


async def test_what_it_holds_comes_with_its_next_renewal(rest: httpx.AsyncClient, engine: EngineProcess, database_url):
    started = (await rest.post("/workflows/waits/executions", json={})).json()
    while not await ask(database_url, "SELECT parked = 1 AND running = 0 FROM engines"):
        await asyncio.sleep(0.02)
    [shown] = await engines(rest)
    assert shown["parked"] == (None if TEST_TENANT else 1)
    tasks = (await rest.get(f"/executions/{started['id']}/tasks")).json()["items"]
    assert shown["work"]["current_task"] == f"{started['id']}/{tasks[1]['task_id']}"
    assert shown["work"]["total_tasks"] == 2
    assert (await rest.post(f"/executions/{started['id']}/cancel", json={})).status_code == 202


async def test_the_success_rate_needs_some_attempts(rest: httpx.AsyncClient, engine: EngineProcess):
    for _ in range(FEWEST_ATTEMPTS - 1):
        assert (await run(rest, "passes"))["status"] == "completed"
    [before] = await engines(rest)
    assert before["work"] == {
        "current_task": None,
        "total_tasks": FEWEST_ATTEMPTS - 1,
        "failed_tasks": 0,
        "attempts_last_hour": FEWEST_ATTEMPTS - 1,
        "success_rate": None,
    }
    tasks = [PASSES, FAILS]
    created = await rest.post("/workflows", json={"name": "fails", "key": "fails", "tasks": tasks})
    assert created.status_code == 201, created.text
    assert (await run(rest, "fails"))["status"] == "failed"
    [after] = await engines(rest)
    assert after["work"] == {
        "current_task": None,
        "total_tasks": FEWEST_ATTEMPTS + 1,
        "failed_tasks": 1,
        "attempts_last_hour": FEWEST_ATTEMPTS + 1,
        "success_rate": round(FEWEST_ATTEMPTS / (FEWEST_ATTEMPTS + 1), 4),
    }


async def test_an_engine_that_has_stopped_is_offline_for_some_days(
    rest: httpx.AsyncClient, settings: Settings, database_url: str
):
    async with open_engine_process(settings):
        await run(rest, "passes")
        [shown] = await engines(rest)
    [stopped] = await engines(rest, status="offline")
    assert (stopped["id"], stopped["status"]) == (shown["id"], "offline")
    assert stopped["ended_at"] >= stopped["renewed_at"]
    assert stopped["work"]["total_tasks"] == 1, "what it has done stays its own"
    assert await engines(rest, status="online") == []
    await ask(database_url, "UPDATE ended_engines SET ended_at = now() - interval '8 days'")
    assert await engines(rest) == []
    async with open_engine_process(settings):
        assert await ask(database_url, "SELECT count(*) FROM ended_engines") == 0


async def test_an_engine_that_stops_is_draining(rest: httpx.AsyncClient, settings: Settings, database_url: str):
    quick = settings.model_copy(update={"engine_renew_seconds": 0.05, "python_modules": "tests.support.gated_by_file"})
    async with open_engine_process(quick) as process:
        process.engine._held.accepting = False
        while not await ask(database_url, "SELECT draining FROM engines"):
            await asyncio.sleep(0.02)
        [shown] = await engines(rest)
        assert shown["status"] == "draining"
        process.engine._held.accepting = True
