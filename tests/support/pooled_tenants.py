"""A service of several tenants behind a pooler, and clients that look whether they ever get what is not theirs."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import httpx

from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.permissions import Role
from tests.support.callers import Keys, bearer, metadata

MARK = "mark-of-tenant-"
SIGNAL = {"execution_type": "sync", "sequence": 1, "type": "signal", "config": {"name": "go"}}
OWN, REFUSED = "own", "foreign refused"


@dataclass(frozen=True, slots=True)
class Tenant:
    """What one tenant has. Everything that can be read of it contains its mark, and that of no other.

    mark: a text that nothing of another tenant contains.
    key: of an editor.
    workflow_id: its workflow, whose key `same` every tenant has.
    execution_id: an execution that waits.
    schedule_id: its schedule.
    """

    mark: str
    key: str
    workflow_id: int
    execution_id: str
    schedule_id: int


async def filled_tenant(rest: httpx.AsyncClient, keys: Keys, number: int) -> Tenant:
    """A new tenant with one of each."""
    mark = f"{MARK}{number}-"
    await keys.execute("INSERT INTO tenants (key, name) VALUES ($1, 'a tenant')", f"tenant-{number}")
    tenant_id = await keys.value("SELECT id FROM tenants WHERE key = $1", f"tenant-{number}")
    key = await keys.of_role(Role.EDITOR, tenant_id=tenant_id)

    async def post(path: str, body: Mapping[str, Any]) -> Any:
        answer = await rest.post(path, json=body, headers=bearer(key))
        assert answer.is_success, answer.text
        return answer.json()

    workflow = await post("/workflows", {"key": "same", "name": mark, "tasks": [{"name": "wait", **SIGNAL}]})
    body = {"key": "same", "workflow": "same", "cron": "0 2 1 1 *", "input": {"mark": mark}}
    schedule = await post("/schedules", body)
    execution = await post("/workflows/same/executions", {"input": {"mark": mark}, "idempotency_key": mark})
    return Tenant(mark, key, workflow["id"], execution["id"], schedule["id"])


class TenantClient:
    """Calls as one of the tenants after another, as a process serves its callers.

    rest: the REST service.
    stub: the gRPC service.
    tenants: all of them.
    chance: chooses who calls what.
    """

    def __init__(self, rest: httpx.AsyncClient, stub: Any, tenants: list[Tenant], chance: random.Random) -> None:
        self._rest = rest
        self._stub = stub
        self._tenants = tenants
        self._chance = chance
        self.counts: Counter[str] = Counter()

    async def call(self) -> None:
        """One call for what the tenant has, and one for what another one has."""
        own, other = self._chance.sample(self._tenants, 2)
        calls: list[Callable[[Tenant, Tenant], Awaitable[None]]] = [self._read, self._list, self._change, self._grpc]
        await self._chance.choice(calls)(own, other)

    async def _read(self, own: Tenant, other: Tenant) -> None:
        read = self._chance.choice(
            (
                lambda of: f"/workflows/{of.workflow_id}",
                lambda of: f"/executions/{of.execution_id}",
                lambda of: f"/schedules/{of.schedule_id}",
                lambda of: f"/workflows/{of.workflow_id}/revisions/1",
            )
        )
        self._note(own, await self._rest.get(read(own), headers=bearer(own.key)), 200)
        self._note_refused(other, await self._rest.get(read(other), headers=bearer(own.key)))

    async def _list(self, own: Tenant, other: Tenant) -> None:
        path = self._chance.choice(("/workflows", "/executions", "/schedules", "/workflows/same", "/schedules/same"))
        self._note(own, await self._rest.get(path, headers=bearer(own.key)), 200)

    async def _change(self, own: Tenant, other: Tenant) -> None:
        """A transaction of several statements each."""
        body = {"description": f"{own.mark}{self._chance.random()}"}
        headers = bearer(own.key)
        changed = await self._rest.patch("/workflows/same", json=body, headers=headers)
        self._note(own, changed, 200, 409)
        started = {"input": {"mark": own.mark}, "idempotency_key": f"{own.mark}{self._chance.random()}"}
        self._note(own, await self._rest.post("/workflows/same/executions", json=started, headers=headers), 202)
        path = f"/workflows/{other.workflow_id}"
        self._note_refused(other, await self._rest.patch(path, json=body, headers=headers))
        self._note_refused(other, await self._rest.post(f"{path}/executions", json=started, headers=headers))

    async def _grpc(self, own: Tenant, other: Tenant) -> None:
        options = {"metadata": metadata(own.key), "timeout": 60}
        listed = await self._stub.ListExecutions(pb.ListExecutionsRequest(page_size=5), **options)
        foreign = [e for e in listed.executions if e.workflow_id != str(own.workflow_id)]
        self.counts[OWN if listed.executions and not foreign else "foreign: ListExecutions"] += 1
        for method, request in (
            (self._stub.GetWorkflowStatus, pb.GetWorkflowStatusRequest(execution_id=other.execution_id)),
            (self._stub.CancelExecution, pb.CancelExecutionRequest(execution_id=other.execution_id)),
            (self._stub.StartWorkflow, pb.StartWorkflowRequest(workflow_id=str(other.workflow_id))),
        ):
            try:
                await method(request, **options)
            except grpc.aio.AioRpcError as error:
                is_refused = error.code() is grpc.StatusCode.NOT_FOUND
                self.counts[REFUSED if is_refused else f"failed: {error.code()} {error.details()}"] += 1
            else:
                self.counts[f"foreign: {type(request).__name__}"] += 1

    def _note(self, own: Tenant, answer: httpx.Response, *expected: int) -> None:
        self.counts[_verdict(own, answer, expected)] += 1

    def _note_refused(self, other: Tenant, answer: httpx.Response) -> None:
        is_refused = answer.status_code == 404 and MARK not in answer.text
        self.counts[REFUSED if is_refused else f"foreign: {_told(answer)}"] += 1


def _verdict(own: Tenant, answer: httpx.Response, expected: tuple[int, ...]) -> str:
    if answer.status_code not in expected:
        return f"failed: {_told(answer)}"
    others = answer.text.count(MARK) - answer.text.count(own.mark)
    is_own = answer.status_code != expected[0] or own.mark in answer.text
    return OWN if is_own and not others else f"foreign: {_told(answer)}"


def _told(answer: httpx.Response) -> str:
    return f"{answer.request.method} {answer.request.url.path} {answer.status_code} {answer.text[:200]}"
