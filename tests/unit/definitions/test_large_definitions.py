"""Large definitions are checked in pieces: the result is the same, and everything else runs in between."""

import pytest

from app.adapters.cache.in_process import InProcessDefinitionCache
from app.background.turns import Turns
from app.definitions.preparing import Prepared, Unprepared
from app.definitions.rules import Rules
from app.definitions.service import DefinitionService
from app.domain.definitions import ExecutionType, TaskDraft, WorkflowDraft
from app.domain.errors import Invalid, Problem, Unavailable
from app.domain.refs import Ref
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.ports import TOO_COSTLY, UNAVAILABLE, EvaluatorError
from tests.support.cache_house import AnyConfig
from tests.support.histories import at
from tests.support.inline_evaluator import InlineEvaluator
from tests.support.loop_lag import loop_lag
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.tenant import CALLER, TENANT_ID

RULES = Rules(AnyConfig(), max_tasks=1_000)
EACH = " && ".join(["vars.l.all(x, x > {n})"] * 8)
WRONG = "${vars.unknown}"
CONSTANTS = {"items": {"anyOf": [{"const": f"x{n}"} for n in range(3_000)]}}
NO_SCHEMA = CONSTANTS | {"type": "no type"}


def task(name: str, config: dict, **fields) -> TaskDraft:
    return TaskDraft(name, ExecutionType.SYNC, sequence=0, type="log", config=config, **fields)


def large(*more: TaskDraft) -> WorkflowDraft:
    expressions = {f"k{n}": "${" + EACH.format(n=n) + "}" for n in range(25)}
    tasks = [task(f"t{n}", expressions) for n in range(38)]
    return WorkflowDraft(name="w", key="w", tasks=(*tasks, *more), variables={"l": [1]})


class Failing:
    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def answer(self, job, workflow_id: int) -> bytes:
        raise EvaluatorError(self.reason, "the evaluation was stopped")


def service_with(evaluator) -> DefinitionService:
    store = MemoryDefinitionStore(lambda: at(0))
    return DefinitionService(store, InProcessDefinitionCache(60), RULES, Evaluations(evaluator, Turns()))


@pytest.fixture
def service() -> DefinitionService:
    return service_with(InlineEvaluator())


def problems_at_once(draft: WorkflowDraft) -> list[Problem]:
    try:
        RULES.check_new(draft)
    except Invalid as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(
    "more",
    [
        (),
        (task("a", {"x": WRONG}),),
        (task("a", {"x": "${1 +}"}, output_schema=CONSTANTS),),
        (task("a", {}, when="1 +"),),
    ],
)
async def test_the_verdict_is_that_of_a_check_at_once(service: DefinitionService, more) -> None:
    draft = large(*more)
    with loop_lag() as lag:
        verdict = await service.judge(CALLER, draft)
    assert lag.stalls == []
    assert list(verdict.problems) == problems_at_once(draft)
    assert len(verdict.problems) == len(more)


async def test_a_large_definition_is_not_compiled_within_a_change() -> None:
    with pytest.raises(Unprepared):
        RULES.check_new(large(), Prepared(is_complete=False))
    RULES.check_new(WorkflowDraft(name="w", tasks=(task("a", {"x": "${input.a}"}),)), Prepared(is_complete=False))


async def test_a_large_change_is_made_and_its_problems_have_the_paths_of_the_request(
    service: DefinitionService,
) -> None:
    stored = await service.create(CALLER, large())
    with loop_lag() as lag:
        changed = await service.merge(CALLER, Ref(tenant_id=TENANT_ID, key="w"), {"description": "changed"})
        with pytest.raises(Invalid) as refused:
            await service.add_task(CALLER, Ref(tenant_id=TENANT_ID, key="w"), task("a", {"x": WRONG}))
    assert lag.stalls == []
    assert changed.workflow.revision == stored.workflow.revision + 1
    assert [problem.path for problem in refused.value.problems] == ["config.x"]


async def test_a_large_schema_is_compiled_by_an_evaluator() -> None:
    evaluator = InlineEvaluator()
    verdict = await service_with(evaluator).judge(
        CALLER, WorkflowDraft(name="w", input_schema=CONSTANTS, tasks=(task("a", {}, output_schema=NO_SCHEMA),))
    )
    assert evaluator.jobs == 2
    [problem] = verdict.problems
    assert problem.path.startswith("tasks[0].output_schema")
    assert "is no JSON Schema" in problem.message


async def test_a_schema_that_takes_too_long_to_compile_is_refused() -> None:
    draft = WorkflowDraft(name="w", input_schema=CONSTANTS)
    [problem] = (await service_with(Failing(TOO_COSTLY)).judge(CALLER, draft)).problems
    assert problem.path == "input_schema"
    assert problem.message == "takes too long to compile: the evaluation was stopped"


async def test_without_an_evaluator_nothing_is_stored() -> None:
    service = service_with(Failing(UNAVAILABLE))
    with pytest.raises(Unavailable, match="input_schema cannot be checked now"):
        await service.create(CALLER, WorkflowDraft(name="w", key="w", input_schema=CONSTANTS))
    assert (await service.create(CALLER, WorkflowDraft(name="w", key="w"))).workflow.revision == 1
