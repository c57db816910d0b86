"""The graph of a revision, as pages draw it."""

import httpx
import pytest

TASKS = [
    {"name": "read", "execution_type": "async", "sequence": 1, "compensate": ["forget"], "when": "${input.wanted}"},
    {"name": "look", "execution_type": "async", "sequence": 1},
    {"name": "ship", "execution_type": "async", "sequence": 2, "type": "workflow", "config": {"workflow": "k"}},
    {"name": "tell", "execution_type": "async", "sequence": 2, "for_each": "${input.all}"},
    {"name": "forget", "execution_type": "sync", "sequence": 3},
]


@pytest.fixture
async def ids(rest: httpx.AsyncClient) -> dict[str, int]:
    made = await rest.post("/workflows", json={"name": "n", "key": "k", "tasks": TASKS})
    assert made.status_code == 201, made.text
    return {task["name"]: task["id"] for task in made.json()["tasks"]}


async def test_tasks_and_gates_are_nodes(rest: httpx.AsyncClient, ids: dict[str, int]) -> None:
    graph = (await rest.get("/workflows/k/revisions/1/graph")).json()
    assert (graph["revision"], graph["routed"], graph["start"]) == (1, False, None)
    assert graph["nodes"][0] == {
        "id": f"t{ids['read']}",
        "kind": "task",
        "task_id": ids["read"],
        "name": "read",
        "type": None,
        "group": 1,
        "rank": 0,
        "undo": False,
        "for_each": None,
        "condition": "${input.wanted}",
        "workflow": None,
    }
    ship, tell, forget, gate = graph["nodes"][2:]
    assert (ship["workflow"], tell["for_each"], forget["undo"]) == ("k", "${input.all}", True)
    assert (gate["id"], gate["kind"], gate["task_id"], gate["group"]) == ("g2", "gate", None, 2)
    node = {name: f"t{number}" for name, number in ids.items()}
    order = [("read", "g2"), ("look", "g2"), ("g2", "ship"), ("g2", "tell")]
    wanted = {(node.get(a, a), node.get(b, b), "order", None) for a, b in order}
    wanted.add((node["read"], node["forget"], "undo", None))
    assert {(e["from"], e["to"], e["kind"], e["label"]) for e in graph["edges"]} == wanted


async def test_it_may_be_kept_without_asking_again(rest: httpx.AsyncClient, ids: dict[str, int]) -> None:
    first = await rest.get("/workflows/k/revisions/1/graph")
    assert first.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert not first.headers["ETag"].startswith("W/")
    again = await rest.get("/workflows/k/revisions/1/graph", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    await rest.put("/workflows/k", json={"name": "n", "key": "k", "tasks": TASKS[1:2]})
    assert (await rest.get("/workflows/k/revisions/1/graph")).content == first.content
    changed = await rest.get("/workflows/k/revisions/2/graph")
    assert (len(changed.json()["nodes"]), changed.headers["ETag"] == first.headers["ETag"]) == (1, False)


async def test_a_routed_workflow_has_its_conditions_on_edges(rest: httpx.AsyncClient) -> None:
    tasks = [{"name": name, "execution_type": "sync"} for name in ("a", "b")]
    condition = {"name": "well?", "source_task": "a", "outcome": "success", "target_task_success": "b"}
    body = {"name": "f", "key": "f", "tasks": tasks, "start_task": "a", "conditions": [condition]}
    made = (await rest.post("/workflows", json=body)).json()
    a, b = (f"t{task['id']}" for task in made["tasks"])
    graph = (await rest.get("/workflows/f/revisions/1/graph")).json()
    assert (graph["routed"], graph["start"]) == (True, a)
    assert graph["edges"] == [{"from": a, "to": b, "kind": "success", "label": "well?"}]


async def test_a_deleted_workflow_is_found_by_its_id_and_an_unknown_revision_is_not(
    rest: httpx.AsyncClient, ids: dict[str, int]
) -> None:
    workflow_id = (await rest.get("/workflows/k")).json()["id"]
    await rest.delete("/workflows/k")
    assert (await rest.get(f"/workflows/{workflow_id}/revisions/1/graph")).status_code == 200
    missing = await rest.get(f"/workflows/{workflow_id}/revisions/2/graph")
    assert (missing.status_code, missing.json()["code"]) == (404, "revision_not_found")
