"""The fields of data flow over REST: stored as sent, replaced whole, cleared by null."""

WORKFLOW_FIELDS = {
    "variables": {"a": [1, 1.5, {"ü": None}]},
    "input_schema": {"type": "object"},
    "retention_days": 2.5,
}
TASK_FIELDS = {
    "when": "input.go",
    "for_each": "input.list",
    "max_concurrency": 3,
    "output_schema": {"type": "object", "required": ["a"]},
}
WORKFLOW_DEFAULTS = {"variables": {}, "input_schema": None, "retention_days": None}
TASK_DEFAULTS = dict.fromkeys(TASK_FIELDS)
TASK = {"name": "t", "execution_type": "sync"}
BODY = {"name": "n", "key": "k", "tasks": [TASK | TASK_FIELDS]} | WORKFLOW_FIELDS


def of_workflow(document: dict) -> dict:
    return {name: document[name] for name in WORKFLOW_FIELDS}


def of_task(document: dict) -> dict:
    return {name: document[name] for name in TASK_FIELDS}


async def test_what_is_sent_is_stored_and_shown(rest):
    created = (await rest.post("/workflows", json=BODY)).json()
    read = (await rest.get("/workflows/k")).json()
    assert read == created
    assert (of_workflow(read), of_task(read["tasks"][0])) == (WORKFLOW_FIELDS, TASK_FIELDS)
    task = (await rest.get(f"/tasks/{read['tasks'][0]['id']}")).json()
    assert of_task(task) == TASK_FIELDS


async def test_what_is_left_out_has_its_default(rest):
    created = (await rest.post("/workflows", json={"name": "n", "tasks": [TASK]})).json()
    assert (of_workflow(created), of_task(created["tasks"][0])) == (WORKFLOW_DEFAULTS, TASK_DEFAULTS)


async def test_put_sets_every_field(rest):
    await rest.post("/workflows", json=BODY)
    put = (await rest.put("/workflows/k", json={"name": "n", "key": "k", "tasks": [TASK]})).json()
    assert (of_workflow(put), of_task(put["tasks"][0])) == (WORKFLOW_DEFAULTS, TASK_DEFAULTS)
    back = (await rest.put("/workflows/k", json=BODY)).json()
    assert (of_workflow(back), of_task(back["tasks"][0]), back["revision"]) == (WORKFLOW_FIELDS, TASK_FIELDS, 3)
    task = (await rest.put(f"/tasks/{back['tasks'][0]['id']}", json=TASK)).json()
    assert of_task(task) == TASK_DEFAULTS


async def test_patch_changes_what_it_names_and_null_clears(rest):
    task_id = (await rest.post("/workflows", json=BODY)).json()["tasks"][0]["id"]
    for name in WORKFLOW_FIELDS:
        patched = (await rest.patch("/workflows/k", json={name: None})).json()
        assert patched[name] == WORKFLOW_DEFAULTS[name]
        again = (await rest.patch("/workflows/k", json={name: WORKFLOW_FIELDS[name]})).json()
        assert of_workflow(again) == WORKFLOW_FIELDS
    for name in ("when", "max_concurrency", "output_schema"):
        patched = (await rest.patch(f"/tasks/{task_id}", json={name: None})).json()
        assert of_task(patched) == TASK_FIELDS | {name: None}
        await rest.patch(f"/tasks/{task_id}", json={name: TASK_FIELDS[name]})
    refused = await rest.patch(f"/tasks/{task_id}", json={"for_each": None})
    assert [error["field"] for error in refused.json()["errors"]] == ["max_concurrency"]
    cleared = (await rest.patch(f"/tasks/{task_id}", json={"for_each": None, "max_concurrency": None})).json()
    assert of_task(cleared) == TASK_FIELDS | {"for_each": None, "max_concurrency": None}


async def test_saying_the_same_again_makes_no_revision(rest):
    await rest.post("/workflows", json=BODY)
    assert (await rest.put("/workflows/k", json=BODY)).json()["revision"] == 1
    changed = BODY | {"variables": {"a": [True, 1.5, {"ü": None}]}}
    assert (await rest.put("/workflows/k", json=changed)).json()["revision"] == 2
