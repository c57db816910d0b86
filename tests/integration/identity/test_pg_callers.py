"""Who may call the tables and functions of PostgREST, and what another tenant has."""

from typing import Any

import httpx

from app.domain.permissions import Role
from tests.support.callers import Keys, bearer
from tests.support.machines import FRAUD, machine_house
from tests.support.tenant import CALLER, needs_default

pytestmark = needs_default("makes its own tenants and keys")

THING = {"workflow_name": "fraud_detection", "entity_table": "t", "entity_id": "1"}


async def defined(database_url: str) -> None:
    async with machine_house(database_url) as house:
        await house.define(FRAUD, CALLER)


def error(answer: httpx.Response) -> tuple[int, str]:
    document: dict[str, Any] = answer.json()
    assert set(document) == {"code", "details", "hint", "message"}
    return answer.status_code, document["code"]


async def test_reading_and_moving_need_their_scopes(rest: httpx.AsyncClient, keys: Keys, database_url: str) -> None:
    await defined(database_url)
    viewer, operator = bearer(await keys.of_role(Role.VIEWER)), bearer(await keys.of_role(Role.OPERATOR))
    for path in ("/pg/api/workflows", "/api/workflows?select=id", "/rpc/get_transitions", "/pg/nothing"):
        answer = await rest.get(path)
        assert error(answer) == (401, "PGRST302")
        assert "www-authenticate" in answer.headers
    assert error(await rest.get("/pg/api/workflows", headers=bearer("wfk_x"))) == (401, "PGRST301")
    assert len((await rest.get("/pg/api/workflows", headers=viewer)).json()) == 1
    assert error(await rest.post("/pg/rpc/start_workflow", json=THING, headers=viewer)) == (403, "42501")
    assert (await rest.post("/rpc/start_workflow", json=THING, headers=operator)).status_code == 200


async def test_others_are_named_by_those_who_may(rest: httpx.AsyncClient, keys: Keys, database_url: str) -> None:
    await defined(database_url)
    operator, admin = bearer(await keys.of_role(Role.OPERATOR)), bearer(await keys.of_role(Role.ADMIN))
    instance = (await rest.post("/rpc/start_workflow", json=THING, headers=operator)).json()
    body = {"instance_id": instance, "to_state": "cancelled", "executed_by": "ann"}
    assert error(await rest.post("/rpc/execute_transition", json=body, headers=operator)) == (403, "42501")
    assert (await rest.post("/rpc/execute_transition", json=body, headers=admin)).json() is True
    history = (await rest.get("/pg/api/workflow_history?select=executed_by", headers=admin)).json()
    assert [row["executed_by"] for row in history][1] == "ann"
    assert history[0]["executed_by"].startswith("key:")


async def test_a_role_that_is_missing_is_no_conflict(rest: httpx.AsyncClient, keys: Keys, database_url: str) -> None:
    async with machine_house(database_url) as house:
        guarded = {**FRAUD["transitions"][1], "from": "initial_state", "conditions": {"role": "processor"}}
        await house.define({**FRAUD, "transitions": [guarded]})
    operator = bearer(await keys.of_role(Role.OPERATOR))
    instance = (await rest.post("/rpc/start_workflow", json=THING, headers=operator)).json()
    answer = await rest.post(
        "/rpc/execute_transition", json={"instance_id": instance, "to_state": "completed"}, headers=operator
    )
    assert error(answer) == (403, "role_required")
    assert answer.json()["details"] == "role: processor"


async def test_another_tenant_is_as_one_that_is_not_there(
    rest: httpx.AsyncClient, keys: Keys, database_url: str
) -> None:
    await defined(database_url)
    ours = bearer(await keys.of_role(Role.ADMIN))
    instance = (await rest.post("/rpc/start_workflow", json=THING, headers=ours)).json()
    await keys.execute("INSERT INTO tenants (key, name) VALUES ('south', 'South')")
    tenant_id = await keys.value("SELECT id FROM tenants WHERE key = 'south'")
    theirs = bearer(await keys.of_role(Role.ADMIN, tenant_id=tenant_id))
    for path in (
        "/pg/api/workflows",
        "/pg/api/workflow_states",
        "/pg/api/workflow_transitions",
        "/pg/api/entity_workflows",
        f"/pg/api/entity_workflows?or=(id.eq.{instance},id.not.is.null)",
        f"/pg/api/workflow_history?entity_workflow_instance_id=eq.{instance}",
    ):
        assert (await rest.get(path, headers=ours)).json(), path
        answer = await rest.get(path, headers={**theirs, "Prefer": "count=exact"})
        assert (answer.json(), answer.headers["content-range"]) == ([], "*/0"), path
    moving = {"instance_id": instance, "to_state": "cancelled"}
    for answer in (
        await rest.post("/rpc/execute_transition", json=moving, headers=theirs),
        await rest.get(f"/rpc/get_transitions?instance_id={instance}", headers=theirs),
        await rest.post("/rpc/start_workflow", json=THING, headers=theirs),
    ):
        assert answer.status_code == 404
    [entity] = (await rest.get("/pg/api/entity_workflows", headers=ours)).json()
    assert entity["sequence"] == 1


async def test_too_many_requests_are_refused_in_the_same_form(
    rest: httpx.AsyncClient, keys: Keys, database_url: str
) -> None:
    key = bearer(await keys.of_role(Role.VIEWER, rate_limit=2))
    answers = [await rest.get("/pg/api/workflows", headers=key) for _ in range(4)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert error(limited[0]) == (429, "rate_limited")
    assert limited[0].headers["retry-after"]
