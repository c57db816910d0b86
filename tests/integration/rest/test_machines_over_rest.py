"""`/machines` over HTTP: definitions, their revisions, and migrations."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.machines import FRAUD

NAME = "fraud_detection"


def with_states(*states: dict[str, Any], transitions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": NAME, "states": list(states), "transitions": transitions}


REVIEWED = with_states(
    {"name": "initial_state", "initial": True},
    {"name": "review"},
    {"name": "completed", "final": True},
    transitions=[
        {"from": "initial_state", "to": "review", "name": "start_processing"},
        {"from": "review", "to": "completed", "name": "complete"},
    ],
)


async def create(rest: httpx.AsyncClient, document: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await rest.post("/machines", json=document or FRAUD)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def start(rest: httpx.AsyncClient, key: str = "1", **fields: Any) -> str:
    body = {"machine": NAME, "entity_table": "transactions", "entity_id": key, **fields}
    answer = await rest.post("/entities", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_a_machine_is_created_read_changed_and_deleted(rest: httpx.AsyncClient) -> None:
    created = await rest.post("/machines", json=FRAUD)
    machine = created.json()
    assert created.headers["location"] == f"/api/v1/machines/{machine['id']}"
    assert (machine["key"], machine["version"], machine["revision"]) == (NAME, "1.0", 1)
    read = await rest.get(f"/machines/{NAME}")
    assert (read.json(), read.headers["etag"]) == (machine, created.headers["etag"])
    assert (await rest.get("/machines/" + NAME, headers={"If-None-Match": read.headers["etag"]})).status_code == 304

    changed = await rest.put(f"/machines/{NAME}", json=REVIEWED, headers={"If-Match": read.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert changed.json()["revision"] == 2
    late = await rest.put(f"/machines/{NAME}", json=FRAUD, headers={"If-Match": read.headers["etag"]})
    assert (late.status_code, late.json()["code"]) == (412, "revision_mismatch")
    gone = await rest.delete(f"/machines/{NAME}", headers={"If-Match": changed.headers["etag"]})
    assert gone.json() == changed.json()
    assert (await rest.get(f"/machines/{NAME}")).json()["code"] == "machine_not_found"


async def test_a_patch_changes_what_it_names(rest: httpx.AsyncClient) -> None:
    before = await create(rest)
    answer = await rest.patch(f"/machines/{NAME}", json={"workflow": {"description": "d"}, "version": None})
    after = answer.json()
    moved = {"revision": 2, "updated_at": after["updated_at"]}
    assert after == before | {"description": "d", "version": None} | moved
    for field in ("name", "states", "transitions"):
        wrong = await rest.patch(f"/machines/{NAME}", json={field: None})
        assert (wrong.status_code, wrong.json()["errors"]) == (422, [{"field": field, "message": "is missing"}])


async def test_machines_are_listed_by_name_and_key(rest: httpx.AsyncClient) -> None:
    for number in range(3):
        await create(rest, REVIEWED | {"key": f"k{number}", "name": f"Machine {number}"})
    page = (await rest.get("/machines?limit=2&skip=1")).json()
    assert ([one["key"] for one in page["items"]], page["total"], page["pages"]) == (["k1", "k2"], 3, 2)
    assert [one["key"] for one in (await rest.get("/machines?name=MACHINE 2")).json()["items"]] == ["k2"]
    assert [one["key"] for one in (await rest.get("/machines?key=k0")).json()["items"]] == ["k0"]
    taken = await rest.post("/machines", json=REVIEWED | {"key": "k1"})
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "key")


async def test_revisions_are_compared_and_restored(rest: httpx.AsyncClient) -> None:
    first = await create(rest)
    await rest.put(f"/machines/{NAME}", json=REVIEWED)
    listed = (await rest.get(f"/machines/{NAME}/revisions")).json()["items"]
    assert [one["revision"] for one in listed] == [2, 1]
    assert (await rest.get(f"/machines/{NAME}/revisions/1")).json() == first
    changes = (await rest.get(f"/machines/{NAME}/revisions/2/changes")).json()
    assert changes["machine"] == {"version": ["1.0", None], "metadata": [{"category": "risk"}, {}]}
    assert changes["states"]["added"] == ["review"]
    assert changes["states"]["removed"] == ["processing", "cancelled"]
    assert changes["states"]["changed"] == {"initial_state": {"metadata": [{"color": "#orange"}, {}]}}
    assert changes["transitions"]["added"] == ["review: complete"]
    assert set(changes["transitions"]["changed"]) == {"initial_state: start_processing"}
    from_nothing = (await rest.get(f"/machines/{NAME}/revisions/1/changes?against=0")).json()
    assert from_nothing["machine"]["name"] == [None, NAME]

    restored = await rest.post(f"/machines/{NAME}/revisions/1/restore")
    assert restored.json() == first | {"revision": 3, "updated_at": restored.json()["updated_at"]}
    again = await rest.post(f"/machines/{NAME}/revisions/1/restore")
    assert again.json()["revision"] == 3
    for url in (f"/machines/{NAME}/revisions/9", f"/machines/{NAME}/revisions/1/changes?against=9"):
        assert (await rest.get(url)).json()["code"] == "revision_not_found"


async def test_a_machine_is_checked_without_being_stored(rest: httpx.AsyncClient) -> None:
    lonely = REVIEWED | {"states": [*REVIEWED["states"], {"name": "lonely"}]}
    verdict = (await rest.post("/machines/validate", json=lonely)).json()
    assert (verdict["valid"], [one["path"] for one in verdict["warnings"]]) == (True, ["states[3]"])
    strict = (await rest.post("/machines/validate?strict=true", json=lonely)).json()
    assert (strict["valid"], [one["path"] for one in strict["problems"]]) == (False, ["states[3]"])
    wrong = (await rest.post("/machines/validate", json={"states": [{"nme": "a"}], "surprise": 1})).json()
    assert {one["path"] for one in wrong["problems"]} == {"states[0].nme", "states[0].name", "name", "surprise"}
    assert (await rest.post("/machines?strict=true", json=lonely)).status_code == 422
    stored = await rest.post("/machines", json=lonely)
    assert [one["path"] for one in stored.json()["warnings"]] == ["states[3]"]
    assert (await rest.put(f"/machines/{NAME}", json=stored.json())).json() == stored.json()


async def test_entities_are_migrated_and_the_others_are_listed(rest: httpx.AsyncClient) -> None:
    await create(rest)
    waiting, processing = await start(rest), await start(rest, "2", data={"approval_code": "x"})
    await rest.post(f"/entities/{processing}/transitions", json={"to_state": "processing"})
    await rest.put(f"/machines/{NAME}", json=REVIEWED)
    url = f"/machines/{NAME}/migrations"
    tried = (await rest.post(url, json={"to_revision": 2, "dry_run": True})).json()
    assert tried["moved"] == [{"id": waiting, "state": "initial_state"}]
    assert tried["left"] == [{"id": processing, "state": "processing"}]
    assert (await rest.get(f"/entities/{waiting}")).json()["revision"] == 1
    done = (await rest.post(url, json={"to_revision": 2, "map": {"processing": "review"}})).json()
    assert (len(done["moved"]), done["left"]) == (2, [])
    assert (await rest.get(f"/entities/{processing}")).json()["state"] == "review"
    assert (await rest.post(url, json={"to_revision": 2})).json()["moved"] == []
    wrong = await rest.post(url, json={"to_revision": 2, "map": {"processing": "nowhere"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "map.processing")
    assert (await rest.post(url, json={"to_revision": 7})).json()["code"] == "revision_not_found"
    entries = (await rest.get("/audit?action=machine.migrate")).json()["items"]
    assert [entry["after"] for entry in entries] == [{"to_revision": 2, "map": {"processing": "review"}, "moved": 2}]


async def test_a_machine_that_governs_entities_stays(rest: httpx.AsyncClient) -> None:
    await create(rest)
    await start(rest)
    answer = await rest.delete(f"/machines/{NAME}")
    assert (answer.status_code, answer.json()["code"]) == (409, "machine_in_use")


async def test_of_two_changes_of_one_revision_one_is_made(rest: httpx.AsyncClient) -> None:
    before = await create(rest)
    bodies = [before | {"description": f"change {number}"} for number in range(5)]
    answers = await asyncio.gather(*(rest.put(f"/machines/{NAME}", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ([], 422, ["body"]),
        ({}, 422, ["name", "states"]),
        ({"name": 5, "states": {}}, 422, ["name", "states"]),
        (FRAUD | {"surprise": 1}, 422, ["surprise"]),
        (REVIEWED | {"name": "x" * 201}, 422, ["name"]),
        (REVIEWED | {"description": "\x00"}, 422, ["description"]),
        (REVIEWED | {"metadata": {"a": ["\x00"]}}, 422, ["metadata.a[0]"]),
        (REVIEWED | {"states": [{"name": str(number)} for number in range(201)]}, 422, ["states"]),
        (with_states({"name": "a", "initial": True}, {"name": "a"}, transitions=[]), 422, ["states[0].name"] * 1),
        (with_states({"name": "a"}, transitions=[{"from": "a", "to": "b"}]), 422, ["states", "transitions[0].to"]),
    ],
)
async def test_wrong_machines_are_refused_with_paths(
    rest: httpx.AsyncClient, body: Any, status: int, fields: list[str]
) -> None:
    answer = await rest.post("/machines", json=body)
    assert answer.status_code == status, answer.text
    assert {error["field"] for error in answer.json()["errors"]} >= set(fields)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('{"name": "a", "name": "b"}', 422),
        ('{"name": "\\ud800"}', 422),
        ('{"metadata": ' + "[" * 70 + "]" * 70 + "}", 422),
        ('{"metadata": {"a": "' + "x" * 70_000 + '"}}', 413),
        ('{"name": ', 400),
    ],
)
async def test_hostile_texts_are_refused(rest: httpx.AsyncClient, text: str, status: int) -> None:
    headers = {"content-type": "application/json"}
    for method, url in (("POST", "/machines"), ("PUT", "/machines/1"), ("PATCH", "/machines/1")):
        answer = await rest.request(method, url, content=text, headers=headers)
        assert answer.status_code == status, (url, answer.text)
