import pytest

LOG = {"name": "log", "execution_type": "sync", "type": "log", "config": {"message": "m"}}


@pytest.fixture
async def workflow(rest) -> dict:
    task = LOG | {"name": "stored", "sequence": 5, "description": "d"}
    body = {"name": "n", "key": "k", "tasks": [task], "timeout_seconds": 60}
    return (await rest.post("/workflows", json=body)).json()


@pytest.fixture
def stored(workflow) -> dict:
    return workflow["tasks"][0]


async def test_a_task_is_added(rest, workflow):
    answer = await rest.post("/api/v1/workflows/k/tasks", json=LOG | {"sequence": 9, "depends_on": ["stored"]})
    assert answer.status_code == 201
    task = answer.json()
    assert answer.headers["location"] == f"/api/v1/tasks/{task['id']}"
    assert answer.headers["etag"] == f'"{workflow["id"]}-2"'
    assert (task["workflow_id"], task["name"], task["sequence"]) == (workflow["id"], "log", 9)
    read = await rest.get(f"/api/v1/tasks/{task['id']}")
    assert (read.json(), read.headers["etag"]) == (task, answer.headers["etag"])
    after = (await rest.get("/workflows/k")).json()
    assert (after["revision"], [t["name"] for t in after["tasks"]]) == (2, ["stored", "log"])


async def test_tasks_are_listed_in_order_and_by_page(rest, workflow):
    for name, sequence in (("c", 7), ("a", 1), ("b", 5)):
        await rest.post("/workflows/k/tasks", json=LOG | {"name": name, "sequence": sequence})
    page = (await rest.get(f"/workflows/{workflow['id']}/tasks")).json()
    assert [task["name"] for task in page["items"]] == ["a", "stored", "b", "c"]
    assert (page["page"], page["size"], page["total"], page["pages"]) == (1, 100, 4, 1)
    second = (await rest.get("/workflows/k/tasks?skip=2&limit=2")).json()
    assert ([task["name"] for task in second["items"]], second["page"], second["pages"]) == (["b", "c"], 2, 2)


async def test_put_replaces_a_task(rest, stored):
    answer = await rest.put(f"/tasks/{stored['id']}", json={"name": "m", "execution_type": "async"})
    assert answer.status_code == 200
    expected = stored | {"name": "m", "execution_type": "async", "description": None, "sequence": 0, "type": None}
    assert answer.json() | {"updated_at": stored["updated_at"]} == expected | {"config": {}}
    assert answer.json()["updated_at"] > stored["updated_at"]


async def test_patch_merges_a_task(rest, stored):
    url = f"/tasks/{stored['id']}"
    changed = (await rest.patch(url, json={"timeout_seconds": 3, "retry": {"max_attempts": 2}})).json()
    assert (changed["timeout_seconds"], changed["retry"]["max_attempts"], changed["retry"]["jitter"]) == (3.0, 2, 0.1)
    assert changed["config"] == stored["config"]
    cleared = (await rest.patch(url, json={"timeout_seconds": None, "retry": None, "description": None})).json()
    assert cleared == stored | {"description": None, "updated_at": cleared["updated_at"]}
    replaced = (await rest.patch(url, json={"type": "delay", "config": {"seconds": 2}})).json()
    assert replaced["config"] == {"seconds": 2}
    assert (await rest.patch(url, json={"type": None, "config": None})).json()["config"] == {}


async def test_patch_says_what_follows_a_failure(rest, stored):
    undo = (await rest.post("/workflows/k/tasks", json=LOG | {"name": "undo"})).json()
    url = f"/tasks/{stored['id']}"
    said = {"on_failure": "continue", "compensate": ["undo"]}
    changed = (await rest.patch(url, json=said)).json()
    assert changed == stored | said | {"updated_at": changed["updated_at"]}
    assert (await rest.get(url)).json() == changed
    refused = await rest.delete(f"/tasks/{undo['id']}")
    assert refused.json()["detail"] == "compensate[0] of task 'stored': no task of this workflow is named 'undo'"
    cleared = (await rest.patch(url, json={"compensate": None})).json()
    assert (cleared["on_failure"], cleared["compensate"]) == ("continue", [])
    replaced = (await rest.put(url, json={"name": "stored", "execution_type": "sync"})).json()
    assert (replaced["on_failure"], replaced["compensate"]) == ("fail", [])
    assert (await rest.get("/workflows/k")).json()["timeout_seconds"] == 60.0


async def test_patch_replaces_a_retry_as_a_whole(rest, stored):
    url = f"/tasks/{stored['id']}"
    retry = {"max_attempts": 2, "non_retryable_errors": ["gone", "refused"]}
    assert (await rest.patch(url, json={"retry": retry})).json()["retry"]["non_retryable_errors"] == ["gone", "refused"]
    changed = (await rest.patch(url, json={"retry": {"max_attempts": 2}})).json()
    assert changed["retry"]["non_retryable_errors"] == []


@pytest.mark.parametrize("field", ["name", "execution_type", "sequence", "on_failure"])
async def test_patch_refuses_null_where_nothing_can_be_empty(rest, stored, field):
    answer = await rest.patch(f"/tasks/{stored['id']}", json={field: None})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_patch_without_effect_makes_no_revision(rest, workflow, stored):
    answer = await rest.patch(f"/tasks/{stored['id']}", json={"sequence": 5})
    assert (answer.json(), answer.headers["etag"]) == (stored, f'"{workflow["id"]}-1"')


async def test_delete_answers_what_it_deleted(rest, workflow, stored):
    answer = await rest.delete(f"/tasks/{stored['id']}")
    assert (answer.status_code, answer.json()) == (200, stored)
    assert (await rest.get(f"/tasks/{stored['id']}")).status_code == 404
    after = (await rest.get("/workflows/k")).json()
    assert (after["tasks"], after["revision"]) == ([], 2)
    assert (await rest.get("/workflows/k/revisions/1")).json() == workflow


async def test_a_task_that_others_depend_on_stays(rest, stored):
    await rest.post("/workflows/k/tasks", json=LOG | {"sequence": 9, "depends_on": ["stored"]})
    for answer in (
        await rest.delete(f"/tasks/{stored['id']}"),
        await rest.patch(f"/tasks/{stored['id']}", json={"name": "renamed"}),
    ):
        assert answer.status_code == 422
        assert answer.json()["detail"] == "depends_on[0] of task 'log': no task of this workflow is named 'stored'"


async def test_cycles_are_shown(rest, stored):
    await rest.post("/workflows/k/tasks", json=LOG | {"sequence": 9})
    answer = await rest.patch(f"/tasks/{stored['id']}", json={"depends_on": ["log"]})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "depends_on", "message": "would wait for ever: 'stored' waits for 'log' waits for 'stored'"}
    ]


async def test_a_taken_name_is_refused(rest, stored):
    answer = await rest.post("/workflows/k/tasks", json=LOG | {"name": "stored"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "name", "message": "'stored' is already the name of tasks[0]"}]


async def test_configs_are_judged_by_the_task_type(rest, workflow):
    for task, field in (
        (LOG | {"type": "no-such-type"}, "type"),
        (LOG | {"type": "delay", "config": {"seconds": -1}}, "config.seconds"),
    ):
        answer = await rest.post("/workflows/k/tasks", json=task)
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
        whole = await rest.post("/workflows", json={"name": "n", "tasks": [LOG, task | {"name": "x"}]})
        assert (whole.status_code, whole.json()["errors"][0]["field"]) == (422, f"tasks[1].{field}")


OWN = {"url": "http://example.com/${id}", "foo": 1, "message": {"retries": 3}, "deep": [{"null": None}]}


async def test_a_task_without_a_type_keeps_its_config(rest, workflow):
    plain = {"name": "t2", "execution_type": "async", "sequence": 2, "config": OWN}
    task = (await rest.post("/workflows/k/tasks", json=plain)).json()
    assert (task["type"], task["config"]) == (None, OWN)
    assert (await rest.get(f"/tasks/{task['id']}")).json() == task

    changed = await rest.put(f"/tasks/{task['id']}", json=plain | {"config": OWN | {"foo": 2}})
    assert (changed.status_code, changed.json()["config"]) == (200, OWN | {"foo": 2})
    patched = await rest.patch(f"/tasks/{task['id']}", json={"config": OWN})
    assert (patched.status_code, patched.json()["config"]) == (200, OWN)
    assert (await rest.post("/workflows/validate", json={"name": "n", "tasks": [plain]})).json()["valid"] is True

    typed = await rest.patch(f"/tasks/{task['id']}", json={"type": "delay"})
    fields = {problem["field"] for problem in typed.json()["errors"]}
    assert (typed.status_code, fields >= {"config.foo", "config.url", "config.deep"}) == (422, True)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"foo": "\x00"}, "config.foo"),
        ({"message": "${1 +}"}, "config.message"),
        ({"fields": {"n": "${tasks.ghost}"}}, "config.fields.n"),
        (["no object"], "config"),
        ("no object", "config"),
    ],
)
async def test_a_wrong_config_of_a_task_without_a_type(rest, workflow, config, field):
    answer = await rest.post("/workflows/k/tasks", json={"name": "t2", "execution_type": "async", "config": config})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
