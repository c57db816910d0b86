"""`workflow show` against a real service with an engine: an execution, its parent, its tasks and its children."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from app.config import Settings
from app.wiring.grpc_process import open_engine_process
from tests.support.clients import rest_client
from tests.support.tenant import CALLER
from tests.support.walls import urls_for

CHILD = {"name": "n", "key": "child", "tasks": [{"name": "leaf", "execution_type": "sync"}]}
CALL = {"name": "call it", "execution_type": "sync", "type": "workflow", "config": {"workflow": "child"}}
FAILS = {"name": "fails", "execution_type": "sync", "sequence": 1, "type": "workflow", "config": {"workflow": "none"}}


@pytest.fixture
async def family(url: str, database_url: str) -> AsyncIterator[tuple[str, str]]:
    """The ids of a parent that has failed, and of its child."""
    settings = Settings(_env_file=None, **urls_for(database_url))
    async with (
        open_engine_process(settings),
        rest_client(base_url=f"{url}/api/v1", timeout=60) as rest,
    ):
        await rest.post("/workflows", json=CHILD)
        await rest.post("/workflows", json={"name": "n", "key": "parent", "tasks": [CALL, FAILS]})
        parent = (await rest.post("/workflows/parent/executions?wait=60", json={})).json()
        [child] = (await rest.get(f"/executions?parent={parent['id']}")).json()["items"]
        yield parent["id"], child["id"]


async def test_a_parent_is_shown_with_its_children(command, family: tuple[str, str]):
    parent, child = family
    result = await command("show", parent)
    assert (result.exit_code, result.stderr) == (0, "")
    facts, tasks, children = (part.splitlines() for part in result.stdout.split("\n\n"))
    by = [] if CALLER.recorded is None else ["by"]
    assert [line.split()[0] for line in facts] == [
        "execution", "workflow", "status", "created", "started", "finished", *by, "took", "error",
    ]  # fmt: skip
    assert facts[:3] == [f"execution  {parent}", "workflow   parent, revision 1", "status     failed"]
    assert facts[-1].startswith("error      child_not_started: task 'fails' failed: workflow 'none' does not exist")
    assert [line.split()[0] for line in tasks] == ["TASK", "call", "fails"]
    assert tasks[1].split()[2:4] == ["completed", "1"]
    assert "workflow 'none' does not exist" in tasks[2]
    assert [line.split()[:6] for line in children] == [
        ["CHILD", "OF", "TASK", "WORKFLOW", "STATUS", "CREATED"],
        [child[-8:], "call", "it", "child", "completed", children[1].split()[5]],
    ]


async def test_a_child_is_shown_with_its_parent_by_its_short_id(command, family: tuple[str, str]):
    parent, child = family
    result = await command("show", child[-8:])
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"parent     {parent}, task 'call it'" in result.stdout.splitlines()
    assert "CHILD" not in result.stdout


async def test_both_are_printed_as_json(command, family: tuple[str, str]):
    parent, child = family
    shown = json.loads((await command("show", parent, "--json")).stdout)
    assert (shown["id"], shown["parent"], [task["name"] for task in shown["tasks"]]) == (
        parent, None, ["call it", "fails"],
    )  # fmt: skip
    assert [one["id"] for one in shown["children"]] == [child] == [shown["tasks"][0]["child_execution_id"]]
    shown = json.loads((await command("show", child, "--json")).stdout)
    assert (shown["parent"]["execution_id"], shown["children"]) == (parent, [])


async def test_a_task_that_waits_says_for_what_and_how_to_continue(command, url: str, database_url: str):
    asks = {"name": "ask", "execution_type": "sync", "type": "signal", "config": {"name": "go on"}}
    async with (
        open_engine_process(Settings(_env_file=None, **urls_for(database_url))),
        rest_client(base_url=f"{url}/api/v1", timeout=60) as rest,
    ):
        await rest.post("/workflows", json={"name": "n", "key": "asks", "tasks": [asks]})
        waiting = (await rest.post("/workflows/asks/executions", json={})).json()["id"]
        while (await rest.get(f"/executions/{waiting}/tasks")).json()["items"][0]["waits_for"] is None:
            await asyncio.sleep(0.02)
        _, tasks, line = (await command("show", waiting)).stdout.rstrip().split("\n\n")
        assert tasks.endswith("waits for signal 'go on'")
        assert line == f"send signal 'go on' with: workflow signal {waiting} 'go on' --payload '{{}}'"


async def test_an_execution_that_does_not_exist_is_a_sentence(command):
    result = await command("show", "0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: execution '0197a3c4")
