"""`/entities` over HTTP: starts, transitions, data, what is possible, histories."""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.config import Settings
from tests.support.machines import FRAUD
from tests.support.rest_service import serving

NAME = "fraud_detection"
CODE = {"context": {"approval_code": "A-17"}}

NOWHERE = "0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71"
"""The id of no entity."""


@pytest.fixture(autouse=True)
async def machine(rest: httpx.AsyncClient) -> dict[str, Any]:
    return (await rest.post("/machines", json=FRAUD)).json()


async def start(rest: httpx.AsyncClient, key: str = "12345", **fields: Any) -> httpx.Response:
    body = {"machine": NAME, "entity_table": "transactions", "entity_id": key, **fields}
    return await rest.post("/entities", json=body)


async def started(rest: httpx.AsyncClient, key: str = "12345", **fields: Any) -> str:
    answer = await start(rest, key, **fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def move(rest: httpx.AsyncClient, entity: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
    return await rest.post(f"/entities/{entity}/transitions", json=body, headers=headers)


async def words(rest: httpx.AsyncClient, entity: str) -> list[str]:
    events = (await rest.get(f"/entities/{entity}/events")).json()["items"]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    return [event["type"] for event in events]


async def test_an_entity_is_started_moved_and_ended(rest: httpx.AsyncClient, machine) -> None:
    answer = await start(rest, data={"amount": 5000}, notes="came in")
    entity = answer.json()["id"]
    assert (answer.status_code, answer.headers["location"]) == (201, f"/api/v1/entities/{entity}")
    assert answer.json()["state"] == "initial_state"
    read = await rest.get(f"/entities/{entity}")
    assert read.headers["etag"] == answer.headers["etag"] == f'"{entity}-1"'
    assert (await rest.get(f"/entities/{entity}", headers={"If-None-Match": read.headers["etag"]})).status_code == 304
    assert read.json() | {"entered_at": 0, "created_at": 0, "updated_at": 0} == {
        "id": entity,
        "machine_id": machine["id"],
        "revision": 1,
        "entity_table": "transactions",
        "entity_id": "12345",
        "state": "initial_state",
        "sequence": 1,
        "is_final": False,
        "data": {"amount": 5000},
        "due": None,
        "entered_at": 0,
        "created_at": 0,
        "updated_at": 0,
        "completed_at": None,
    }
    moved = await move(rest, entity, to_state="processing", data={"seen": True}, executed_by="ann", **CODE)
    assert (moved.status_code, moved.json()["state"]) == (200, "processing")
    event = moved.json()["event"]
    assert (event["from_state"], event["transition"], event["on_behalf_of"]) == (
        "initial_state",
        "start_processing",
        "ann",
    )
    changed = await rest.patch(f"/entities/{entity}", json={"data": {"amount": None, "score": {"high": 1}}})
    assert (changed.json()["state"], changed.json()["event"]["type"]) == (None, "data_changed")
    done = await move(rest, entity, transition="complete")
    assert done.json()["state"] == "completed"
    ended = (await rest.get(f"/entities/{entity}")).json()
    assert (ended["is_final"], ended["data"]) == (True, {"seen": True, "score": {"high": 1}})
    for late in (move(rest, entity, to_state="cancelled"), rest.patch(f"/entities/{entity}", json={"data": {}})):
        refused = (await late).json()
        assert (refused["status"], refused["code"], refused["state"]) == (409, "entity_is_final", "completed")
    assert await words(rest, entity) == ["entity_started", "transitioned", "data_changed", "transitioned"]
    page = (await rest.get(f"/entities/{entity}/events?after=1&limit=2")).json()
    assert ([one["sequence"] for one in page["items"]], page["ended"]) == ([2, 3], False)
    assert (await rest.get(f"/entities/{entity}/events?after=3")).json()["ended"] is True


async def test_a_second_start_is_refused_with_the_id(rest: httpx.AsyncClient) -> None:
    entity = await started(rest)
    answer = await start(rest)
    assert (answer.status_code, answer.json()["code"], answer.json()["entity_id"]) == (409, "entity_exists", entity)
    other = await rest.post(f"/machines/{NAME}/entities", json={"entity_table": "t", "entity_id": "1"})
    assert other.status_code == 201
    assert (await start(rest, machine="nothing")).json()["code"] == "machine_not_found"


async def test_what_blocks_a_transition_is_named_and_listed_before(rest: httpx.AsyncClient) -> None:
    entity, before = await started(rest), {"field": "", "message": "field_required: approval_code"}
    url = f"/entities/{entity}/transitions"
    first, last = (await rest.get(url)).json()["items"]
    assert (first["name"], first["to"], first["allowed"], first["blocked_by"]) == (
        "start_processing",
        "processing",
        False,
        ["field_required: approval_code"],
    )
    assert (last["name"], last["allowed"]) == ("cancel", True)
    refused = (await move(rest, entity, transition="start_processing")).json()
    assert (refused["status"], refused["code"], refused["state"]) == (409, "conditions_not_met", "initial_state")
    assert refused["errors"] == [before]
    asked = await rest.get(url, params={"context": '{"approval_code": "x"}'})
    assert asked.json()["items"][0]["blocked_by"] == []
    assert await words(rest, entity) == ["entity_started"]
    for context in ("[]", "{", '{"a": "\\u0000"}'):
        answer = await rest.get(url, params={"context": context})
        assert (answer.status_code, answer.json()["errors"][0]["field"][:7]) == (422, "context")


async def test_a_transition_that_is_not_there_is_refused_with_those_that_are(rest: httpx.AsyncClient) -> None:
    entity = await started(rest)
    refused = (await move(rest, entity, to_state="completed")).json()
    assert (refused["status"], refused["code"]) == (409, "transition_not_possible")
    assert (refused["state"], refused["transitions"]) == ("initial_state", ["start_processing", "cancel"])
    assert refused["errors"][0]["message"] == refused["detail"]


async def test_two_ways_to_a_state_must_be_told_apart(rest: httpx.AsyncClient) -> None:
    ways = [{"from": "a", "to": "b", "name": name} for name in ("walk", "ride")]
    machine = {"name": "ways", "states": [{"name": "a", "initial": True}, "b"], "transitions": ways}
    assert (await rest.post("/machines", json=machine)).status_code == 201
    entity = await started(rest, machine="ways")
    refused = (await move(rest, entity, to_state="b")).json()
    assert (refused["code"], refused["transitions"]) == ("transition_ambiguous", ["walk", "ride"])
    assert (await move(rest, entity, to_state="b", transition="ride")).status_code == 200


async def test_of_fifty_rivals_one_wins(rest: httpx.AsyncClient) -> None:
    entity = await started(rest, data={"approval_code": "x"})
    answers = await asyncio.gather(*(move(rest, entity, transition="start_processing") for _ in range(50)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 49}
    assert {answer.json()["state"] for answer in answers} == {"processing"}
    assert await words(rest, entity) == ["entity_started", "transitioned"]


async def test_of_rivals_at_two_processes_one_wins(rest: httpx.AsyncClient, settings: Settings) -> None:
    """Each process has connections and turns of its own."""
    async with serving(settings) as other:
        entity = await started(rest, data={"approval_code": "x"})
        moves = (move(client, entity, transition="start_processing") for client in (rest, other) for _ in range(10))
        answers = await asyncio.gather(*moves)
        changes = [
            (client, {"data": {f"{name}{n}": n}}) for name, client in (("a", rest), ("b", other)) for n in range(8)
        ]
        changed = await asyncio.gather(*(client.patch(f"/entities/{entity}", json=body) for client, body in changes))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    assert {answer.status_code for answer in changed} == {200}
    assert len((await rest.get(f"/entities/{entity}")).json()["data"]) == 17
    assert await words(rest, entity) == ["entity_started", "transitioned", *["data_changed"] * 16]


async def test_a_change_can_expect_the_last_event(rest: httpx.AsyncClient) -> None:
    entity = await started(rest, data={"approval_code": "x"})
    old = (await rest.get(f"/entities/{entity}")).headers["etag"]
    first = await move(rest, entity, {"If-Match": old}, to_state="processing", expected_sequence=1)
    assert first.status_code == 200
    for headers, body in (
        ({"If-Match": old}, {}),
        ({}, {"expected_sequence": 1}),
        ({"If-Match": f"W/{first.headers['etag']}"}, {}),
        ({"If-Match": f'"{NOWHERE}-2"'}, {}),
        ({"If-Match": f'"x", {old}'}, {}),
    ):
        for answer in (
            await move(rest, entity, headers, to_state="completed", **body),
            await rest.patch(f"/entities/{entity}", json={"data": {"a": 1}, **body}, headers=headers),
        ):
            assert (answer.status_code, answer.json()["code"]) == (412, "sequence_mismatch")
    differing = await move(rest, entity, {"If-Match": first.headers["etag"]}, to_state="completed", expected_sequence=1)
    assert (differing.status_code, differing.json()["errors"][0]["field"]) == (422, "expected_sequence")
    either = await move(rest, entity, {"If-Match": f"{old}, {first.headers['etag']}"}, to_state="completed")
    assert either.status_code == 200
    assert (await rest.get(f"/entities/{entity}")).json()["sequence"] == 3


@pytest.mark.parametrize("place", ["body", "header"])
async def test_a_repetition_gets_the_same_bytes(rest: httpx.AsyncClient, place: str) -> None:
    def sent(key: str, body: dict[str, Any]) -> dict[str, Any]:
        if place == "header":
            return {"json": body, "headers": {"Idempotency-Key": key}}
        return {"json": body | {"idempotency_key": key}}

    data = {"n": 1.0, "approval_code": "é", "big": 2**63}
    body = {"machine": NAME, "entity_table": "t", "entity_id": "1", "data": data}
    first = await rest.post("/entities", **sent("s", body))
    url = f"/entities/{first.json()['id']}"
    moved = await rest.post(f"{url}/transitions", **sent("t", {"to_state": "processing", "notes": "n", **CODE}))
    patched = await rest.patch(url, **sent("p", {"data": {"x": [1, None]}}))
    assert {answer.status_code for answer in (first, moved, patched)} == {201, 200}
    await move(rest, first.json()["id"], to_state="completed")
    assert (await rest.post("/entities", **sent("s", body))).content == first.content
    again = await rest.post(f"{url}/transitions", **sent("t", {"to_state": "processing", "notes": "n", **CODE}))
    assert (again.status_code, again.content) == (200, moved.content)
    assert (await rest.patch(url, **sent("p", {"data": {"x": [1, None]}}))).content == patched.content
    assert len(await words(rest, first.json()["id"])) == 4


async def test_entities_are_listed_by_what_they_are(rest: httpx.AsyncClient) -> None:
    ids = [await started(rest, str(number)) for number in range(5)]
    await move(rest, ids[0], to_state="cancelled")

    async def listed(**query: Any) -> list[str]:
        answer = await rest.get("/entities", params=query)
        assert answer.status_code == 200, answer.text
        return [ids.index(one["id"]) for one in answer.json()["items"]]

    assert await listed() == [4, 3, 2, 1, 0]
    assert await listed(final=True) == await listed(state="cancelled") == [0]
    assert await listed(final=False, machine=NAME, limit=2) == [4, 3]
    assert await listed(entity_id="2", entity_table="transactions") == [2]
    assert await listed(entity_table="other") == []
    cursor = (await rest.get("/entities?limit=3")).json()["next_cursor"]
    last = (await rest.get(f"/entities?limit=3&cursor={cursor}")).json()
    assert ([ids.index(one["id"]) for one in last["items"]], last["next_cursor"]) == ([1, 0], None)
    assert (await rest.get("/entities?machine=nothing")).json()["code"] == "machine_not_found"


async def test_an_execution_that_cannot_be_started_holds_the_transition_back(rest: httpx.AsyncClient) -> None:
    machine = {
        "name": "order",
        "states": [{"name": "new", "initial": True}, {"name": "paid", "on_enter": "ship"}],
        "transitions": [{"from": "new", "to": "paid", "name": "pay"}],
    }
    await rest.post("/machines", json=machine)
    entity = await started(rest, machine="order")
    refused = await move(rest, entity, to_state="paid")
    assert (refused.status_code, refused.json()["code"]) == (409, "effect_failed")
    await rest.post("/workflows", json={"name": "ship", "key": "ship", "tasks": []})
    assert (await move(rest, entity, to_state="paid")).status_code == 200
    events = (await rest.get(f"/entities/{entity}/events")).json()["items"]
    assert [event["type"] for event in events] == ["entity_started", "transitioned", "workflow_started"]
    assert (await rest.get(f"/executions/{events[-1]['execution_id']}")).status_code == 200


HOSTILE = [
    ({}, "to_state"),
    ({"to_state": ""}, "to_state"),
    ({"to_state": 5}, "to_state"),
    ({"to_state": "\x00"}, "to_state"),
    ({"to_state": "cancelled", "surprise": 1}, "surprise"),
    ({"to_state": "cancelled", "context": []}, "context"),
    ({"to_state": "cancelled", "context": {"a": "\x00"}}, "context.a"),
    ({"to_state": "cancelled", "data": "x"}, "data"),
    ({"to_state": "cancelled", "notes": "x" * 10_001}, "notes"),
    ({"to_state": "cancelled", "executed_by": " "}, "executed_by"),
    ({"to_state": "cancelled", "expected_sequence": "1"}, "expected_sequence"),
    ({"to_state": "cancelled", "idempotency_key": ""}, "idempotency_key"),
    ({"to_state": "cancelled", "idempotency_key": "execution:1"}, "idempotency_key"),
]


@pytest.mark.parametrize(("body", "field"), HOSTILE)
async def test_wrong_requests_are_refused_with_paths(rest: httpx.AsyncClient, body: dict[str, Any], field: str) -> None:
    entity = await started(rest)
    answer = await move(rest, entity, **body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    assert (await rest.get(f"/entities/{entity}")).json()["sequence"] == 1


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('{"to_state": "cancelled", "to_state": "processing"}', 422),
        ('{"to_state": "\\ud800"}', 422),
        ('{"data": ' + "[" * 70 + "]" * 70 + "}", 422),
        ('{"to_state": "cancelled", "data": {"a": 1e999}}', 422),
        ('{"to_state": "cancelled", "data": {"a": "' + "x" * 70_000 + '"}}', 413),
    ],
)
async def test_hostile_texts_are_refused(rest: httpx.AsyncClient, text: str, status: int) -> None:
    entity = await started(rest)
    headers = {"content-type": "application/json"}
    for method, url in (("POST", f"/entities/{entity}/transitions"), ("PATCH", f"/entities/{entity}")):
        answer = await rest.request(method, url, content=text, headers=headers)
        assert answer.status_code == status, answer.text
    assert await words(rest, entity) == ["entity_started"]


async def test_data_does_not_outgrow_its_limit_by_changes(rest: httpx.AsyncClient) -> None:
    entity = await started(rest, data={"a": "x" * 40_000})
    answer = await rest.patch(f"/entities/{entity}", json={"data": {"b": "x" * 24_000}})
    assert answer.status_code == 200
    over = await rest.patch(f"/entities/{entity}", json={"data": {"c": "x" * 2_000}})
    assert (over.status_code, over.json()["errors"][0]["field"]) == (413, "data")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("/entities?limit=201", "limit"),
        ("/entities?cursor=x", "cursor"),
        ("/entities?state=%00", "state"),
        ("/entities?entity_id=a%00", "entity_id"),
        ("/entities?final=perhaps", "final"),
        ("/entities?surprise=1", "surprise"),
        ("/entities/nonsense", "entity_id"),
        (f"/entities/{NOWHERE}/events?after=9999999999", "after"),
        (f"/entities/{NOWHERE}/events?limit=1001", "limit"),
        ("/machines?name=%00", "name"),
    ],
)
async def test_wrong_queries_are_refused_with_names(rest: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await rest.get(query)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_an_entity_that_is_not_there_is_not_found(rest: httpx.AsyncClient) -> None:
    unknown = uuid4()
    for answer in (
        await rest.get(f"/entities/{unknown}"),
        await rest.get(f"/entities/{unknown}/events"),
        await rest.get(f"/entities/{unknown}/transitions"),
        await rest.patch(f"/entities/{unknown}", json={"data": {}}),
        await move(rest, str(unknown), to_state="x"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "entity_not_found")
