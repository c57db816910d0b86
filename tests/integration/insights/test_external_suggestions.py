"""Suggestions of others, and what has become of approved ones."""

from typing import Any

import pytest

from tests.integration.insights.conftest import House
from tests.support.databases import ask


async def suggest(house: House, **fields: Any) -> Any:
    body = {"workflow": "planted", "title": "Give up earlier", **fields}
    return await house.rest.post("/api/v1/suggestions", json=body)


async def limit(house: House, value: Any = 30) -> list[dict[str, Any]]:
    tasks = (await house.rest.get("/api/v1/workflows/planted")).json()["tasks"]
    return [
        {"op": "test", "path": "/tasks/4/id", "value": tasks[4]["id"]},
        {"op": "replace", "path": "/tasks/4/timeout_seconds", "value": value},
    ]


async def test_nothing_is_applied_without_approval(house: House) -> None:
    planted = await house.plant("planted", 40, count=1)
    made = (await suggest(house, task="index", patch=await limit(house), prediction={"seconds": 3})).json()
    assert (made["source"], made["status"], made["evidence"]) == ("external", "open", None)
    assert (made["task_id"], made["prediction"]) == (planted.tasks[4].id, {"seconds": 3})
    assert (await house.workflow(planted.id))["revision"] == 1
    report = (await house.rest.get(f"/api/v1/suggestions/{made['id']}/evidence")).json()
    assert (report["evidence"], report["same"], report["observations"]) == (None, None, [])
    assert (await house.decide(made["id"], "approve")).json()["applied_revision"] == 2
    assert (await house.workflow(planted.id))["tasks"][4]["timeout_seconds"] == 30
    assert (await house.decide(made["id"], "undo")).status_code == 200
    assert (await house.workflow(planted.id))["tasks"][4]["timeout_seconds"] is None


async def test_advice_has_no_patch(house: House) -> None:
    planted = await house.plant("planted", 41, count=1)
    made = (await suggest(house)).json()
    decided = (await house.decide(made["id"], "approve")).json()
    assert (decided["status"], decided["applied_revision"]) == ("approved", None)
    assert (await house.workflow(planted.id))["revision"] == 1
    assert (await house.decide(made["id"], "undo")).json()["code"] == "wrong_state"


async def test_one_of_each_kind_is_open(house: House) -> None:
    await house.plant("planted", 42, count=1)
    assert (await suggest(house)).status_code == 201
    again = await suggest(house)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert (await suggest(house, rule="other")).status_code == 201
    assert (await suggest(house, task="index")).status_code == 201


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": " "}, "title"),
        ({"rule": "Not A Rule"}, "rule"),
        ({"task": "nothing"}, "task"),
        ({"patch": []}, "patch"),
        ({"patch": [{"op": "move", "path": "/name", "value": 1}]}, "patch[0]"),
        ({"patch": [{"op": "replace", "path": "/revision", "value": 9}]}, "patch[0]"),
        ({"patch": [{"op": "replace", "path": "/tasks/9/retry", "value": None}]}, "patch"),
        ({"patch": [{"op": "replace", "path": "/tasks/0/timeout_seconds", "value": "soon"}]}, "patch"),
    ],
)
async def test_wrong_suggestions_are_refused(house: House, fields: dict[str, Any], field: str) -> None:
    await house.plant("planted", 43, count=1)
    answer = await suggest(house, **fields)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


async def test_texts_that_cannot_be_stored_are_refused(house: House) -> None:
    answer = await house.rest.get("/api/v1/suggestions", params={"rule": "a\0"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "rule")
    await house.plant("planted", 48, count=1)
    made = (await suggest(house, prediction={"a": "b" * 1_000})).json()
    answer = await house.decide(made["id"], "reject", rejected_by="a\0")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "rejected_by")


async def test_an_unknown_workflow_is_not_found(house: House) -> None:
    assert (await suggest(house, workflow="nothing")).json()["code"] == "workflow_not_found"


async def test_a_patch_that_breaks_rules_is_refused_and_stays_open(house: House) -> None:
    planted = await house.plant("planted", 44, count=1)
    made = (await suggest(house, patch=await limit(house, -1))).json()
    answer = await house.decide(made["id"], "approve")
    assert answer.status_code == 422
    assert (await house.rest.get(f"/api/v1/suggestions/{made['id']}")).json()["status"] == "open"
    assert (await house.decide(made["id"], "approve")).status_code == 422
    assert (await house.workflow(planted.id))["revision"] == 1


async def test_computing_leaves_suggestions_of_others_alone(house: House) -> None:
    await house.plant("planted", 45)
    made = (await suggest(house)).json()
    await house.compute()
    assert (await house.rest.get(f"/api/v1/suggestions/{made['id']}")).json()["status"] == "open"
    assert len(await house.suggestions(status="open")) == 3


async def applied(house: House) -> tuple[Any, dict[str, Any]]:
    """The approved suggestion about retries, and its workflow."""
    planted = await house.plant("planted", 46, count=400)
    await house.compute()
    one = await house.one("add_retries")
    await house.decide(one["id"], "approve")
    return planted, one


async def grow_with_the_change(house: House, planted: Any, seed: int, share: float, count: int) -> None:
    """Executions at revision 2; `share` of the runs of `load` fail."""
    await house.grow(planted, seed, count=count, days=0.1, revision=2, failures=share)


async def test_what_has_become_of_it_is_noted(house: House) -> None:
    planted, one = await applied(house)
    await grow_with_the_change(house, planted, 50, 0.0, 29)
    await house.compute()
    assert (await house.rest.get(f"/api/v1/suggestions/{one['id']}")).json()["effect"] is None
    await grow_with_the_change(house, planted, 51, 0.0, 290)
    await house.compute()
    effect = (await house.rest.get(f"/api/v1/suggestions/{one['id']}")).json()["effect"]
    assert (effect["verdict"], effect["executions"], effect["after"][0]) == ("better", 300, 0)


async def test_what_has_made_it_worse_is_suggested_to_be_taken_back(house: House) -> None:
    planted, one = await applied(house)
    await grow_with_the_change(house, planted, 52, 0.5, 100)
    assert len((await house.compute()).new) >= 1
    changed = (await house.rest.get(f"/api/v1/suggestions/{one['id']}")).json()
    assert (changed["effect"]["verdict"], changed["effect"]["executions"]) == ("worse", 100)
    undo = await house.one("undo")
    assert undo["undoes_id"] == one["id"]
    assert (await house.decide(undo["id"], "approve", approved_by="Ada")).status_code == 200
    assert (await house.workflow(planted.id))["tasks"][0]["retry"] is None
    assert (await house.rest.get(f"/api/v1/suggestions/{one['id']}")).json()["status"] == "undone"


async def test_a_stale_mark_of_a_dead_process_does_not_hold_for_ever(house: House) -> None:
    await house.plant("planted", 47, count=1)
    made = (await suggest(house)).json()
    held = "UPDATE suggestions SET held_until = now() + $1 * interval '1 second' RETURNING 1"
    await ask(house.url, held, 60)
    assert (await house.decide(made["id"], "reject")).json()["code"] == "wrong_state"
    await ask(house.url, held, -1)
    assert (await house.decide(made["id"], "reject")).status_code == 200
