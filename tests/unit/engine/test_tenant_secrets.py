"""Two tenants use secrets of the same name on one engine: each its own, and each hides its own."""

from collections.abc import AsyncIterator
from uuid import UUID

import orjson
import pytest

from app.domain.callers import ANONYMOUS, Caller
from app.domain.definitions import Task, Workflow, WorkflowDraft
from app.domain.handlers import Attempt, TaskError
from app.engine.dry_run import DryRunner
from app.engine.planning.plans import Plans
from app.engine.starting import StartRequest
from tests.support.acts import act_of
from tests.support.inline_evaluator import inline_evaluations
from tests.support.memory.executions import MemoryDefinitionReader, tenant_key
from tests.support.memory_house import OUTPUT_LIMIT, House, Process
from tests.support.requests import ref_of
from tests.support.stories import sync
from tests.support.tenant import needs_default
from tests.support.vault import Vault

pytestmark = needs_default("makes its own tenants and keys")

OTHER = Caller(2, tenant_key(2), "someone", ANONYMOUS.scopes)
CALLERS = (ANONYMOUS, OTHER)
TOKENS = {"default": "token-of-default", OTHER.tenant: "token-of-other"}
BOTH = " ".join(TOKENS.values())


class Leaks:
    """Says what both tenants must not read, whatever it is given."""

    def run_now(self, attempt: Attempt) -> object:
        if attempt.task_name == "fails":
            raise TaskError(BOTH, f"refused: {BOTH}", retryable=False)
        return {"said": attempt.config.get("say"), "tenant": attempt.tenant, "masked": attempt.masked(BOTH)}


class Reports:
    async def run(self, attempt: Attempt) -> object:
        attempt.report(10, BOTH)
        return None


@pytest.fixture
def house() -> House:
    vault = Vault(TOKEN=TOKENS["default"]).of(OTHER.tenant, TOKEN=TOKENS[OTHER.tenant])
    return House(handlers={"leaks": Leaks(), "reports": Reports()}, secrets=vault)


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


async def define(house: House, caller: Caller, *tasks: Task, **fields: object) -> Workflow:
    draft = WorkflowDraft(name="w", tasks=tuple(tasks), **{"secrets": ("TOKEN",), **fields})
    return (await house.database.definitions.create(act_of(caller.tenant_id), draft)).workflow


async def history(house: House, process: Process, caller: Caller, *tasks: Task, **fields: object) -> str:
    """Everything that is stored of an execution that has ended."""
    workflow = await define(house, caller, *tasks, **fields)
    request = StartRequest(ref_of(workflow, caller.tenant_id))
    execution_id: UUID = (await process.executions.start(caller, request)).execution.id
    _ = [batch async for batch in await process.executions.watch(caller, execution_id, 0)]
    return " ".join(event.data or "" for event in house.history(execution_id))


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.tenant)
async def test_a_task_gets_the_secret_of_its_tenant(house: House, process: Process, caller: Caller) -> None:
    size = "${size(secrets.TOKEN)}"
    stored = await history(house, process, caller, sync("a", type="leaks", config={"say": size}))
    assert f'"said":{len(TOKENS[caller.tenant])}' in stored
    assert f'"tenant":"{caller.tenant}"' in stored


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.tenant)
async def test_what_a_tenant_reads_hides_its_secrets_and_no_others(
    house: House, process: Process, caller: Caller
) -> None:
    """Stars for the secret of another tenant would tell that it has this value: guesses could be tried."""
    said = sync("a", type="leaks", config={"say": f"{BOTH} ${{secrets.TOKEN}}"})
    tasks = (said, sync("r", type="reports"), sync("fails", type="leaks"))
    stored = await history(house, process, caller, *tasks)
    other = next(token for tenant, token in TOKENS.items() if tenant != caller.tenant)
    assert TOKENS[caller.tenant] not in stored
    assert stored.count(other) == 7, "two outputs, the report, code and message of the task and of the execution"
    assert stored.count("***") >= 6


async def test_a_secret_of_one_tenant_alone_is_not_set_in_the_other(house: House, process: Process) -> None:
    house.secrets.of(OTHER.tenant, ONLY="only-in-other")  # type: ignore[attr-defined]
    task = sync("a", type="leaks", config={"say": "${size(secrets.ONLY)}"})
    assert '"said":13' in await history(house, process, OTHER, task, secrets=("ONLY",))
    refused = await history(house, process, ANONYMOUS, task, secrets=("ONLY",))
    assert "secrets.ONLY}: this secret is not set where the task runs" in refused


async def test_a_child_has_the_secrets_of_its_tenant(house: House, process: Process) -> None:
    for caller in CALLERS:
        child = sync("own", type="leaks", config={"say": "${size(secrets.TOKEN)}"})
        await define(house, caller, child, key="child")
        calling = sync("call", type="workflow", config={"workflow": "child"})
        stored = await history(house, process, caller, calling, secrets=())
        assert f'"tenant":"{caller.tenant}"' in stored
        assert f'"said":{len(TOKENS[caller.tenant])}' in stored


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.tenant)
async def test_a_dry_run_shows_stars_in_every_tenant(house: House, caller: Caller) -> None:
    evaluations = inline_evaluations()
    plans = Plans(MemoryDefinitionReader(house.database), evaluations.turns)
    workflow = await define(house, caller, sync("a", type="leaks", config={"say": "${secrets.TOKEN}"}))
    run = await DryRunner(plans, house, evaluations, house.clock, OUTPUT_LIMIT).run(
        caller, ref_of(workflow, caller.tenant_id), {}, {}
    )
    assert [step.config for step in run.steps] == [{"say": "***"}]
    assert orjson.loads(run.output or "{}") == {}
