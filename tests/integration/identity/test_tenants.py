"""Two tenants with the same things: neither sees, changes or notices the other's.

Generated from the OpenAPI document and the proto: each operation is called by a caller of one tenant with the ids of
the other. It answers as for ids that nothing has.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import grpc
import httpx
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.permissions import Role
from app.domain.run_ids import derived_id
from tests.support.callers import Keys, bearer, metadata
from tests.support.engine_process import RunningServer
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

NORTH, SOUTH = "mark-of-the-north", "mark-of-the-south"
WAIT = {"params": {"wait": 20}}
FIRST = {"execution_type": "sync", "sequence": 1}
BODIES: Mapping[str, Any] = {
    "create_task": {"name": "new", **FIRST},
    "replace_workflow": {"name": "new"},
    "update_workflow": {"name": "new"},
    "replace_task": {"name": "new", **FIRST},
    "update_task": {"name": "new"},
    "signal_execution": {"name": "go"},
    "skip_task": {"task": "wait"},
    "rerun_execution": {"from_task": "wait"},
    "replace_schedule": {"cron": "0 3 * * *"},
    "replace_machine": {"name": "new", "states": [{"name": "a", "initial": True}]},
    "update_machine": {"description": "new"},
    "migrate_entities": {"to_revision": 1},
    "start_machine_entity": {"entity_table": "t", "entity_id": "new"},
    "update_entity": {"data": {}},
    "transition_entity": {"to_state": "b"},
}
MACHINE = {"name": "same", "states": [{"name": "a", "initial": True}, "b"]}
FILTERED = {"ListExecutions", "ListEvents", "WatchEvents"}
"""Calls that return what the tenant has of a workflow, which may be nothing. An id need not exist."""

NOT_OF_A_TENANT = {
    "create_tenant",
    "list_tenants",
    "update_tenant",
    "healthz",
    "readyz",
    "get_health",
    "get_dashboard_health",
    "get_entry",
}
"""Operations that need the role `system`, or no caller."""

OF_ALL_TENANTS = {"get_engine", "get_dashboard_agent"}
"""Engines are shared; what they have done is shown for the caller's tenant alone."""

ASKED_WITH_AN_ID = {"pg_get_transitions"}
"""Operations of which the query must name something: see tests/integration/rest/test_pg.py."""


@dataclass(frozen=True, slots=True)
class Things:
    """What one tenant has.

    headers: of an admin.
    key: the text of its key.
    ids: by the names that paths give them.
    documents: all that can be read, by path.
    """

    headers: Mapping[str, str]
    key: str
    ids: Mapping[str, str]
    documents: Mapping[str, str]


class Tenants(NamedTuple):
    north: Things
    south: Things


async def filled(rest: httpx.AsyncClient, server: RunningServer, keys: Keys, tenant: str, mark: str) -> Things:
    """The things of a new tenant. Their keys are the same in every tenant, and all texts have the mark."""
    await keys.execute("INSERT INTO tenants (key, name) VALUES ($1, $1)", tenant)
    tenant_id = await keys.value("SELECT id FROM tenants WHERE key = $1", tenant)
    key = await keys.of_role(Role.ADMIN, tenant_id=tenant_id)
    headers = bearer(key)

    async def post(path: str, body: Any, **options: Any) -> dict[str, Any]:
        answer = await rest.post(path, json=body, headers=headers, **options)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    flow = {"start_task": "wait", "tasks": [{"name": "wait", **FIRST, "type": "signal", "config": {"name": "go"}}]}
    await post("/workflows", {"name": mark, "key": "flow", **flow})
    failing = [{"name": "fail", **FIRST, "type": "transform", "config": {"value": "${input.missing}"}}]
    await post("/workflows", {"name": mark, "key": "failing", "tasks": failing})
    tasks = [
        {"name": "first", **FIRST, "type": "transform", "config": {"value": mark}},
        {
            "name": "wait",
            "execution_type": "sync",
            "type": "signal",
            "config": {"name": "go"},
            "sequence": 2,
            "description": mark,
        },
    ]
    fields = {"name": mark, "key": "same", "description": mark, "variables": {"mark": mark}}
    workflow = await post("/workflows", {**fields, "tasks": tasks})
    schedule = await post("/schedules", {"workflow": "same", "key": "same", "cron": "0 2 1 1 *", "input": {"m": mark}})
    failed = await post("/workflows/failing/executions", {"input": {"m": mark}, "idempotency_key": "same"}, **WAIT)
    assert failed["status"] == "failed"
    running = await post("/workflows/same/executions", {"input": {"m": mark}, "idempotency_key": "same"})
    run = await post("/workflows/flow/executions", {"input": {"m": mark}})
    machine = await post("/machines", {**MACHINE, "description": mark})
    thing = {"machine": "same", "entity_table": "t", "entity_id": "same", "data": {"m": mark}, "notes": mark}
    entity = await post("/entities", thing)
    suggestion = await post("/suggestions", {"workflow": "same", "title": mark, "rationale": mark})
    for started in (running, run):
        await _until_it_waits(rest, headers, started["id"])
    ids = {
        "workflow": str(workflow["id"]),
        "flow": str(workflow["id"]),
        "task": str(workflow["tasks"][1]["id"]),
        "execution": running["id"],
        "run": running["id"],
        "flow_run": run["id"],
        "schedule": str(schedule["id"]),
        "machine": str(machine["id"]),
        "entity": entity["id"],
        "revision": "1",
        "key_id": str(keys.made[key].id),
        **dict.fromkeys(("suggestion", "suggestion_id"), str(suggestion["id"])),
        **dict.fromkeys(("engine", "agent"), str(await keys.value("SELECT max(id) FROM engines"))),
    }
    paths = ["/workflows", "/executions", "/executions?status=failed", "/executions?status=running", "/schedules"]
    paths += ["/machines", "/entities", "/entities?state=a", f"/entities/{entity['id']}/events"]
    paths += ["/flows", f"/workflows/{workflow['id']}/revisions", f"/executions/{failed['id']}/events"]
    documents = {path: (await rest.get(path, headers=headers)).text for path in paths}
    return Things(headers, key, ids, documents)


async def _until_it_waits(rest: httpx.AsyncClient, headers: Mapping[str, str], execution_id: str) -> None:
    """What is read of it does not change any more."""
    while True:
        tasks = (await rest.get(f"/executions/{execution_id}/tasks", headers=headers)).json()["items"]
        if tasks[-1]["started_at"] is not None:
            return
        await asyncio.sleep(0.01)


@pytest.fixture
async def tenants(rest: httpx.AsyncClient, server: RunningServer, keys: Keys) -> Tenants:
    north, south = [await filled(rest, server, keys, *named) for named in (("north", NORTH), ("south", SOUTH))]
    return Tenants(north, south)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, method and path of every operation that takes a caller."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if (name := operation["operationId"]) not in NOT_OF_A_TENANT:
                yield name, method.upper(), path


def without_ids(text: str, ids: Mapping[str, str]) -> str:
    for value in ids.values():
        text = re.sub(rf"\b{value}\b", "…", text)
    return text


UNKNOWN = dict.fromkeys(
    ("workflow", "flow", "task", "schedule", "machine", "key_id", "suggestion", "suggestion_id"), "999999"
) | {
    "execution": str(UUID(int=7 << 64)),
    "run": str(UUID(int=7 << 64)),
    "flow_run": str(UUID(int=7 << 64)),
    "entity": str(UUID(int=7 << 64)),
    "revision": "1",
}


async def test_ids_of_another_tenant_are_as_ids_that_nothing_has(rest: httpx.AsyncClient, tenants: Tenants) -> None:
    north, south = tenants
    document = (await rest.get("/openapi.json", headers=south.headers)).json()
    asked = 0
    for name, method, path in operations(document):
        if "{" not in path or name in OF_ALL_TENANTS:
            continue
        asked += 1
        answers = []
        for ids in (north.ids, UNKNOWN):
            url = re.sub(r"{(\w+)}", lambda found, ids=ids: ids[found[1]], path)
            body = BODIES.get(name, {}) if method in ("POST", "PUT", "PATCH") else None
            sent = {**south.headers, "X-Request-ID": "r"}
            answer = await rest.request(method, url, headers=sent, json=body)
            answers.append((answer.status_code, without_ids(answer.text, ids)))
            assert "etag" not in answer.headers, name
        assert answers[0] == answers[1], name
        assert answers[0][0] == 404, (name, answers)
    assert asked > 35
    assert {path: (await rest.get(path, headers=north.headers)).text for path in north.documents} == north.documents


async def test_nothing_that_is_read_has_the_mark_of_another_tenant(rest: httpx.AsyncClient, tenants: Tenants) -> None:
    for one, own, other in ((tenants.north, NORTH, SOUTH), (tenants.south, SOUTH, NORTH)):
        document = (await rest.get("/openapi.json", headers=one.headers)).json()
        seen = 0
        for name, method, path in operations(document):
            if name in ASKED_WITH_AN_ID:
                continue
            if method == "GET" and not path.endswith("/stream"):  # which has no end here
                # By the keys, which are those of the other tenant, too.
                url = re.sub(r"{(workflow|schedule|machine)}", "same", path).replace("{flow}", "flow")
                url = re.sub(r"{(\w+)}", lambda found, one=one: one.ids[found[1]], url)
                answer = await rest.get(url, headers=one.headers)
                assert answer.status_code == 200, (url, answer.text)
                assert other not in answer.text, url
                seen += own in answer.text
        assert seen > 12


async def test_lists_have_only_what_the_tenant_has(rest: httpx.AsyncClient, tenants: Tenants) -> None:
    north, south = tenants
    for path, count in (("/workflows", 3), ("/flows", 1), ("/schedules", 1), ("/machines", 1), ("/keys", 1)):
        page = (await rest.get(path, headers=south.headers)).json()
        assert (page["total"], len(page["items"])) == (count, count), path
    assert len((await rest.get("/executions", headers=south.headers)).json()["items"]) == 3
    for status, count in (("failed", 1), ("cancelled", 0), ("running", 2)):
        items = (await rest.get("/executions", params={"status": status}, headers=south.headers)).json()["items"]
        assert len(items) == count, status
    execution = north.ids["execution"]
    for filters in ({"workflow_id": north.ids["workflow"]}, {"parent": execution}, {"root_id": execution}):
        answer = await rest.get("/executions", params=filters, headers=south.headers)
        assert answer.json()["items"] == [], filters
    for filters in ({"machine": "same"}, {"state": "a"}, {"entity_id": "same"}, {}):
        found = (await rest.get("/entities", params=filters, headers=south.headers)).json()["items"]
        assert [entity["id"] for entity in found] == [south.ids["entity"]], filters
    # A cursor is a place in time, not an execution.
    later = await rest.get("/executions", params={"cursor": str(UUID(int=2**128 - 1))}, headers=south.headers)
    assert NORTH not in later.text


async def test_another_tenants_workflow_cannot_be_named_in_a_body(rest: httpx.AsyncClient, tenants: Tenants) -> None:
    north, south = tenants
    theirs, headers = north.ids["workflow"], {"headers": south.headers}
    answer = await rest.post("/schedules", json={"workflow": theirs, "cron": "0 2 * * *"}, **headers)
    assert answer.status_code == 404
    calling = {"name": "c", "tasks": [{"name": "call", **FIRST, "type": "workflow", "config": {"workflow": theirs}}]}
    verdict = (await rest.post("/workflows/validate", json=calling, **headers)).json()
    assert verdict["warnings"][0]["message"].startswith(f"there is no workflow '{theirs}'")
    assert (await rest.post("/workflows", params={"strict": True}, json=calling, **headers)).status_code == 422
    created = (await rest.post("/workflows", json={**calling, "key": "calling"}, **headers)).json()
    assert created["warnings"] == verdict["warnings"]
    run = (await rest.post("/workflows/calling/executions", **WAIT, **headers)).json()
    assert (run["status"], NORTH in str(run)) == ("failed", False)
    assert f"workflow '{theirs}'" in run["error"]["message"]
    # That of its own tenant with the same key is found.
    calling["tasks"][0]["config"] = {"workflow": "failing"}
    assert "warnings" not in (await rest.post("/workflows", params={"strict": True}, json=calling, **headers)).json()


async def test_a_run_id_of_another_tenant_reveals_nothing_of_it(rest: httpx.AsyncClient, tenants: Tenants) -> None:
    north, south = tenants
    answers = []
    for run_id, workflow in ((north.ids["execution"], "same"), (south.ids["execution"], "flow")):
        body = {"workflow_id": workflow, "run_id": run_id}
        answer = await rest.post("/trigger", json=body, headers={**south.headers, "X-Request-ID": "r"})
        answers.append((answer.status_code, answer.text.replace(run_id, "…")))
    # As for the run of another workflow of the own tenant.
    assert answers[0] == answers[1]
    assert (answers[0][0], NORTH in answers[0][1]) == (409, False)
    documents = {path: (await rest.get(path, headers=north.headers)).text for path in north.documents}
    assert documents == north.documents


async def test_a_text_is_another_run_in_each_tenant(rest: httpx.AsyncClient, tenants: Tenants) -> None:
    body = {"workflow_id": "same", "run_id": "order-1"}
    one, other = [(await rest.post("/trigger", json=body, headers=tenant.headers)).json() for tenant in tenants]
    assert one["run_id"] != other["run_id"]
    north, south = tenants
    for run_id in ("order-1", other["run_id"]):
        assert (await rest.get(f"/runs/{run_id}", headers=south.headers)).json()["uuid"] == other["run_id"]
    assert (await rest.get(f"/runs/{one['run_id']}", headers=south.headers)).status_code == 404

    # The id that another tenant's text stands for cannot be taken from it.
    stolen = str(derived_id("order-2", "north"))
    taken = await rest.post("/trigger", json=body | {"run_id": stolen}, headers=south.headers)
    assert (taken.status_code, taken.json()["run_id"] == stolen) == (202, False)
    assert (await rest.get(f"/runs/{stolen}", headers=south.headers)).json()["uuid"] == taken.json()["run_id"]
    kept = await rest.post("/trigger", json=body | {"run_id": "order-2"}, headers=north.headers)
    assert (kept.status_code, kept.json()["run_id"]) == (202, stolen)


async def test_a_key_of_one_tenant_is_free_in_another(rest: httpx.AsyncClient, tenants: Tenants, keys: Keys) -> None:
    north, south = tenants
    assert (await rest.post("/workflows", json={"name": "n", "key": "same"}, headers=south.headers)).status_code == 409
    await keys.execute("INSERT INTO tenants (key, name) VALUES ('west', 'West')")
    west = bearer(await keys.of_role(Role.ADMIN, tenant_id=await keys.value("SELECT max(id) FROM tenants")))
    assert (await rest.get("/workflows/same", headers=west)).status_code == 404
    assert (await rest.get("/workflows", headers=west)).json()["total"] == 0
    made = await rest.post(
        "/workflows", json={"name": "n", "key": "same", "tasks": [{"name": "a", **FIRST}]}, headers=west
    )
    assert made.status_code == 201
    body = {"idempotency_key": "same"}
    started = (await rest.post("/workflows/same/executions", json=body, headers=west)).json()
    assert started["id"] not in (north.ids["execution"], south.ids["execution"])
    read = await rest.get("/workflows/same", headers=west)
    assert read.headers["etag"] != (await rest.get("/workflows/same", headers=south.headers)).headers["etag"]


async def test_every_rpc_answers_not_found(server: RunningServer, tenants: Tenants) -> None:
    more = {"SignalExecution": {"name": "go"}, "SkipTask": {"task": "wait"}, "RerunExecution": {"from_task": "wait"}}
    workflow, execution = tenants.north.ids["workflow"], tenants.north.ids["execution"]
    asked = 0
    for method in pb.DESCRIPTOR.services_by_name["WorkflowService"].methods:
        if method.name not in FILTERED:
            of_execution = "execution_id" in method.input_type.fields_by_name
            named = {"execution_id": execution} if of_execution else {"workflow_id": workflow}
            request = getattr(pb, method.input_type.name)(**named, **more.get(method.name, {}))
            call = getattr(server.stub, method.name)(request, metadata=metadata(tenants.south.key))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await (call.read() if method.server_streaming else call)
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND, method.name
            assert NORTH not in str(caught.value.details())
            asked += 1
    assert asked > 10


async def test_rpcs_list_only_what_the_tenant_has(server: RunningServer, tenants: Tenants) -> None:
    workflow, execution = tenants.north.ids["workflow"], tenants.north.ids["execution"]
    for filters, count in (
        ({}, 3),
        ({"workflow_id": workflow}, 0),
        ({"parent_execution_id": execution}, 0),
        ({"root_execution_id": execution}, 0),
    ):
        request = pb.ListExecutionsRequest(**filters)
        page = await server.stub.ListExecutions(request, metadata=metadata(tenants.south.key))
        assert len(page.executions) == count, filters


async def test_a_stream_is_that_of_the_own_tenant(server: RunningServer, tenants: Tenants) -> None:
    request = pb.WatchExecutionRequest(execution_id=tenants.south.ids["execution"])
    stream = server.stub.WatchExecution(request, metadata=metadata(tenants.south.key))
    assert (await stream.read()).execution_id == tenants.south.ids["execution"]
    stream.cancel()
