"""What the live view knows before anything has begun, from the REST service itself."""

import asyncio

from app.cli.plans import Plan, read_plan
from tests.support.clients import rest_client

TASKS = [
    {"name": "book", "execution_type": "sync", "sequence": 2, "compensate": ["cancel"]},
    {"name": "check", "execution_type": "sync", "sequence": 1},
    {"name": "cancel", "execution_type": "sync"},
    {"name": "tell", "execution_type": "async", "sequence": 3},
]


async def started(url: str, **fields: object) -> tuple[str, dict]:
    """The id of a pending execution, and its workflow."""
    async with rest_client(base_url=f"{url}/api/v1") as client:
        workflow = (await client.post("/workflows", json={"name": "Trip", "tasks": TASKS, **fields})).json()
        execution = (await client.post(f"/workflows/{workflow['id']}/executions", json={})).json()
        await client.patch(f"/workflows/{workflow['id']}", json={"name": "Another", "description": "later"})
    return execution["id"], workflow


async def test_the_plan_is_that_of_the_execution_s_revision(url: str):
    execution, workflow = await started(url, key="trip")
    ids = {task["name"]: str(task["id"]) for task in workflow["tasks"]}
    plan = await asyncio.to_thread(read_plan, url, execution)
    assert plan == Plan("trip", [(ids[name], name) for name in ("check", "book", "tell")])


async def test_a_workflow_without_a_key_has_its_name(url: str):
    execution, _ = await started(url)
    plan = await asyncio.to_thread(read_plan, url, execution)
    assert plan is not None
    assert plan.workflow == "Trip"


async def test_no_plan_from_a_service_that_does_not_know_the_execution(url: str):
    assert await asyncio.to_thread(read_plan, url, "01a221dd-8de4-70c9-938c-70d3ff46b75e") is None
    assert await asyncio.to_thread(read_plan, "http://127.0.0.1:1", "x") is None
