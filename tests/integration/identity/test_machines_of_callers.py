"""Machines and entities with authentication on: who may do what, and what conditions know of the caller."""

from typing import Any

import httpx
import pytest

from app.domain.permissions import SCOPES_OF, Role, Scope
from app.identity.api_keys import Grant
from tests.support.callers import Keys, bearer
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

MACHINE = {
    "name": "expense",
    "states": [{"name": "draft", "initial": True}, {"name": "sent"}, {"name": "paid", "final": True}],
    "transitions": [
        {"from": "draft", "to": "sent", "name": "submit", "conditions": {"role": "processor", "field_required": "sum"}},
        {"from": "sent", "to": "paid", "name": "approve", "conditions": {"not_same_actor_as": "submit"}},
    ],
}


@pytest.fixture
async def entity(rest: httpx.AsyncClient, keys: Keys) -> str:
    headers = bearer(await keys.of_role(Role.EDITOR))
    assert (await rest.post("/machines", json=MACHINE, headers=headers)).status_code == 201
    body = {"machine": "expense", "entity_table": "t", "entity_id": "1"}
    return str((await rest.post("/entities", json=body, headers=headers)).json()["id"])


async def in_group(keys: Keys, *groups: str, role: Role = Role.OPERATOR) -> dict[str, str]:
    return dict(bearer(await keys.add(Grant(role, groups=frozenset(groups)))))


async def move(rest: httpx.AsyncClient, entity: str, headers: dict[str, str], **body: Any) -> httpx.Response:
    return await rest.post(f"/entities/{entity}/transitions", json=body, headers=headers)


async def sequence(rest: httpx.AsyncClient, entity: str, headers: dict[str, str]) -> int:
    return int((await rest.get(f"/entities/{entity}", headers=headers)).json()["sequence"])


async def test_a_wrong_role_is_refused_before_the_conditions_and_nothing_is_written(
    rest: httpx.AsyncClient, keys: Keys, entity: str
) -> None:
    other, processor = await in_group(keys, "reader"), await in_group(keys, "processor")
    refused = await move(rest, entity, other, to_state="sent")
    assert (refused.status_code, refused.json()["code"]) == (403, "role_required")
    assert (refused.json()["state"], refused.json()["errors"]) == (
        "draft",
        [{"field": "", "message": "role: processor"}],
    )
    listed = (await rest.get(f"/entities/{entity}/transitions", headers=other)).json()["items"]
    assert listed[0]["blocked_by"] == ["role: processor", "field_required: sum"]
    assert await sequence(rest, entity, other) == 1
    assert (await move(rest, entity, processor, to_state="sent")).json()["code"] == "conditions_not_met"
    moved = await move(rest, entity, processor, to_state="sent", context={"sum": 5})
    assert (moved.status_code, moved.json()["event"]["actor"][:4]) == (200, "key:")


async def test_a_second_person_is_needed(rest: httpx.AsyncClient, keys: Keys, entity: str) -> None:
    one, other = await in_group(keys, "processor"), await in_group(keys)
    assert (await move(rest, entity, one, to_state="sent", context={"sum": 5})).status_code == 200
    alone = await move(rest, entity, one, to_state="paid")
    assert (alone.status_code, alone.json()["errors"][0]["message"]) == (409, "not_same_actor_as: submit")
    assert (await move(rest, entity, other, to_state="paid")).status_code == 200


async def test_to_act_for_somebody_needs_a_scope(rest: httpx.AsyncClient, keys: Keys, entity: str) -> None:
    processor = await in_group(keys, "processor")
    refused = await move(rest, entity, processor, to_state="sent", context={"sum": 5}, executed_by="ann")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert await sequence(rest, entity, processor) == 1
    scopes = SCOPES_OF[Role.OPERATOR] | {Scope.MACHINES_IMPERSONATE}
    robot = dict(bearer(await keys.add(Grant(scopes=scopes, groups=frozenset({"processor"})))))
    moved = await move(rest, entity, robot, to_state="sent", context={"sum": 5}, executed_by="ann")
    assert (moved.status_code, moved.json()["event"]["on_behalf_of"]) == (200, "ann")
    assert (await move(rest, entity, robot, to_state="paid", executed_by="ann")).status_code == 409
    assert (await move(rest, entity, robot, to_state="paid", executed_by="bob")).status_code == 200


async def test_a_key_is_made_listed_and_rotated_with_its_groups(rest: httpx.AsyncClient, keys: Keys) -> None:
    admin = bearer(await keys.of_role(Role.ADMIN))
    body = {"name": "clerk", "role": "operator", "groups": ["processor", "clerk"]}
    made = (await rest.post("/keys", json=body, headers=admin)).json()
    assert made["groups"] == ["clerk", "processor"]
    assert (await rest.get("/me", headers=bearer(made["key"]))).json()["groups"] == ["clerk", "processor"]
    rotated = (await rest.post(f"/keys/{made['id']}/rotate", headers=admin)).json()
    assert (await rest.get("/me", headers=bearer(rotated["key"]))).json()["groups"] == ["clerk", "processor"]
    assert (await rest.get("/keys", headers=admin)).json()["items"][0]["groups"] == ["clerk", "processor"]
    for groups in (["admin"], [""], ["a\x00"], ["x"] * 1 + [str(number) for number in range(50)], "processor", [5]):
        refused = await rest.post("/keys", json=body | {"groups": groups}, headers=admin)
        assert (refused.status_code, refused.json()["errors"][0]["field"][:6]) == (422, "groups")


async def test_keys_for_some_workflows_reach_no_machines(rest: httpx.AsyncClient, keys: Keys, entity: str) -> None:
    limited = bearer(await keys.of_scopes(SCOPES_OF[Role.OPERATOR], workflows="expense*"))
    for method, path in (("GET", "/machines"), ("GET", f"/entities/{entity}"), ("GET", "/entities?machine=expense")):
        assert (await rest.request(method, path, headers=limited)).status_code == 403
    assert (await move(rest, entity, dict(limited), to_state="sent")).status_code == 403
