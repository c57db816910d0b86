"""Trying a workflow without running it: the path that it takes, with made-up outcomes."""

TASKS = [
    {
        "name": "fetch",
        "execution_type": "sync",
        "sequence": 1,
        "type": "http",
        "config": {"url": "http://h/${input.day}", "headers": {"Authorization": "Bearer ${secrets.TOKEN}"}},
        "compensate": ["give back"],
    },
    {"name": "big", "execution_type": "async", "sequence": 2, "when": "tasks.fetch.output.rows > 2"},
    {
        "name": "each",
        "execution_type": "async",
        "sequence": 2,
        "for_each": "tasks.fetch.output.list",
        "config": {"message": "${item}"},
    },
    {
        "name": "sum",
        "execution_type": "sync",
        "sequence": 3,
        "type": "transform",
        "config": {"value": "${tasks.fetch.output.rows + 1}"},
    },
    {"name": "give back", "execution_type": "sync", "config": {"message": "sorry"}},
]
FETCHED = {"fetch": {"output": {"rows": 2, "list": ["a", "b"]}}}


async def tried(rest, **body) -> dict:
    await rest.post("/workflows", json={"name": "n", "key": "k", "tasks": TASKS, "secrets": ["TOKEN"]})
    answer = await rest.post("/workflows/k/test", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def path_of(run: dict) -> list[tuple[str, str]]:
    return [(step["task"], step["status"]) for step in run["steps"]]


async def test_the_path_of_an_execution_that_completes(rest) -> None:
    run = await tried(rest, input={"day": "monday"}, tasks=FETCHED)
    assert path_of(run) == [("fetch", "completed"), ("big", "skipped"), ("each", "completed"), ("sum", "completed")]
    assert run["steps"][0]["config"] == {"url": "http://h/monday", "headers": {"Authorization": "Bearer ***"}}
    assert run["steps"][2]["config"] == [{"message": "a"}, {"message": "b"}]
    assert (run["status"], run["output"], run["error"], run["is_cut"]) == ("completed", {"sum": 3}, None, False)
    assert (await rest.get("/executions")).json()["items"] == []


async def test_the_path_of_one_that_fails(rest) -> None:
    mocks = {**FETCHED, "each": {"error": {"code": "busy", "message": "no"}}}
    run = await tried(rest, input={"day": "monday"}, tasks=mocks)
    assert path_of(run) == [
        ("fetch", "completed"),
        ("big", "skipped"),
        ("each", "failed"),
        ("give back", "completed"),
    ]
    assert run["status"] == "failed"
    assert run["error"] == {"code": "busy", "message": "task 'each' failed: no"}


async def test_an_expression_without_a_value_is_told_where_it_stands(rest) -> None:
    run = await tried(rest, tasks=FETCHED)
    assert path_of(run) == [("fetch", "failed")]
    assert run["steps"][0]["error"]["message"] == "${input.day}: there is no 'day'"


async def test_what_does_not_fit_is_refused(rest) -> None:
    await rest.post(
        "/workflows",
        json={"name": "n", "key": "k", "tasks": TASKS, "secrets": ["TOKEN"], "input_schema": {"required": ["day"]}},
    )
    answer = await rest.post("/workflows/k/test", json={"tasks": {"nobody": {"output": 1}}})
    assert answer.status_code == 422
    assert {problem["field"] for problem in answer.json()["errors"]} == {"input", "tasks.nobody"}
    assert (await rest.post("/workflows/none/test", json={})).status_code == 404


async def test_a_loop_without_end_is_cut_or_comes_to_its_limit(rest) -> None:
    conditions = [
        {"name": "c", "source_task": "a", "outcome": "any", "target_task_success": "b", "target_task_failure": "end"},
        {"name": "d", "source_task": "b", "outcome": "any", "target_task_success": "a", "target_task_failure": "end"},
    ]
    tasks = [{"name": name, "execution_type": "sync"} for name in "ab"]
    body = {"name": "n", "key": "loop", "start_task": "a", "tasks": tasks, "conditions": conditions, "max_visits": 3}
    assert (await rest.post("/workflows", json=body)).status_code == 201
    run = (await rest.post("/workflows/loop/test", json={})).json()
    assert [step["task"] for step in run["steps"]] == list("ababab")
    assert run["status"] == "failed"
    assert run["error"]["code"] == "too_many_visits"
