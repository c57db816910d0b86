from datetime import datetime

import pytest

from tests.support.tenant import CALLER

TASK = {"name": "t", "execution_type": "sync"}


async def created(rest, **fields) -> dict:
    answer = await rest.post("/api/v1/workflows", json={"name": "n", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def tasks(*names: str) -> list[dict]:
    return [{"name": name, "execution_type": "sync"} for name in names]


def ids(workflow: dict) -> dict[str, int]:
    return {task["name"]: task["id"] for task in workflow["tasks"]}


async def test_a_workflow_is_created_with_everything_in_it(rest):
    body = {
        "name": "Ünïcode ⚙",
        "key": "a-key",
        "description": "d",
        "timeout_seconds": 90,
        "variables": {"list": [1, 2.0]},
        "input_schema": {"type": "object"},
        "retention_days": 7,
        "secrets": ["TOKEN"],
        "tasks": [
            {
                "name": "second",
                "execution_type": "async",
                "sequence": 2,
                "type": "delay",
                "config": {"seconds": 1},
                "timeout_seconds": 5,
                "retry": {"max_attempts": 3, "non_retryable_errors": ["gone"]},
                "depends_on": ["first"],
                "on_failure": "continue",
                "compensate": ["undo"],
                "when": "input.go",
                "for_each": "vars.list",
                "max_concurrency": 2,
                "output_schema": {"type": "array"},
            },
            {"name": "first", "execution_type": "sync"},
            {"name": "undo", "execution_type": "sync", "sequence": 3},
        ],
    }
    answer = await rest.post("/api/v1/workflows", json=body)
    assert answer.status_code == 201
    workflow = answer.json()
    assert answer.headers["location"] == f"/api/v1/workflows/{workflow['id']}"
    assert answer.headers["etag"] == f'"{workflow["id"]}-1"'
    first, second, _ = workflow.pop("tasks")
    assert workflow == {
        "id": workflow["id"],
        "key": "a-key",
        "name": "Ünïcode ⚙",
        "description": "d",
        "timeout_seconds": 90.0,
        "variables": {"list": [1, 2.0]},
        "input_schema": {"type": "object"},
        "retention_days": 7.0,
        "secrets": ["TOKEN"],
        "start_task": None,
        "conditions": [],
        "max_visits": None,
        "revision": 1,
        "created_at": workflow["created_at"],
        "updated_at": workflow["created_at"],
    }
    assert datetime.fromisoformat(workflow["created_at"]).utcoffset() is not None
    assert second == {
        "id": second["id"],
        "workflow_id": workflow["id"],
        "name": "second",
        "description": None,
        "execution_type": "async",
        "sequence": 2,
        "type": "delay",
        "config": {"seconds": 1},
        "timeout_seconds": 5.0,
        "retry": {
            "max_attempts": 3,
            "initial_interval_seconds": 1.0,
            "backoff_coefficient": 2.0,
            "max_interval_seconds": 60.0,
            "jitter": 0.1,
            "non_retryable_errors": ["gone"],
        },
        "depends_on": ["first"],
        "on_failure": "continue",
        "compensate": ["undo"],
        "when": "input.go",
        "for_each": "vars.list",
        "max_concurrency": 2,
        "output_schema": {"type": "array"},
        "created_at": workflow["created_at"],
        "updated_at": workflow["created_at"],
    }
    assert (first["name"], first["sequence"], first["type"], first["config"]) == ("first", 0, None, {})
    assert (first["on_failure"], first["compensate"]) == ("fail", [])
    assert (await rest.get("/workflows/a-key")).json() == answer.json()


async def test_it_is_read_by_id_and_by_key(rest):
    workflow = await created(rest, key="a-key", tasks=[TASK])
    by_id = await rest.get(f"/api/v1/workflows/{workflow['id']}")
    by_key = await rest.get("/api/v1/workflows/a-key")
    assert by_id.status_code == by_key.status_code == 200
    assert by_id.json() == by_key.json() == workflow
    assert by_id.content == by_key.content


async def test_put_replaces_every_field_but_keeps_the_tasks_when_they_are_left_out(rest):
    workflow = await created(rest, key="a-key", description="d", timeout_seconds=9, tasks=[TASK])
    answer = await rest.put(f"/workflows/{workflow['id']}", json={"name": "m"})
    assert answer.status_code == 200
    replaced = answer.json()
    assert (replaced["name"], replaced["key"], replaced["description"], replaced["revision"]) == ("m", None, None, 2)
    assert replaced["timeout_seconds"] is None
    assert replaced["tasks"] == workflow["tasks"]
    assert answer.headers["etag"] == f'"{workflow["id"]}-2"'


async def test_put_matches_tasks_by_name(rest):
    workflow = await created(rest, tasks=tasks("a", "b", "c"))
    wanted = [{"name": "c", "execution_type": "async", "sequence": 1}, *tasks("new", "a")]
    replaced = (await rest.put(f"/workflows/{workflow['id']}", json={"name": "n", "tasks": wanted})).json()
    before, after = ids(workflow), ids(replaced)
    assert list(after) == ["a", "new", "c"]
    assert (after["a"], after["c"]) == (before["a"], before["c"])
    assert after["new"] not in before.values()
    changed = {task["name"]: task["updated_at"] != task["created_at"] for task in replaced["tasks"]}
    assert changed == {"a": False, "new": False, "c": True}
    emptied = (await rest.put(f"/workflows/{workflow['id']}", json={"name": "n", "tasks": []})).json()
    assert emptied["tasks"] == []


async def test_repeating_a_put_makes_no_new_revision(rest):
    body = {"name": "n", "key": "k", "tasks": [TASK | {"type": "log", "config": {"message": "m"}}]}
    workflow = (await rest.post("/workflows", json=body)).json()
    again = await rest.put("/workflows/k", json=body)
    assert again.json() == workflow


async def test_patch_merges(rest):
    workflow = await created(rest, key="k", description="d", tasks=[TASK])
    url = f"/workflows/{workflow['id']}"
    changed = (await rest.patch(url, json={"name": "m"})).json()
    assert changed | {"name": "n", "revision": 1, "updated_at": workflow["updated_at"]} == workflow
    cleared = (await rest.patch(url, json={"description": None, "key": None})).json()
    assert (cleared["description"], cleared["key"], cleared["name"], cleared["revision"]) == (None, None, "m", 3)
    assert (await rest.patch(url, json={})).json() == cleared
    assert (await rest.patch(url, json={"tasks": []})).json()["tasks"] == []
    merge_patch = await rest.patch(
        url, content=b'{"name":"o"}', headers={"content-type": "application/merge-patch+json; charset=utf-8"}
    )
    assert merge_patch.json()["name"] == "o"


async def test_patch_sets_keeps_and_clears_the_timeout_of_executions(rest):
    url = f"/workflows/{(await created(rest))['id']}"
    for body, expected in (({"timeout_seconds": 60}, 60.0), ({"name": "m"}, 60.0), ({"timeout_seconds": None}, None)):
        changed = (await rest.patch(url, json=body)).json()
        assert (changed["timeout_seconds"], (await rest.get(url)).json()) == (expected, changed)
    assert changed["revision"] == 4


@pytest.mark.parametrize("field", ["name", "tasks"])
async def test_patch_refuses_null_where_nothing_can_be_empty(rest, field):
    workflow = await created(rest)
    answer = await rest.patch(f"/workflows/{workflow['id']}", json={field: None})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_taken_key_is_a_conflict_that_names_the_field(rest):
    await created(rest, key="k")
    other = await created(rest)
    for answer in (
        await rest.post("/workflows", json={"name": "n", "key": "k"}),
        await rest.put(f"/workflows/{other['id']}", json={"name": "n", "key": "k"}),
        await rest.patch(f"/workflows/{other['id']}", json={"key": "k"}),
    ):
        assert answer.status_code == 409
        assert answer.json()["code"] == "conflict"
        assert answer.json()["errors"] == [{"field": "key", "message": "this key belongs to another workflow"}]


async def test_delete_answers_what_it_deleted_and_the_revisions_stay(rest):
    workflow = await created(rest, key="k", tasks=[TASK])
    await rest.patch("/workflows/k", json={"name": "m"})
    deleted = await rest.delete("/workflows/k")
    assert deleted.status_code == 200
    assert (deleted.json()["name"], deleted.json()["tasks"]) == ("m", workflow["tasks"])
    url = f"/workflows/{workflow['id']}"
    for gone in (url, "/workflows/k", f"{url}/tasks", f"/tasks/{workflow['tasks'][0]['id']}", "/workflows/k/revisions"):
        assert (await rest.get(gone)).status_code == 404
    assert (await rest.delete(url)).status_code == 404
    assert (await rest.get(f"{url}/revisions/1")).json() == workflow
    assert (await rest.get(f"{url}/revisions")).json()["total"] == 2
    reused = await created(rest, key="k")
    assert reused["id"] > workflow["id"]


async def test_revisions_are_the_snapshots(rest):
    workflow = await created(rest, key="k", tasks=[TASK])
    changed = (await rest.patch("/workflows/k", json={"name": "m", "tasks": []})).json()
    page = (await rest.get("/workflows/k/revisions")).json()
    assert page["items"] == [
        {
            "workflow_id": workflow["id"],
            "revision": revision["revision"],
            "name": revision["name"],
            "task_count": len(revision["tasks"]),
            "created_at": revision["updated_at"],
            "requested_by": CALLER.recorded,
        }
        for revision in (changed, workflow)
    ]
    assert (page["page"], page["size"], page["total"], page["pages"]) == (1, 100, 2, 1)
    second = (await rest.get("/workflows/k/revisions?skip=1&limit=1")).json()
    assert ([item["revision"] for item in second["items"]], second["page"], second["pages"]) == ([1], 2, 2)
    assert (await rest.get("/workflows/k/revisions/1")).json() == workflow
    assert (await rest.get("/workflows/k/revisions/2")).json() == changed
    missing = await rest.get("/workflows/k/revisions/3")
    assert (missing.status_code, missing.json()["code"]) == (404, "revision_not_found")


async def test_lists_are_paged(rest):
    for n in range(7):
        await created(rest, name=f"w{n}")

    async def page(query: str) -> tuple[list[str], dict]:
        document = (await rest.get(f"/workflows?{query}")).json()
        return [item["name"] for item in document.pop("items")], document

    assert await page("") == ([f"w{n}" for n in range(7)], {"page": 1, "size": 100, "total": 7, "pages": 1})
    assert await page("limit=3") == (["w0", "w1", "w2"], {"page": 1, "size": 3, "total": 7, "pages": 3})
    assert await page("limit=3&skip=3") == (["w3", "w4", "w5"], {"page": 2, "size": 3, "total": 7, "pages": 3})
    assert await page("limit=3&skip=6") == (["w6"], {"page": 3, "size": 3, "total": 7, "pages": 3})
    assert await page("limit=3&skip=99") == ([], {"page": 34, "size": 3, "total": 7, "pages": 3})
    assert await page("limit=7") == ([f"w{n}" for n in range(7)], {"page": 1, "size": 7, "total": 7, "pages": 1})
    assert await page("name=none") == ([], {"page": 1, "size": 100, "total": 0, "pages": 0})
    assert await page("name=W3") == (["w3"], {"page": 1, "size": 100, "total": 1, "pages": 1})


async def test_lists_are_filtered_by_key(rest):
    await created(rest, key="k1")
    wanted = await created(rest, key="k2")
    assert (await rest.get("/workflows?key=k2")).json()["items"] == [wanted]


async def test_names_may_be_as_long_as_the_limit(rest):
    assert (await created(rest, name="ü" * 200))["name"] == "ü" * 200
