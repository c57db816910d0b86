"""Executions of two tenants on one engine."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import orjson
import pytest

from app.domain.callers import ANONYMOUS, Caller
from app.domain.definitions import Task, Workflow, WorkflowDraft
from app.domain.errors import NotFound
from app.domain.payloads import Payload
from app.engine.starting import StartRequest
from tests.support.acts import act_of
from tests.support.memory_house import House, Process, short
from tests.support.requests import ref_of
from tests.support.stories import sync
from tests.support.tenant import needs_default
from tests.support.vault import Vault

pytestmark = needs_default("makes its own tenants and keys")

OTHER = replace(ANONYMOUS, tenant_id=2, tenant="other")
CALLERS = (ANONYMOUS, OTHER)


@pytest.fixture
def house() -> House:
    return House(secrets=Vault(TOKEN="s3cr3t-token"))


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


async def define(house: House, caller: Caller, *tasks: Task, **fields: object) -> Workflow:
    draft = WorkflowDraft(name="w", tasks=tuple(tasks), **fields)
    return (await house.database.definitions.create(act_of(caller.tenant_id), draft)).workflow


async def start(process: Process, caller: Caller, workflow: Workflow | str) -> UUID:
    request = StartRequest(ref_of(workflow, caller.tenant_id))
    return (await process.executions.start(caller, request)).execution.id


async def until(process: Process, caller: Caller, execution_id: UUID) -> list[str]:
    batches = await process.executions.watch(caller, execution_id, 0)
    return [short(update.event, update.task_name) async for batch in batches for update in batch]


async def test_a_key_starts_the_workflow_of_the_callers_tenant(house: House, process: Process) -> None:
    """Also the second time, when the revision is known."""
    own = [await define(house, caller, sync("a"), key="k") for caller in CALLERS]
    for caller, workflow in [*zip(CALLERS, own, strict=True)] * 2:
        execution = await process.executions.get(caller, await start(process, caller, "k"))
        assert (execution.workflow_id, execution.tenant_id) == (workflow.id, caller.tenant_id)
    with pytest.raises(NotFound):
        await start(process, OTHER, own[0])


async def test_what_runs_here_is_not_shown_to_another_tenant(house: House, process: Process) -> None:
    execution_id = await start(process, ANONYMOUS, await define(house, ANONYMOUS, sync("a", type="staged")))
    attempt = await house.stage.entered("a")
    assert process.engine.held(execution_id) is not None
    executions, controls = process.executions, process.controls
    for asked in (
        executions.get(OTHER, execution_id),
        executions.watch(OTHER, execution_id, 0),
        executions.updates(OTHER, execution_id, 0, 10),
        executions.tasks(OTHER, execution_id),
        executions.wait(OTHER, execution_id, 1),
        controls.cancel(OTHER, execution_id, ""),
        controls.pause(OTHER, execution_id, ""),
        controls.resume(OTHER, execution_id, ""),
        controls.signal(OTHER, execution_id, "go", Payload("null")),
        controls.skip(OTHER, execution_id, "a", ""),
        controls.retry(OTHER, execution_id),
        controls.rerun(OTHER, execution_id, "a"),
    ):
        with pytest.raises(NotFound):
            await asked
    attempt.succeed()
    assert (await until(process, ANONYMOUS, execution_id))[-1] == "completed"


async def test_a_child_is_looked_up_in_the_tenant_of_its_parent(house: House, process: Process) -> None:
    calling = sync("call", type="workflow", config={"workflow": "child"})
    for caller in CALLERS:
        await define(house, caller, sync("own", config={"output": caller.tenant}), key="child")
        parent_id = await start(process, caller, await define(house, caller, calling))
        assert (await until(process, caller, parent_id))[-1] == "completed"
        output = (await process.executions.get(caller, parent_id)).output
        assert orjson.loads(output or "") == {"call": {"own": caller.tenant}}


async def test_a_child_of_another_tenant_is_not_found(house: House, process: Process) -> None:
    theirs = await define(house, ANONYMOUS, sync("a"))
    calling = sync("call", type="workflow", config={"workflow": str(theirs.id)})
    parent_id = await start(process, OTHER, await define(house, OTHER, calling))
    assert (await until(process, OTHER, parent_id))[-1] == "failed"
    failure = (await process.executions.get(OTHER, parent_id)).failure
    assert failure is not None
    assert failure.message == f"task 'call' failed: workflow '{theirs.id}' does not exist"


async def test_secrets_are_those_of_the_default_tenant(house: House, process: Process) -> None:
    task = sync("a", config={"output": "${size(secrets.TOKEN)}"})
    for caller, end in zip(CALLERS, ("completed", "failed"), strict=True):
        execution_id = await start(process, caller, await define(house, caller, task, secrets=("TOKEN",)))
        assert (await until(process, caller, execution_id))[-1] == end
    failure = (await process.executions.get(OTHER, execution_id)).failure
    assert failure is not None
    assert "secrets.TOKEN}: this secret is not set" in failure.message
