"""Suggestions from planted histories in PostgreSQL: what is found, its evidence, and what decisions do."""

import asyncio
from typing import Any

import pytest

from app.adapters.database.suggestion_runs import PostgresHistories
from app.domain.callers import Caller
from app.domain.permissions import SCOPES_OF, Role
from app.insights.service import MOST_LOOKS
from app.insights.suggestions import SuggestionFilter
from tests.integration.insights.conftest import House
from tests.support.databases import ask
from tests.support.planted_histories import PLANTED
from tests.support.tenant import TENANT_ID


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The fields of tasks that differ, by task and name; those that every revision changes are left out."""
    assert {name: before[name] for name in before if name not in ("revision", "updated_at", "tasks", "steps")} == {
        name: after[name] for name in after if name not in ("revision", "updated_at", "tasks", "steps")
    }
    return {
        f"{new['name']}.{name}": new[name]
        for old, new in zip(before["tasks"], after["tasks"], strict=True)
        for name in new
        if new[name] != old[name] and name != "updated_at"
    }


@pytest.mark.parametrize("seed", range(3))
async def test_exactly_what_is_planted_is_suggested(house: House, seed: int) -> None:
    planted = await house.plant("planted", seed)
    twin = await house.plant("twin", 1_000 + seed, is_clean=True)
    assert len((await house.compute()).new) == 3
    found = await house.suggestions(workflow_id="planted")
    assert {(one["task"], one["rule"]) for one in found} == PLANTED
    assert {(one["workflow_id"], one["status"], one["source"]) for one in found} == {(planted.id, "open", "history")}
    assert await house.suggestions(workflow_id=str(twin.id)) == []


async def test_the_evidence_can_be_computed_again(house: House) -> None:
    await house.plant("planted", 1)
    await house.compute()
    for one in await house.suggestions():
        answer = await house.rest.get(f"/api/v1/suggestions/{one['id']}/evidence")
        report = answer.json()
        assert report["same"] is True, report
        assert report["evidence"] == report["recomputed"] == one["evidence"]
    report = (await house.rest.get(f"/api/v1/suggestions/{(await house.one('add_retries'))['id']}/evidence")).json()
    firsts = [run["attempts"][0] for seen in report["observations"] for run in seen["runs"]]
    failed = sum(attempt["code"] == "http_timeout" for attempt in firsts)
    assert (report["evidence"]["n"], report["evidence"]["k"]) == (len(firsts), failed)
    times = sorted(
        run["attempts"][0]["seconds"]
        for seen in (
            await house.rest.get(f"/api/v1/suggestions/{(await house.one('set_timeout'))['id']}/evidence")
        ).json()["observations"]
        for run in seen["runs"]
    )
    assert (await house.one("set_timeout"))["evidence"]["high"] in times
    pair = (await house.rest.get(f"/api/v1/suggestions/{(await house.one('run_side_by_side'))['id']}/evidence")).json()
    whole = [one for one in pair["observations"] if one["completed"]]
    assert pair["evidence"]["n"] == min(len(whole), 300)
    assert all(one["seconds_of_tasks"].keys() >= {"users", "orders"} for one in whole)


async def test_few_samples_are_read_at_the_same_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.plant("planted", 3)
    await house.compute()
    one = await house.one("add_retries")
    computing = house.rest._transport.app.state.services.suggestions._computing  # type: ignore[attr-defined]
    read, at_once, most = computing.from_evidence, 0, 0

    async def counted(*arguments: Any) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            return await read(*arguments)
        finally:
            at_once -= 1

    monkeypatch.setattr(computing, "from_evidence", counted)
    path = f"/api/v1/suggestions/{one['id']}/evidence"
    answers = await asyncio.gather(*(house.rest.get(path) for _ in range(2 * MOST_LOOKS)))
    assert {answer.status_code for answer in answers} == {200}
    assert most == MOST_LOOKS


async def test_later_executions_do_not_change_the_evidence(house: House) -> None:
    planted = await house.plant("planted", 2)
    await house.compute()
    await house.grow(planted, 77, count=50, days=0.1)
    for one in await house.suggestions():
        report = (await house.rest.get(f"/api/v1/suggestions/{one['id']}/evidence")).json()
        assert report["same"] is True


async def test_approving_makes_a_revision_that_differs_only_by_the_patch(house: House) -> None:
    planted = await house.plant("planted", 3)
    await house.compute()
    pending = (await house.rest.post("/api/v1/workflows/planted/executions", json={})).json()
    for revision, (rule, field) in enumerate(
        [("add_retries", "load.retry"), ("set_timeout", "index.timeout_seconds"), ("run_side_by_side", None)], 2
    ):
        before, suggestion = await house.workflow(planted.id), await house.one(rule)
        answer = await house.decide(suggestion["id"], "approve", approved_by="Ada", notes="good")
        assert answer.status_code == 200, answer.text
        decided = answer.json()
        assert (decided["status"], decided["decided_by"], decided["notes"]) == ("approved", "Ada", "good")
        after = await house.workflow(planted.id)
        assert after["revision"] == decided["applied_revision"] == revision
        values = [one["value"] for one in suggestion["patch"] if one["op"] == "replace"]
        found = changes(before, after)
        assert list(found.values()) == values
        assert field is None or list(found) == [field]
    running = (await house.rest.get(f"/api/v1/executions/{pending['id']}")).json()
    assert running["revision"] == 1


async def test_the_freed_task_waits_for_what_the_other_one_waits_for(house: House) -> None:
    planted = await house.plant("planted", 4)
    await house.compute()
    await house.decide((await house.one("run_side_by_side"))["id"], "approve")
    tasks = {task["name"]: task["depends_on"] for task in (await house.workflow(planted.id))["tasks"]}
    assert tasks["orders"] == ["load"]
    assert tasks["users"] is None


async def test_decisions_are_audited(house: House) -> None:
    await house.plant("planted", 5)
    await house.compute()
    one = await house.one("add_retries")
    await house.decide(one["id"], "approve", approved_by="Ada")
    await house.decide(one["id"], "undo")
    entries = (await house.rest.get("/api/v1/audit", params={"target": f"suggestion:{one['id']}"})).json()["items"]
    assert [entry["action"] for entry in entries] == ["suggestion.undo", "suggestion.approve"]
    changed = (await house.rest.get("/api/v1/audit", params={"action": "workflow.change"})).json()["items"]
    assert sum(entry["before"] is not None for entry in changed) == 2


async def test_two_approvals_at_once_make_one_revision(house: House) -> None:
    planted = await house.plant("planted", 6)
    await house.compute()
    one = await house.one("add_retries")
    answers = await asyncio.gather(*(house.decide(one["id"], "approve") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {
        "wrong_state",
        "suggestion_stale",
    }
    assert (await house.workflow(planted.id))["revision"] == 2
    assert (await house.rest.get(f"/api/v1/suggestions/{one['id']}")).json()["status"] == "approved"


async def test_what_is_being_decided_is_not_computed_anew(house: House) -> None:
    planted = await house.plant("planted", 6)
    await house.compute()
    before = await house.one("add_retries")
    await ask(house.url, "UPDATE suggestions SET held_until = now() + interval '1 minute' RETURNING 1")
    await house.grow(planted, 60)
    await house.compute()
    assert await house.one("add_retries") == before
    await ask(house.url, "UPDATE suggestions SET held_until = now() - interval '1 second' RETURNING 1")
    await house.compute()
    assert (await house.one("add_retries"))["updated_at"] > before["updated_at"]


async def test_an_approval_applies_only_what_was_looked_at(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = await house.plant("planted", 6)
    await house.compute()
    one = await house.one("add_retries")

    async def computed_anew(*_: object) -> None:
        other = '[{"op": "replace", "path": "/description", "value": "another"}]'
        await ask(house.url, "UPDATE suggestions SET patch = $1::json WHERE id = $2 RETURNING 1", other, one["id"])

    monkeypatch.setattr(house.rest._transport.app.state.services.suggestions, "_why_stale", computed_anew)  # type: ignore[attr-defined]
    answer = await house.decide(one["id"], "approve")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert (await house.workflow(planted.id))["revision"] == 1
    assert (await house.one("add_retries"))["id"] == one["id"]


async def test_approvals_of_different_suggestions_at_once_all_count(house: House) -> None:
    planted = await house.plant("planted", 7)
    await house.compute()
    found = await house.suggestions(status="open")
    answers = await asyncio.gather(*(house.decide(one["id"], "approve") for one in found))
    assert {answer.status_code for answer in answers} <= {200, 409}
    approved = [answer for answer in answers if answer.status_code == 200]
    assert (await house.workflow(planted.id))["revision"] == 1 + len(approved)
    assert approved


async def test_undo_gives_back_the_field(house: House) -> None:
    planted = await house.plant("planted", 8)
    await house.compute()
    before, one = await house.workflow(planted.id), await house.one("set_timeout")
    await house.decide(one["id"], "approve")
    answer = await house.decide(one["id"], "undo", undone_by="Bob", notes="too strict")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["decided_by"]) == ("undone", "Bob")
    after = await house.workflow(planted.id)
    assert (after["revision"], changes(before, after)) == (3, {})
    assert (await house.decide(one["id"], "undo")).json()["code"] == "wrong_state"


async def test_undo_is_refused_when_the_field_was_changed_since(house: House) -> None:
    planted = await house.plant("planted", 9)
    await house.compute()
    one = await house.one("set_timeout")
    await house.decide(one["id"], "approve")
    index = next(task for task in (await house.workflow(planted.id))["tasks"] if task["name"] == "index")
    await house.rest.patch(f"/api/v1/tasks/{index['id']}", json={"timeout_seconds": 17})
    answer = await house.decide(one["id"], "undo")
    assert (answer.status_code, answer.json()["code"]) == (409, "suggestion_stale")
    assert (await house.workflow(planted.id))["tasks"][4]["timeout_seconds"] == 17
    assert (await house.rest.get(f"/api/v1/suggestions/{one['id']}")).json()["status"] == "approved"


async def test_an_approval_is_refused_when_the_field_was_changed(house: House) -> None:
    planted = await house.plant("planted", 10)
    await house.compute()
    one = await house.one("set_timeout")
    index = next(task for task in (await house.workflow(planted.id))["tasks"] if task["name"] == "index")
    await house.rest.patch(f"/api/v1/tasks/{index['id']}", json={"timeout_seconds": 17})
    answer = await house.decide(one["id"], "approve")
    assert (answer.status_code, answer.json()["code"]) == (409, "suggestion_stale")
    assert (await house.rest.get(f"/api/v1/suggestions/{one['id']}")).json()["status"] == "stale"
    assert (await house.workflow(planted.id))["revision"] == 2


async def test_a_task_that_has_moved_is_found(house: House) -> None:
    planted = await house.plant("planted", 11)
    await house.compute()
    one = await house.one("set_timeout")
    first = {"name": "first", "execution_type": "sync", "sequence": 0, "type": "log", "config": {}}
    assert (await house.rest.post(f"/api/v1/workflows/{planted.id}/tasks", json=first)).status_code == 201
    assert (await house.decide(one["id"], "approve")).status_code == 200
    tasks = {task["name"]: task["timeout_seconds"] for task in (await house.workflow(planted.id))["tasks"]}
    assert tasks["index"] == one["patch"][-1]["value"]
    assert tasks["done"] is None


async def test_what_no_longer_holds_becomes_stale(house: House) -> None:
    planted = await house.plant("planted", 12)
    await house.compute()
    load = (await house.workflow(planted.id))["tasks"][0]
    await house.rest.patch(f"/api/v1/tasks/{load['id']}", json={"retry": {"max_attempts": 2}})
    await house.compute()
    found = {one["rule"]: one["status"] for one in await house.suggestions()}
    assert found["add_retries"] == "stale"


async def test_computing_again_changes_nothing(house: House) -> None:
    await house.plant("planted", 13)
    await house.compute()
    before = await house.suggestions()
    assert (await house.compute()).new == []
    assert [one["id"] for one in await house.suggestions()] == [one["id"] for one in before]


async def test_what_was_rejected_is_not_suggested_again_until_the_evidence_has_doubled(house: House) -> None:
    planted = await house.plant("planted", 14, count=400)
    await house.compute()
    one = await house.one("add_retries")
    answer = await house.decide(one["id"], "reject", rejected_by="Ada", reason="not idempotent")
    assert (answer.json()["status"], answer.json()["notes"]) == ("rejected", "not idempotent")
    await house.compute()
    assert await house.suggestions(rule="add_retries", status="open") == []
    await house.grow(planted, 15, count=600, days=19.9)
    await house.compute()
    again = await house.one("add_retries")
    assert again["evidence"]["k"] >= 2 * one["evidence"]["k"]


async def test_suggestions_of_others_do_not_make_it_forget_what_was_rejected(house: House) -> None:
    await house.plant("planted", 16)
    await house.compute()
    one = await house.one("add_retries")
    await house.decide(one["id"], "reject")
    many = """
        WITH made AS (
            INSERT INTO suggestions (tenant_id, workflow_id, rule, source, status, title, rationale, prediction,
                                     seconds_a_day, created_at, updated_at, decided_at)
            SELECT s.tenant_id, s.workflow_id, 'other', 'external', 'rejected', 't', '', '{}', 0, now(), now(), now()
            FROM suggestions s, generate_series(1, 200) WHERE s.id = $1 RETURNING 1
        ) SELECT count(*) FROM made
    """
    assert await ask(house.url, many, one["id"]) == 200
    await house.compute()
    assert await house.suggestions(rule="add_retries", status="open") == []


async def test_a_young_workflow_is_left_alone(house: House) -> None:
    planted = await house.plant("planted", 16)
    await ask(house.url, "UPDATE workflows SET created_at = now() - interval '6 days' WHERE id = $1", planted.id)
    assert (await house.compute()).workflows == 0
    assert await house.suggestions() == []


async def test_other_tenants_know_nothing_of_it(house: House) -> None:
    await house.plant("planted", 17)
    await house.compute()
    neighbour_id = await ask(house.url, "INSERT INTO tenants (key, name) VALUES ('neighbour', 'n') RETURNING id")
    assert isinstance(neighbour_id, int)
    neighbour = Caller(neighbour_id, "neighbour", "key:Neighbou", SCOPES_OF[Role.ADMIN], Role.ADMIN)
    service = house.rest._transport.app.state.services.suggestions  # type: ignore[attr-defined]
    assert await service.list(neighbour, SuggestionFilter(), 0, 10) == ([], 0)
    one = (await house.suggestions())[0]
    assert await service._store.get(neighbour_id, one["id"]) is None
    histories = PostgresHistories(house.pool)
    ids = [await ask(house.url, "SELECT id FROM executions LIMIT 1")]
    assert await histories.events(TENANT_ID, ids, 9) != []  # type: ignore[arg-type]
    assert await histories.events(neighbour_id, ids, 9) == []  # type: ignore[arg-type]
    assert (await house.computing().of_tenant(neighbour_id)).workflows == 0  # type: ignore[union-attr]


async def test_a_deleted_workflow_takes_its_suggestions_along(house: House) -> None:
    planted = await house.plant("planted", 18)
    await house.compute()
    one = (await house.suggestions())[0]
    assert (await house.rest.delete(f"/api/v1/workflows/{planted.id}")).status_code == 200
    assert (await house.decide(one["id"], "approve")).json()["code"] == "suggestion_not_found"
