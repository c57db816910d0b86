"""What a revision changed, and how an old one comes back."""

import httpx
import pytest

TASKS = [
    {"name": "read", "execution_type": "sync", "config": {"fields": {"strict": True}}},
    {"name": "write", "execution_type": "sync", "sequence": 2},
]


@pytest.fixture
async def workflow(rest: httpx.AsyncClient) -> dict:
    return (await rest.post("/workflows", json={"name": "n", "key": "k", "tasks": TASKS})).json()


@pytest.fixture
async def changed(rest: httpx.AsyncClient, workflow: dict) -> dict:
    tasks = [
        TASKS[0] | {"config": {"fields": {"strict": 1}}, "retry": {"max_attempts": 2}},
        {"name": "tell", "execution_type": "async"},
    ]
    return (await rest.put("/workflows/k", json={"name": "m", "key": "k", "description": "d", "tasks": tasks})).json()


async def changes(rest: httpx.AsyncClient, rest_of_path: str) -> dict:
    answer = await rest.get(f"/workflows/k/revisions/{rest_of_path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def said(workflow: dict) -> dict:
    """The contents, without what the service adds to them."""
    added = {"id", "workflow_id", "revision", "created_at", "updated_at"}
    tasks = [{name: value for name, value in task.items() if name not in added} for task in workflow["tasks"]]
    return {name: value for name, value in workflow.items() if name not in added} | {"tasks": tasks}


async def test_changes_are_the_old_and_the_new_value_of_each_field(rest, changed):
    found = await changes(rest, "2/changes")
    retry = found["tasks"]["changed"]["read"].pop("retry")
    assert found == {
        "revision": 2,
        "against": 1,
        "workflow": {"name": ["n", "m"], "description": [None, "d"]},
        "tasks": {
            "added": ["tell"],
            "removed": ["write"],
            "changed": {"read": {"config": [{"fields": {"strict": True}}, {"fields": {"strict": 1}}]}},
        },
    }
    assert (retry[0], retry[1]["max_attempts"]) == (None, 2)


async def test_the_first_revision_changed_everything(rest, changed):
    found = await changes(rest, "1/changes")
    assert (found["against"], found["workflow"]) == (0, {"name": [None, "n"], "key": [None, "k"]})
    assert found["tasks"] == {"added": ["read", "write"], "removed": [], "changed": {}}


async def test_any_two_revisions_can_be_compared(rest, changed):
    assert (await changes(rest, "1/changes?against=2"))["workflow"] == {"name": ["m", "n"], "description": ["d", None]}
    same = await changes(rest, "2/changes?against=2")
    assert (same["workflow"], same["tasks"]) == ({}, {"added": [], "removed": [], "changed": {}})
    assert (await changes(rest, "2/changes?against=0"))["tasks"]["added"] == ["read", "tell"]


async def test_a_renamed_task_is_the_same_task(rest, workflow):
    await rest.patch(f"/tasks/{workflow['tasks'][0]['id']}", json={"name": "fetch"})
    tasks = (await changes(rest, "2/changes"))["tasks"]
    assert tasks == {"added": [], "removed": [], "changed": {"fetch": {"name": ["read", "fetch"]}}}


async def test_changes_are_found_by_id_after_the_deletion_and_need_no_second_reading(rest, workflow):
    await rest.delete("/workflows/k")
    first = await rest.get(f"/workflows/{workflow['id']}/revisions/1/changes")
    assert first.status_code == 200
    again = await rest.get(first.url, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["3/changes", "0/changes", "-1/changes", "2/changes?against=7", "2/changes?against=-1"]
)
async def test_changes_of_an_unknown_revision_are_not_found(rest, changed, path: str):
    answer = await rest.get(f"/workflows/k/revisions/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "revision_not_found")


async def test_a_restored_revision_is_a_new_one_with_the_old_contents(rest, workflow, changed):
    answer = await rest.post("/workflows/k/revisions/1/restore")
    restored = answer.json()
    assert (answer.status_code, restored["revision"]) == (200, 3)
    assert said(restored) == said(workflow)
    assert answer.headers["ETag"] == (await rest.get("/workflows/k")).headers["ETag"]
    ids = {task["name"]: task["id"] for task in restored["tasks"]}
    before = {task["name"]: task["id"] for task in workflow["tasks"]}
    assert ids["read"] == before["read"]
    assert ids["write"] != before["write"]
    assert (await rest.get("/workflows/k")).json() == restored
    for revision, contents in ((1, workflow), (2, changed), (3, restored)):
        assert (await rest.get(f"/workflows/k/revisions/{revision}")).json() == contents


async def test_restoring_what_is_there_changes_nothing(rest, workflow, changed):
    assert (await rest.post("/workflows/k/revisions/2/restore")).json() == changed
    first, second = [(await rest.post("/workflows/k/revisions/1/restore")).json() for _ in range(2)]
    assert first == second
    assert (await rest.get("/workflows/k/revisions")).json()["total"] == 3


async def test_restoring_brings_the_key_back_unless_it_is_taken(rest, workflow):
    ref = workflow["id"]
    await rest.patch("/workflows/k", json={"key": None})
    assert (await rest.post(f"/workflows/{ref}/revisions/1/restore")).json()["key"] == "k"
    await rest.patch("/workflows/k", json={"key": None})
    await rest.post("/workflows", json={"name": "other", "key": "k"})
    taken = await rest.post(f"/workflows/{ref}/revisions/1/restore")
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "key")


async def test_restoring_can_insist_on_what_it_replaces(rest, workflow, changed):
    etag = (await rest.get("/workflows/k")).headers["ETag"]
    lost = await rest.post("/workflows/k/revisions/1/restore", headers={"If-Match": '"0-1"'})
    assert (lost.status_code, lost.json()["code"]) == (412, "revision_mismatch")
    won = await rest.post("/workflows/k/revisions/1/restore", headers={"If-Match": etag})
    assert (won.status_code, won.json()["revision"]) == (200, 3)
    again = await rest.post("/workflows/k/revisions/2/restore", headers={"If-Match": etag})
    assert again.status_code == 412


async def test_what_is_not_there_cannot_be_restored(rest, workflow):
    unknown = await rest.post("/workflows/k/revisions/2/restore")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "revision_not_found")
    await rest.delete("/workflows/k")
    deleted = await rest.post(f"/workflows/{workflow['id']}/revisions/1/restore")
    assert (deleted.status_code, deleted.json()["code"]) == (404, "workflow_not_found")
