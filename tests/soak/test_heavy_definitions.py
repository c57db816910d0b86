"""Definitions as heavy as a generator can make them keep no event loop busy, neither checked nor run."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.adapters.cache.in_process import InProcessDefinitionCache
from app.adapters.evaluators.pool import EvaluatorPool
from app.adapters.evaluators.process import ProcessLimits
from app.background.turns import Turns
from app.definitions.rules import Rules
from app.definitions.service import DefinitionService
from app.domain.definitions import ExecutionType, OnFailure, TaskDraft, WorkflowDraft
from app.domain.errors import Invalid
from app.engine.evaluating.evaluations import Evaluations
from app.tasks import TaskOptions, build_registry
from tests.support.loop_lag import loop_lag
from tests.support.memory_house import House
from tests.support.requests import start_of
from tests.support.tenant import CALLER

STALL = 0.25
MAX_BODY_BYTES = 1_000_000
SIZES = st.sampled_from((1, 10, 100, 1_000, 10_000, 50_000))
LISTS = st.sampled_from(("vars.l", "input.l", "[1, 2, 3]"))
TEXTS = st.sampled_from(("vars.t", "input.t", "'abc'"))
PATTERNS = st.sampled_from(("[ab]*a[ab]{900}c", "(a|b|ab)*c", r"\\pL{60}", "a+a+a+b", "(x+x+)+y"))


def _loops(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def loop(kind: str, over: str, body: str, name: str) -> str:
        return f"{over}.{kind}({name}, {body} == {name})" if kind != "map" else f"size({over}.map({name}, {body}))"

    made = st.builds(loop, st.sampled_from(("all", "exists", "filter", "map")), LISTS, inner, st.sampled_from("xyz"))
    signs = st.sampled_from((" + ", " == ", " && ", ", "))
    parts = st.lists(inner, min_size=2, max_size=8)
    joined = st.builds(lambda sign, parts: f"[{sign.join(f'({part})' for part in parts)}]", signs, parts)
    texts = st.builds("{}.{}({})".format, TEXTS, st.sampled_from(("contains", "startsWith", "matches", "split")), TEXTS)
    return st.one_of(made, joined, texts)


EXPRESSIONS = st.recursive(
    st.one_of(
        LISTS,
        TEXTS,
        st.just("size(vars.l)"),
        st.builds("{}.matches('{}')".format, TEXTS, PATTERNS),
        st.builds("{0} + {0} + {0} + {0}".format, TEXTS),
    ),
    _loops,
    max_leaves=12,
).filter(lambda text: len(text) < 2_000)


def _schema(kind: str, count: int, pattern: str) -> dict[str, Any]:
    match kind:
        case "constants":
            return {"items": {"anyOf": [{"const": n} for n in range(count)]}}
        case "patterns":
            return {"items": {"allOf": [{"pattern": f"{pattern}{n}"} for n in range(min(count, 100))]}}
        case "enum":
            return {"items": {"enum": [[n] for n in range(count)]}}
        case "unique":
            return {"uniqueItems": True, "items": {"type": "integer"}}
        case _:
            nested: dict[str, Any] = {"type": "integer"}
            for _ in range(min(count, 40)):
                nested = {"anyOf": [nested, {"items": {"type": "string"}}]}
            return {"items": nested}


SCHEMAS = st.builds(
    _schema,
    st.sampled_from(("constants", "patterns", "enum", "unique", "nested")),
    st.sampled_from((10, 300, 3_000)),
    PATTERNS,
)
CONFIGS = st.builds(
    lambda expression, count, filler: {
        **{f"k{n}": f"${{{expression}}}" for n in range(count)},
        "filler": [[0]] * filler,
    },
    EXPRESSIONS,
    st.sampled_from((1, 5, 40, 200)),
    st.sampled_from((0, 10, 20_000)),
)


@st.composite
def drafts(draw: st.DrawFn) -> WorkflowDraft:
    tasks = []
    for number in range(draw(st.sampled_from((1, 3, 30)))):
        if number < 3:
            config, each = draw(CONFIGS), draw(st.one_of(st.none(), LISTS))
            fields = {
                "when": draw(st.one_of(st.none(), EXPRESSIONS)),
                "output_schema": draw(st.one_of(st.none(), SCHEMAS)),
            }
        task = TaskDraft(f"t{number}", ExecutionType.ASYNC, sequence=0, type="transform", config={"value": config},
                         for_each=each, on_failure=OnFailure.CONTINUE, **fields)  # fmt: skip
        tasks.append(task)
    variables = {"l": list(range(draw(SIZES))), "t": "ab" * draw(SIZES)}
    assume(len(orjson.dumps([task.config for task in tasks])) < MAX_BODY_BYTES)
    return WorkflowDraft(
        name="heavy", tasks=tuple(tasks), variables=variables, input_schema=draw(st.one_of(st.none(), SCHEMAS))
    )


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(draft=drafts(), size=st.sampled_from((0, 100, 10_000)))
def test_no_definition_keeps_a_loop_busy(draft: WorkflowDraft, size: int) -> None:
    with loop_lag(STALL) as lag:
        asyncio.run(_checked_and_run(draft, {"l": list(range(size)), "t": "ab" * size}))
    assert lag.stalls == []
    assert lag.callbacks > 0


async def _checked_and_run(draft: WorkflowDraft, input: Mapping[str, Any]) -> None:
    pool = EvaluatorPool(2, 1_000, ProcessLimits(0.25, 512 << 20))
    registry = build_registry(TaskOptions())
    try:
        house = House(evaluator=pool, handlers={"transform": registry.handler("transform")})
        rules = Rules(registry, max_tasks=1_000)
        store = house.database.definitions
        service = DefinitionService(store, InProcessDefinitionCache(60), rules, Evaluations(pool, Turns()))
        try:
            workflow = (await service.create(CALLER, draft)).workflow
        except Invalid:
            return
        async with house.process() as process:
            try:
                started = await process.executions.start(CALLER, start_of(workflow, input=input))
            except Invalid:
                return
            # What a heavy execution takes in all is not bounded here; what the loop is kept from is.
            async with asyncio.timeout(5):
                await process.until(started.execution.id)
    except TimeoutError:
        pass
    finally:
        await pool.close()
        await registry.close()
