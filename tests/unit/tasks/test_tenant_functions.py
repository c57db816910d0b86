"""Which functions a tenant can call, and what it is told about the others."""

from collections.abc import Iterator

import pytest

from app.definitions.rules import Rules
from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import Invalid
from app.domain.handlers import TaskError
from app.tasks import PluginError, TaskOptions, TaskTypeRegistry, build_registry, task_function
from app.tasks.functions import TaskFunction, _decorated

OF_SALES = {"default": frozenset({"*"}), "sales": frozenset({"tenants.total"}), "ops": frozenset({"*"})}


@pytest.fixture(autouse=True)
def functions() -> Iterator[None]:
    before = dict(_decorated)
    task_function("tenants.total")(lambda: "tenants.total")
    task_function("tenants.totals")(lambda: "tenants.totals")
    yield
    _decorated.clear()
    _decorated.update(before)


def registry(**functions: frozenset[str]) -> TaskTypeRegistry:
    return build_registry(TaskOptions(functions={**OF_SALES, **functions}))


def calling(function: str) -> TaskDraft:
    return TaskDraft("a", type="python", config={"function": function})


@pytest.mark.parametrize(
    ("tenant", "allowed"),
    [
        ("default", ["tenants.total", "tenants.totals"]),
        ("ops", ["tenants.total", "tenants.totals"]),
        ("sales", ["tenants.total"]),
        ("legal", []),
        ("", []),
    ],
)
async def test_a_tenant_saves_and_runs_what_it_is_allowed(attempt, tenant: str, allowed: list[str]) -> None:
    types = registry()
    for name in ("tenants.total", "tenants.totals"):
        found = types.config_problems(calling(name), tenant=tenant)
        assert (found == []) is (name in allowed)
        running = types.handler("python").run(attempt({"function": name}, tenant=tenant))  # type: ignore[union-attr]
        if name in allowed:
            assert await running == name
        else:
            with pytest.raises(TaskError, match=f"config.function: function '{name}' is not available") as raised:
                await running
            assert (raised.value.code, raised.value.retryable) == ("invalid_config", False)
    await types.close()


def test_a_tenant_is_told_the_same_of_a_function_of_others_as_of_none() -> None:
    for name in ("tenants.total", "no.such"):
        (problem,) = registry().config_problems(calling(name), "tasks[0]", "legal")
        assert problem.message == (
            f"function {name!r} is not available to tenant 'legal'; the operator can add it to python_functions of "
            "[legal] in TENANTS_FILE"
        )


@pytest.mark.parametrize("tenant", ["default", "ops"])
def test_who_can_call_everything_is_told_how_to_register(tenant: str) -> None:
    """The operator cannot give more to such a tenant."""
    (problem,) = registry().config_problems(calling("no.such"), tenant=tenant)
    assert problem.message.startswith("'no.such' is not a registered function; register it with @task_function in ")


def test_near_names_are_those_of_the_tenant() -> None:
    (problem,) = registry().config_problems(calling("tenants.totalx"), tenant="sales")
    assert "did you mean 'tenants.total'? If not, the operator can add it" in problem.message
    (problem,) = registry().config_problems(calling("tenants.totalx"), tenant="default")
    assert problem.message.startswith("'tenants.totalx' is not a registered function; did you mean 'tenants.total' or ")


def test_a_definition_is_judged_for_the_tenant_that_saves_it() -> None:
    rules, draft = Rules(registry(), max_tasks=3), WorkflowDraft("n", tasks=(calling("tenants.totals"),))
    rules.check_new(draft, tenant="default")
    for tenant in ("sales", ""):
        with pytest.raises(Invalid) as raised:
            rules.check_new(draft, tenant=tenant)
        assert [problem.path for problem in raised.value.problems] == ["tasks[0].config.function"]


def test_a_function_that_the_file_names_and_that_is_none_stops_the_start() -> None:
    with pytest.raises(PluginError, match=r"TENANTS_FILE: \[sales\] python_functions: no function 'tenants.totl'; did"):
        registry(sales=frozenset({"tenants.total", "tenants.totl"}))


async def test_an_argument_problem_is_found_as_for_default() -> None:
    draft = TaskDraft("a", type="python", config={"function": "tenants.total", "arguments": {"x": 1}})
    (problem,) = registry().config_problems(draft, tenant="sales")
    assert problem.path == "config.arguments"
    assert isinstance(_decorated["tenants.total"], TaskFunction)
