"""Flows over REST, run by a real engine beside it, as in two processes."""

import asyncio
from copy import deepcopy

import pytest

from app.wiring.grpc_process import open_engine_process
from tests.support.checking import assert_clean
from tests.support.rest_service import serving

FUNCTIONS = "tests.support.flow_functions,examples.sample_flow.functions"

SAMPLE = {
    "flow": {
        "id": "flow123",
        "name": "Data processing flow",
        "start_task": "task1",
        "tasks": [
            {"name": "task1", "description": "Fetch data"},
            {"name": "task2", "description": "Process data"},
            {"name": "task3", "description": "Store data"},
        ],
        "conditions": [
            {
                "name": "condition_task1_result",
                "description": "Evaluate the result of task1. If successful, proceed to task2; "
                "otherwise, end the flow.",
                "source_task": "task1",
                "outcome": "success",
                "target_task_success": "task2",
                "target_task_failure": "end",
            },
            {
                "name": "condition_task2_result",
                "description": "Evaluate the result of task2. If successful, proceed to task3; "
                "otherwise, end the flow.",
                "source_task": "task2",
                "outcome": "success",
                "target_task_success": "task3",
                "target_task_failure": "end",
            },
        ],
    }
}


@pytest.fixture
async def rest(settings):
    with_functions = settings.model_copy(update={"python_modules": FUNCTIONS})
    async with serving(with_functions) as client:
        yield client


@pytest.fixture
async def engine(settings, database_url):
    with_functions = settings.model_copy(update={"python_modules": FUNCTIONS})
    async with open_engine_process(with_functions) as process:
        yield process
    await assert_clean(database_url)


def flow(*names: str, conditions: tuple[str, ...] = (), **fields) -> dict:
    """Each condition is `source outcome target-of-a-match target-of-anything-else`."""
    keys = ("source_task", "outcome", "target_task_success", "target_task_failure")
    rows = [dict(zip(keys, text.split(), strict=True)) | {"name": f"c{n}"} for n, text in enumerate(conditions)]
    tasks = [{"name": name} for name in names]
    return {"flow": {"id": "f", "name": "F", "start_task": names[0], "tasks": tasks, "conditions": rows, **fields}}


def changed(**fields) -> dict:
    body = deepcopy(SAMPLE)
    body["flow"] |= fields
    return body


async def test_the_three_steps_run_one_after_another(rest, engine):
    answer = await rest.post("/flow/run", json=SAMPLE)
    assert answer.status_code == 200, answer.text
    run = answer.json()
    assert run == {
        "flow_run_id": run["flow_run_id"],
        "flow_id": "flow123",
        "status": "completed",
        "executed_tasks": ["task1", "task2", "task3"],
        "final_output": {"stored": True},
        "error": None,
    }
    assert answer.headers["location"] == f"/api/v1/flow-runs/{run['flow_run_id']}"
    assert (await rest.get(answer.headers["location"])).json() == run
    execution = (await rest.get(f"/executions/{run['flow_run_id']}")).json()
    assert (execution["status"], execution["output"]) == ("completed", {"stored": True})


async def test_each_task_works_on_what_the_one_before_has_handed_on(rest, engine):
    run = (await rest.post("/api/v1/flow/run", json=SAMPLE | {"input": {"data": [7, 8, 9]}})).json()
    tasks = (await rest.get(f"/executions/{run['flow_run_id']}/tasks")).json()["items"]
    assert [(task["name"], task["output"]) for task in tasks] == [
        ("task1", {"data": [7, 8, 9]}),
        ("task2", {"processed": [9, 8, 7], "count": 3}),
        ("task3", {"stored": True}),
    ]


async def test_a_failed_step_ends_the_flow(rest, engine):
    run = (await rest.post("/flow/run", json=SAMPLE | {"input": {"data": "no list"}})).json()
    assert (run["status"], run["executed_tasks"], run["final_output"]) == ("failed", ["task1"], None)
    assert run["error"] == {"code": "no_data", "message": "task 'task1' failed: the input's `data` is no list"}


async def test_a_loop_names_a_task_as_often_as_it_ran(rest, engine):
    body = flow(
        "flow_flaky", "flow_mend", conditions=("flow_flaky failure flow_mend end", "flow_mend any flow_flaky end")
    )
    run = (await rest.post("/flow/run", json=body)).json()
    assert run["executed_tasks"] == ["flow_flaky", "flow_mend", "flow_flaky", "flow_mend", "flow_flaky"]
    assert (run["status"], run["final_output"]) == ("completed", {"visit": 3})


async def test_a_loop_without_an_end_fails_and_says_so(rest, engine):
    run = (await rest.post("/flow/run", json=flow("task1", conditions=("task1 any task1 end",), max_visits=4))).json()
    assert (run["status"], run["executed_tasks"]) == ("failed", ["task1"] * 4)
    message = "task 'task1' has run 4 times, which is the limit (max_visits)"
    assert run["error"] == {"code": "too_many_visits", "message": message}
    assert run["final_output"] == {"data": [3, 1, 2]}


async def test_a_flow_is_stored_once_and_anew_where_it_changes(rest, engine):
    for _ in range(2):
        await rest.post("/flow/run", json=SAMPLE)
    stored = (await rest.get("/workflows/flow123")).json()
    assert (stored["revision"], stored["start_task"], len(stored["conditions"])) == (1, "task1", 2)
    ids = [task["id"] for task in stored["tasks"]]
    assert [(task["type"], task["config"]) for task in stored["tasks"]] == [
        ("python", {"function": f"task{n}"}) for n in (1, 2, 3)
    ]
    run = (
        await rest.post(
            "/flow/run", json=changed(conditions=SAMPLE["flow"]["conditions"][:1], tasks=SAMPLE["flow"]["tasks"][:2])
        )
    ).json()
    assert run["executed_tasks"] == ["task1", "task2"]
    again = (await rest.get("/workflows/flow123")).json()
    assert (again["revision"], [task["id"] for task in again["tasks"]]) == (2, ids[:2])


async def test_what_a_flow_does_not_say_stays(rest, engine):
    await rest.post("/flow/run", json=SAMPLE)
    await rest.patch("/workflows/flow123", json={"retention_days": 3})
    await rest.post("/flow/run", json=SAMPLE)
    stored = (await rest.get("/workflows/flow123")).json()
    assert (stored["retention_days"], stored["revision"]) == (3, 2)


async def test_many_runs_at_once_share_one_definition(rest, engine):
    answers = await asyncio.gather(*(rest.post("/flow/run", json=SAMPLE) for _ in range(5)))
    assert [answer.json()["status"] for answer in answers] == ["completed"] * 5
    assert len({answer.json()["flow_run_id"] for answer in answers}) == 5
    assert (await rest.get("/workflows/flow123")).json()["revision"] == 1


async def test_a_run_that_takes_longer_is_accepted(rest):
    answer = await rest.post("/flow/run?wait=0.1", json=SAMPLE)
    assert answer.status_code == 202
    run = answer.json()
    assert (run["status"], run["executed_tasks"], run["final_output"]) == ("pending", [], None)


async def test_a_key_runs_it_once(rest, engine):
    runs = [(await rest.post("/flow/run", json=SAMPLE | {"idempotency_key": "k"})).json() for _ in range(2)]
    assert runs[0] == runs[1]


async def test_flows_are_listed_and_read(rest):
    await rest.post("/workflows", json={"name": "no flow", "key": "other"})
    body = {"name": "no key", "start_task": "a", "tasks": [{"name": "a", "execution_type": "sync"}]}
    unnamed = (await rest.post("/workflows", json=body)).json()
    await rest.post("/flow/run?wait=0", json=SAMPLE)
    page = (await rest.get("/flows")).json()
    assert ([item["id"] for item in page["items"]], page["total"]) == ([str(unnamed["id"]), "flow123"], 2)
    shown = (await rest.get("/flows/flow123")).json()
    assert shown == page["items"][1]
    sample = SAMPLE["flow"]
    assert {name: shown[name] for name in sample} == sample
    assert (shown["revision"], shown["max_visits"], shown["description"]) == (1, None, None)
    assert (await rest.get(f"/flows/{unnamed['id']}")).json()["conditions"] == []


@pytest.mark.parametrize("path", ["/flows/other", "/flows/ghost", "/flows/Not%20a%20key"])
async def test_what_is_no_flow_is_not_found(rest, path):
    await rest.post("/workflows", json={"name": "no flow", "key": "other"})
    answer = await rest.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "flow_not_found")


async def test_an_execution_of_no_flow_is_no_run(rest):
    await rest.post("/workflows", json={"name": "no flow", "key": "other"})
    execution = (await rest.post("/workflows/other/executions")).json()
    answer = await rest.get(f"/flow-runs/{execution['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "flow_run_not_found")
    assert (await rest.get("/flow-runs/0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71")).status_code == 404


async def test_ids_of_flows_and_runs_are_taken_as_they_are_written(rest, engine):
    run = (await rest.post("/flow/run", json=changed(id="Flow-123"))).json()
    assert (run["flow_id"], run["status"]) == ("Flow-123", "completed")
    assert (await rest.get("/flows/Flow-123")).json()["id"] == "Flow-123"
    assert (await rest.get("/workflows/Flow-123")).json()["key"] == "Flow-123"
    assert (await rest.get("/flows/flow-123")).status_code == 404
    for written in (run["flow_run_id"], run["flow_run_id"].upper()):
        assert (await rest.get(f"/flow-runs/{written}")).json() == run
        assert (await rest.get(f"/executions/{written}")).json()["id"] == run["flow_run_id"]
        assert (await rest.get(f"/executions/{written}/events")).json()["ended"] is True

    again = (await rest.post("/flow/run", json=changed(id="Flow-123"))).json()
    other = (await rest.post("/flow/run", json=changed(id="flow-123"))).json()
    assert (again["flow_id"], other["flow_id"]) == ("Flow-123", "flow-123")
    assert [flow["revision"] for flow in (await rest.get("/flows")).json()["items"]] == [1, 1]


async def test_the_key_of_another_workflow_is_not_taken_over(rest):
    await rest.post("/workflows", json={"name": "no flow", "key": "flow123"})
    answer = await rest.post("/flow/run", json=SAMPLE)
    message = "'flow123' is the key of a workflow that has no `start_task`; choose another id"
    assert (answer.status_code, answer.json()["errors"]) == (409, [{"field": "flow.id", "message": message}])
    assert (await rest.get("/workflows/flow123")).json()["revision"] == 1


KEY_RULE = "must be 1 to 100 of a-z A-Z 0-9 . _ - and start and end with a letter or digit"


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (changed(id="Flow 1"), {"flow.id": KEY_RULE}),
        (changed(id="123"), {"flow.id": "must not be all digits: it would read as an id"}),
        (changed(name=" "), {"flow.name": "must not be blank"}),
        (changed(start_task="ghost"), {"flow.start_task": "no task of this workflow is named 'ghost'"}),
        (
            flow("task1", "taskk2", conditions=("task1 success taskk2 end",)),
            {
                "flow.tasks[1].name": "'taskk2' is not a registered function; did you mean 'task2', 'task3' or "
                "'task1'? If not, register it with @task_function in a module that PYTHON_MODULES names, for both "
                "processes"
            },
        ),
        (
            flow("task1", "flow_with_arguments", conditions=("task1 success flow_with_arguments end",)),
            {"flow.tasks[1].name": "does not fit the function: missing a required argument: 'needed'"},
        ),
        (
            flow("task1", "task2", conditions=("task1 success task2 end", "task2 any task9 end")),
            {"flow.conditions[1].target_task_success": "no task of this workflow is named 'task9'; 'end' ends it"},
        ),
        (
            flow("task1", "task2", conditions=("task1 success task2 end", "task1 any end end")),
            {"flow.conditions[1].source_task": "'task1' is already the source of conditions[0]"},
        ),
        (
            flow("task1", "task2"),
            {"flow.tasks[1].name": "'task2' is never reached: nothing leads to it from 'task1'"},
        ),
        (flow("task1", max_visits=0), {"flow.max_visits": "must be from 1 to 10000"}),
        (
            flow("task1", conditions=("task1 sometimes end end",)),
            {"flow.conditions[0].outcome": "must be 'success', 'failure' or 'any'"},
        ),
        ({}, {"flow": "is required"}),
    ],
)
async def test_wrong_definitions(rest, body, problems):
    for _ in range(2):
        answer = await rest.post("/flow/run", json=body)
        assert answer.status_code == 422, answer.text
        assert {each["field"]: each["message"] for each in answer.json()["errors"]} == problems
    assert (await rest.get("/flows")).json()["total"] == 0


async def test_a_wrong_change_of_a_flow_is_told_in_the_same_words(rest):
    await rest.post("/flow/run?wait=0", json=SAMPLE)
    answer = await rest.post("/flow/run", json=changed(start_task="ghost"))
    assert [each["field"] for each in answer.json()["errors"]] == ["flow.start_task"]
    assert (await rest.get("/workflows/flow123")).json()["revision"] == 1


async def test_a_workflow_takes_conditions_and_loses_them_again(rest):
    tasks = [{"name": name, "execution_type": "sync"} for name in "ab"]
    condition = {"name": "c", "source_task": "a", "outcome": "success", "target_task_success": "b"}
    body = {"name": "n", "key": "k", "tasks": tasks, "start_task": "a", "conditions": [condition], "max_visits": 5}
    stored = (await rest.post("/workflows", json=body)).json()
    whole = condition | {"target_task_failure": "end", "description": None}
    assert (stored["start_task"], stored["conditions"], stored["max_visits"]) == ("a", [whole], 5)
    assert (await rest.get("/workflows/k")).json() == stored
    same = await rest.patch("/workflows/k", json={"conditions": [condition]})
    assert same.json()["revision"] == 1
    renamed = await rest.patch(f"/tasks/{stored['tasks'][1]['id']}", json={"name": "z"})
    assert renamed.json()["errors"] == [
        {
            "field": "conditions[0].target_task_success",
            "message": "no task of this workflow is named 'b'; 'end' ends it",
        }
    ]
    plain = await rest.patch("/workflows/k", json={"start_task": None, "conditions": None, "max_visits": None})
    assert (plain.json()["start_task"], plain.json()["conditions"], plain.json()["revision"]) == (None, [], 2)
    changes = (await rest.get("/workflows/k/revisions/2/changes")).json()
    assert changes["workflow"] == {"start_task": ["a", None], "conditions": [[whole], []], "max_visits": [5, None]}


async def test_a_flow_cannot_be_retried(rest, engine):
    run = (await rest.post("/flow/run", json=SAMPLE | {"input": {"data": 1}})).json()
    answer = await rest.post(f"/executions/{run['flow_run_id']}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert "follows conditions and cannot be repeated" in answer.json()["detail"]
