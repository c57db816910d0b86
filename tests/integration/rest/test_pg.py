"""The tables and functions of PostgREST over HTTP: the sample calls, the forms of answers, and errors."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.support.machines import FRAUD, MachineHouse, machine_house
from tests.support.tenant import CALLER

NAME = "fraud_detection"
THING = {"entity_table": "transactions", "entity_id": "12345"}
ONE = {"Accept": "application/vnd.pgrst.object+json"}
COUNTED = {"Prefer": "return=representation, count=exact"}
ERROR = {"code", "details", "hint", "message"}


@pytest.fixture
async def house(database_url: str, rest: httpx.AsyncClient) -> AsyncIterator[MachineHouse]:
    """With a machine."""
    async with machine_house(database_url) as house:
        await house.define(FRAUD)
        yield house


async def call(rest: httpx.AsyncClient, function: str, **arguments: Any) -> Any:
    answer = await rest.post(f"/pg/rpc/{function}", json=arguments)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def start(rest: httpx.AsyncClient, key: Any = "12345", **arguments: Any) -> str:
    found: str = await call(rest, "start_workflow", workflow_name=NAME, **{**THING, "entity_id": key}, **arguments)
    return found


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["code"], set(document)) == (status, code, ERROR), answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    return document


@pytest.mark.parametrize("base", ["/pg", ""])
async def test_the_sample_calls(rest: httpx.AsyncClient, house: MachineHouse, base: str) -> None:
    [workflow] = (await rest.get(f"{base}/api/workflows?name=eq.{NAME}&select=id,name")).json()
    assert set(workflow) == {"id", "name"}
    body = {
        "workflow_definition_id": str(workflow["id"]),
        **THING,
        "metadata": {"amount": 5000, "risk_score": "medium"},
    }
    instance = (await rest.post(f"{base}/rpc/start_workflow_by_id", json=body)).json()
    assert UUID(instance)
    moving = {"instance_id": instance, "to_state": "processing", "executed_by": "security_analyst_1", "notes": "Odd"}
    document = refused(await rest.post(f"{base}/rpc/execute_transition", json=moving), 409, "conditions_not_met")
    assert "field_required: approval_code" in document["message"]
    assert document["details"] == "field_required: approval_code"
    moving["context"], moving["metadata"] = {"approval_code": "A"}, {"amount": None, "seen": True}
    moved = await rest.post(f"{base}/rpc/execute_transition", json=moving)
    assert (moved.status_code, moved.json()) == (200, True)
    [entity] = (await rest.get(f"{base}/api/entity_workflows?workflow_name=eq.{NAME}&order=updated_at.desc")).json()
    assert entity == {
        "id": instance,
        "workflow_definition_id": workflow["id"],
        "workflow_name": NAME,
        **THING,
        "current_state": "processing",
        "status": "active",
        "metadata": {"risk_score": "medium", "seen": True},
        "sequence": 2,
        "started_at": entity["started_at"],
        "updated_at": entity["updated_at"],
        "completed_at": None,
    }
    path = f"{base}/api/workflow_history?entity_workflow_instance_id=eq.{instance}"
    [first, second] = (await rest.get(path)).json()
    assert (first["from_state"], first["to_state"], first["metadata"]) == (None, "initial_state", body["metadata"])
    assert second == {
        "id": f"{instance}:2",
        "entity_workflow_instance_id": instance,
        "sequence": 2,
        "from_state": "initial_state",
        "to_state": "processing",
        "transition_name": "start_processing",
        "executed_by": "security_analyst_1",
        "notes": "Odd",
        "context": {"approval_code": "A"},
        "metadata": {"amount": None, "seen": True},
        "executed_at": entity["updated_at"],
    }


async def test_functions_take_what_curl_sends_without_a_header(rest: httpx.AsyncClient, house: MachineHouse) -> None:
    as_form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b'{"workflow_name": "fraud_detection", "entity_table": "t", "entity_id": 7}'
    assert (await rest.post("/rpc/start_workflow", content=body, headers=as_form)).status_code == 200
    assert [row["entity_id"] for row in (await rest.get("/pg/api/entity_workflows")).json()] == ["7"]
    refused(await rest.post("/rpc/start_workflow", content=b"a=b", headers=as_form), 400, "PGRST102")


async def test_a_second_start_names_the_instance(rest: httpx.AsyncClient, house: MachineHouse) -> None:
    instance = await start(rest, idempotency_key="k")
    body = {"workflow_name": NAME, **THING}
    document = refused(await rest.post("/pg/rpc/start_workflow", json=body), 409, "23505")
    assert instance in document["message"]
    assert await start(rest, idempotency_key="k") == instance


async def test_a_repeated_transition_has_the_same_answer(rest: httpx.AsyncClient, house: MachineHouse) -> None:
    instance = await start(rest)
    arguments = {"instance_id": instance, "transition_name": "cancel", "idempotency_key": "k"}
    for _ in range(2):
        assert await call(rest, "execute_transition", **arguments) is True
    again = await rest.post("/pg/rpc/execute_transition", json={**arguments, "idempotency_key": "l"})
    refused(again, 409, "entity_is_final")
    [entity] = (await rest.get(f"/pg/api/entity_workflows?id=eq.{instance}")).json()
    assert (entity["status"], entity["completed_at"]) == ("completed", entity["updated_at"])


async def test_transitions_say_what_blocks_them(rest: httpx.AsyncClient, house: MachineHouse) -> None:
    instance = await start(rest)
    found = (await rest.get("/pg/rpc/get_transitions", params={"instance_id": instance})).json()
    assert found[0] == {
        "name": "start_processing",
        "to_state": "processing",
        "allowed": False,
        "blocked_by": ["field_required: approval_code"],
        "context": {},
        "metadata": {},
    }
    assert [one["allowed"] for one in found] == [False, True]
    context = {"instance_id": instance, "context": '{"approval_code": "A"}'}
    by_query = (await rest.get("/rpc/get_transitions", params=context)).json()
    assert by_query == await call(rest, "get_transitions", instance_id=instance, context={"approval_code": "A"})
    assert [one["allowed"] for one in by_query] == [True, True]
    for wrong in ("[", "[]", '{"a": 1, "a": 2}'):
        answer = await rest.get("/pg/rpc/get_transitions", params={"instance_id": instance, "context": wrong})
        refused(answer, 400, "22P02")


async def test_a_workflow_is_started_by_its_name_or_its_key(rest: httpx.AsyncClient, house: MachineHouse) -> None:
    spaced = await house.define({**FRAUD, "workflow": {"name": "with a space"}})
    twins = [await house.define({**FRAUD, "key": f"twin-{n}", "workflow": {"name": "twins"}}) for n in (1, 2)]
    for name, machine in (("with a space", spaced), ("twin-2", twins[1])):
        instance = await call(rest, "start_workflow", workflow_name=name, **THING)
        assert (await house.entities.get(CALLER, UUID(instance))).machine_id == machine.id
    both = await rest.post("/pg/rpc/start_workflow", json={"workflow_name": "twins", **THING})
    assert "start_workflow_by_id" in refused(both, 409, "42725")["hint"]
    for name in ("nothing", "not a key", ""):
        answer = await rest.post("/pg/rpc/start_workflow", json={"workflow_name": name, **THING})
        refused(answer, 404, "machine_not_found")


async def test_rows_are_counted_and_cut(rest: httpx.AsyncClient, house: MachineHouse) -> None:
    for key in range(5):
        await start(rest, key)
    for query, headers, status, bounds in (
        ("", {}, 200, "0-4/*"),
        ("", COUNTED, 200, "0-4/5"),
        ("limit=2", {}, 200, "0-1/*"),
        ("limit=2", COUNTED, 206, "0-1/5"),
        ("limit=2&offset=4", COUNTED, 206, "4-4/5"),
        ("offset=5", COUNTED, 206, "*/5"),
        ("limit=0", COUNTED, 206, "*/5"),
        ("entity_id=eq.9", COUNTED, 200, "*/0"),
        ("entity_id=in.(1,3)", COUNTED, 200, "0-1/2"),
        ("limit=1000000", {}, 200, "0-4/*"),
    ):
        answer = await rest.get(f"/pg/api/entity_workflows?{query}", headers=headers)
        assert (answer.status_code, answer.headers["content-range"]) == (status, bounds), query
        assert ("preference-applied" in answer.headers) == bool(headers)
    document = refused(await rest.get("/pg/api/entity_workflows?offset=6", headers=COUNTED), 416, "PGRST103")
    assert document["details"] == "An offset of 6 was requested, but there are only 5 rows."
    head = await rest.head("/pg/api/entity_workflows", headers=COUNTED)
    assert (head.status_code, head.headers["content-range"], head.content) == (200, "0-4/5", b"")


async def test_one_row_is_an_object(rest: httpx.AsyncClient, house: MachineHouse) -> None:
    answer = await rest.get("/pg/api/workflows?select=name,category:metadata->>category", headers=ONE)
    assert answer.json() == {"name": NAME, "category": "risk"}
    assert answer.headers["content-type"] == "application/vnd.pgrst.object+json"
    document = refused(await rest.get("/pg/api/workflow_states", headers=ONE), 406, "PGRST116")
    assert document["details"] == "The result contains 4 rows"


async def test_states_and_transitions_are_those_of_the_current_revision(
    rest: httpx.AsyncClient, house: MachineHouse
) -> None:
    finals = (await rest.get("/pg/api/workflow_states?is_final=is.true&select=name&order=name")).json()
    assert finals == [{"name": "cancelled"}, {"name": "completed"}]
    query = "conditions->>field_required=eq.approval_code&select=from_state,to_state,needs:conditions->field_required"
    [one] = (await rest.get(f"/pg/api/workflow_transitions?{query}")).json()
    assert one == {"from_state": "initial_state", "to_state": "processing", "needs": "approval_code"}


WRONG_READS = [
    ("/pg/api/entity_workflows?order=state;drop", 400, "42703"),
    ("/pg/api/entity_workflows?order=current_state;drop", 400, "PGRST100"),
    ("/pg/api/entity_workflows?order=current_state%3Bdrop%20table%20entities", 400, "PGRST100"),
    ("/pg/api/entity_workflows?id=eq.1'--", 400, "22P02"),
    ("/pg/api/entity_workflows?tenant_id=eq.1", 400, "42703"),
    ("/pg/api/entity_workflows?1=1", 400, "42703"),
    ("/pg/api/entity_workflows?select=id,e.tenant_id", 400, "42703"),
    ("/pg/api/entity_workflows?select=*,workflows(*)", 400, "42703"),
    ("/pg/api/entity_workflows?started_at=gt.never", 400, "22007"),
    ("/pg/api/entity_workflows?entity_id=eq.%00", 400, "22021"),
    ("/pg/api/entity_workflows?sequence=eq." + "9" * 5_000, 400, "22003"),
    ("/pg/api/entity_workflows?" + "&".join(["sequence=eq.1"] * 21), 400, "54000"),
    ("/pg/api/entity_workflows?and=" + "(and" * 50 + ")" * 50, 400, "PGRST100"),
    ("/api/workflows?nothing=eq.1", 400, "42703"),
    ("/pg/api/nothing", 404, "PGRST205"),
    ("/pg/rpc/nothing", 404, "PGRST202"),
    ("/rpc/nothing", 404, "PGRST202"),
    ("/pg/nothing", 404, "PGRST125"),
    ("/pg/rpc/start_workflow", 405, "PGRST117"),
    ("/pg/rpc/get_transitions", 422, "22023"),
    ("/pg/rpc/get_transitions?instance_id=x", 400, "22P02"),
    (f"/pg/rpc/get_transitions?instance_id={uuid4()}", 404, "entity_not_found"),
    (f"/pg/rpc/get_transitions?instance_id={uuid4()}&more=1", 422, "22023"),
]
WRONG_CALLS: list[tuple[str, Any, int, str]] = [
    ("start_workflow", {}, 422, "22023"),
    ("start_workflow", {"workflow_name": NAME, **THING, "nothing": 1}, 422, "22023"),
    ("start_workflow", {"workflow_name": NAME, "entity_table": " ", "entity_id": "1"}, 422, "22023"),
    ("start_workflow", {"workflow_name": NAME, **THING, "metadata": []}, 422, "22023"),
    ("start_workflow", {"workflow_name": NAME, **THING, "metadata": {"a": "x" * 65_530}}, 413, "too_large"),
    ("start_workflow", {"workflow_name": NAME, **THING, "metadata": {"a": "x" * 70_000}}, 413, "too_large"),
    ("start_workflow", {"workflow_name": "a\u0000b", **THING}, 422, "22023"),
    ("start_workflow_by_id", {"workflow_definition_id": 99, **THING}, 404, "machine_not_found"),
    ("start_workflow_by_id", {"workflow_definition_id": "9" * 99, **THING}, 404, "machine_not_found"),
    ("execute_transition", {"instance_id": "x", "to_state": "a"}, 400, "22P02"),
    ("execute_transition", {"instance_id": str(uuid4()), "to_state": "a"}, 404, "entity_not_found"),
    ("execute_transition", {"instance_id": str(uuid4())}, 422, "22023"),
    ("nothing", {}, 404, "PGRST202"),
]


async def test_a_wrong_read_is_refused(rest: httpx.AsyncClient) -> None:
    for path, status, code in WRONG_READS:
        document = refused(await rest.get(path), status, code)
        assert len(document["message"]) < 500 or code.startswith("22"), path


async def test_a_wrong_call_is_refused(rest: httpx.AsyncClient, house: MachineHouse) -> None:
    for function, body, status, code in WRONG_CALLS:
        refused(await rest.post(f"/pg/rpc/{function}", json=body), status, code)


async def test_other_bodies_and_methods_are_refused(rest: httpx.AsyncClient) -> None:
    json = {"Content-Type": "application/json"}
    refused(await rest.post("/pg/rpc/start_workflow", content=b"{", headers=json), 400, "PGRST102")
    refused(await rest.post("/pg/rpc/start_workflow", content=b"x"), 415, "unsupported_media_type")
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        answer = await rest.request(method, "/pg/api/workflows", json={})
        refused(answer, 405, "PGRST117")
        assert answer.headers["allow"] == "GET, HEAD"
    refused(await rest.get("/pg/api/workflows", headers={"Host": "elsewhere.example"}), 421, "unknown_host")


async def test_paths_beside_the_dialect_have_problems_as_before(rest: httpx.AsyncClient) -> None:
    for path in ("/api/nothing", "/api", "/api/v1/pg/api/workflows", "/pgx", "/rpc"):
        answer = await rest.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "path_not_found"), path
        assert answer.headers["content-type"] == "application/problem+json"


async def test_values_are_only_values(rest: httpx.AsyncClient, house: MachineHouse) -> None:
    for key in ("it's", '"; DROP TABLE entities; --', "$1", "a\\", "x" * 200, "%", "null"):
        instance = await start(rest, key)
        for operation in (f"eq.{key}", f"not.neq.{key}", f"isdistinct.{key}x"):
            found = (await rest.get("/pg/api/entity_workflows", params={"entity_id": operation})).json()
            assert instance in [row["id"] for row in found], operation
    huge = await rest.get("/pg/api/entity_workflows", params={"entity_id": f"eq.{'x' * 60_000}"})
    assert (huge.status_code, huge.json()) == (200, [])
