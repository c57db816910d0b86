"""Calls of unknown workflows over REST: warnings, or 422 if strict; 409 for the deletion of what others call."""

import pytest

LATER = {
    "path": "tasks[0].config.workflow",
    "message": "there is no workflow 'later'; until there is one, executions fail at this task",
}
STRICT = [{"field": LATER["path"], "message": LATER["message"]}]


def calling(called: str, name: str = "call") -> dict:
    return {"name": name, "execution_type": "sync", "type": "workflow", "config": {"workflow": called}}


def parent(called: str = "later", **fields) -> dict:
    return {"name": "n", "key": "parent", "tasks": [calling(called)], **fields}


async def test_a_verdict_has_warnings_and_is_valid_unless_strict(rest):
    answer = await rest.post("/workflows/validate", json=parent())
    assert (answer.status_code, answer.json()) == (200, {"valid": True, "problems": [], "warnings": [LATER]})
    strict = await rest.post("/workflows/validate?strict=true", json=parent())
    assert (strict.status_code, strict.json()) == (200, {"valid": False, "problems": [LATER], "warnings": []})
    wrong = await rest.post("/workflows/validate?strict=perhaps", json=parent())
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "strict")


async def test_every_save_answers_with_its_warnings(rest):
    created = await rest.post("/workflows", json=parent())
    assert (created.status_code, created.json()["warnings"]) == (201, [LATER])
    stored = (await rest.get("/workflows/parent")).json()
    assert stored == {name: value for name, value in created.json().items() if name != "warnings"}
    for answer in (
        await rest.put("/workflows/parent", json=parent(description="d")),
        await rest.patch("/workflows/parent", json={"description": "e"}),
        await rest.post("/workflows/parent/revisions/1/restore"),
    ):
        assert (answer.status_code, answer.json()["warnings"]) == (200, [LATER])
    of_task = LATER | {"path": "config.workflow"}
    task = f"/tasks/{stored['tasks'][0]['id']}"
    for answer in (
        await rest.put(task, json=calling("later") | {"description": "d"}),
        await rest.patch(task, json={"description": "e"}),
    ):
        assert (answer.status_code, answer.json()["warnings"]) == (200, [of_task])
    added = await rest.post("/workflows/parent/tasks", json=calling("later", "second"))
    assert of_task in added.json()["warnings"]
    assert "warnings" not in (await rest.get(task)).json()


async def test_a_strict_save_is_refused_and_changes_nothing(rest):
    refused = await rest.post("/workflows?strict=true", json=parent())
    assert (refused.status_code, refused.json()["code"], refused.json()["errors"]) == (422, "invalid", STRICT)
    assert (await rest.get("/workflows")).json()["total"] == 0
    await rest.post("/workflows", json=parent("parent"))
    for answer in (
        await rest.put("/workflows/parent?strict=true", json=parent()),
        await rest.patch("/workflows/parent?strict=true", json={"tasks": [calling("later")]}),
    ):
        assert (answer.status_code, answer.json()["errors"]) == (422, STRICT)
    assert (await rest.get("/workflows/parent")).json()["revision"] == 1
    await rest.post("/workflows", json={"name": "n", "key": "later"})
    assert "warnings" not in (await rest.put("/workflows/parent?strict=true", json=parent())).json()


@pytest.mark.parametrize("ref", ["later", "id"])
async def test_what_others_call_is_deleted_only_by_force(rest, ref: str):
    child = (await rest.post("/workflows", json={"name": "n", "key": "later"})).json()
    await rest.post("/workflows", json=parent())
    path = f"/workflows/{child['id'] if ref == 'id' else ref}"
    refused = await rest.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "workflow_in_use")
    assert "is called by 'parent'; their tasks would fail without it" in refused.json()["detail"]
    assert (await rest.get("/workflows/later")).json() == child
    forced = await rest.delete(f"{path}?force=true")
    assert (forced.status_code, forced.json()["id"]) == (200, child["id"])
    assert (await rest.get("/workflows/later")).status_code == 404
    assert (await rest.delete("/workflows/parent")).status_code == 200
