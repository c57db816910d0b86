"""Each operation that changes something leaves exactly one entry: of its caller, about its target, by its request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import httpx
import pytest

from app.adapters.database.audit import PostgresAudit
from app.adapters.database.identity import PostgresTenantStore
from app.adapters.database.pool import Pool, open_pool
from app.api.grpc.generated import workflow_pb2 as pb
from app.audit.entry import Link
from app.audit.ports import EntryFilter
from app.cli.verifying import verdict_on
from app.config import Settings
from app.domain.callers import DEFAULT_TENANT, DEFAULT_TENANT_ID
from app.domain.permissions import Role
from tests.support.audited import AUDITED
from tests.support.callers import Keys, bearer, metadata
from tests.support.databases import ask
from tests.support.engine_process import RunningServer
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

WAITING = {
    "name": "waits",
    "tasks": [
        {"name": "wait", "execution_type": "sync", "type": "signal", "sequence": 1, "config": {"name": "go"}},
        {"name": "log", "execution_type": "sync", "type": "log", "sequence": 2, "config": {"message": "m"}},
    ],
}
FUNCTIONS = "examples.sample_flow.functions"
FLOW = {"id": "flow1", "name": "F", "start_task": "task1", "tasks": [{"name": "task1"}], "conditions": []}
MACHINE = {"name": "No slug", "states": [{"name": "a", "initial": True}]}
YEARLY = {"cron": "0 0 1 1 *"}
SECONDS = 20

Body = dict[str, Any]


CLIENT = "203.0.113.7"


class Actor:
    """Calls both APIs with a key, through a proxy.

    text: the key.
    principal: as the audit log names it.
    """

    def __init__(self, rest: httpx.AsyncClient, server: RunningServer, text: str) -> None:
        self.text = text
        self.principal = f"key:{text[4:12]}"
        self._rest = rest
        self._server = server

    async def ask(self, method: str, path: str, body: Body | None = None, request_id: str = "r-1") -> Body:
        headers = {**bearer(self.text), "X-Request-ID": request_id, "X-Forwarded-For": CLIENT}
        answer = await self._rest.request(method, path, json=body, headers=headers)
        assert answer.is_success, (method, path, answer.text)
        assert answer.headers["x-request-id"] == request_id
        document: Body = answer.json() if answer.content else {}
        return document

    async def call(self, name: str, message: Any, request_id: str = "r-1") -> Any:
        sent = (*metadata(self.text), ("x-request-id", request_id), ("x-forwarded-for", CLIENT))
        call = getattr(self._server.stub, name)(message, metadata=sent, timeout=SECONDS)
        answer = await call
        assert dict(await call.initial_metadata())["x-request-id"] == request_id
        return answer


class House:
    """What the operations need before: made by another caller than the one that is looked at."""

    def __init__(self, maker: Actor, server: RunningServer) -> None:
        self.maker = maker
        self.server = server

    async def workflow(self) -> Body:
        return await self.maker.ask("POST", "/workflows", WAITING)

    async def execution(self) -> str:
        """An execution that waits for a signal."""
        workflow = await self.workflow()
        started = await self.maker.ask("POST", f"/workflows/{workflow['id']}/executions")
        return str(started["id"])

    async def ended(self) -> str:
        """An execution that was cancelled."""
        execution = await self.execution()
        await self.maker.ask("POST", f"/executions/{execution}/cancel")
        call = self.server.stub.WatchExecution(
            pb.WatchExecutionRequest(execution_id=execution), metadata=metadata(self.maker.text), timeout=SECONDS
        )
        async for _ in call:
            pass
        return execution

    async def schedule(self) -> int:
        workflow = await self.workflow()
        made = await self.maker.ask("POST", "/schedules", {"workflow": str(workflow["id"]), **YEARLY})
        return int(made["id"])

    async def machine(self) -> Body:
        return await self.maker.ask("POST", "/machines", MACHINE)

    async def key(self) -> Body:
        return await self.maker.ask("POST", "/keys", {"name": "k", "role": "viewer"})


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"python_modules": FUNCTIONS, "trusted_proxies": "127.0.0.1"})


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with open_pool(database_url, 1, 20) as opened:
        yield opened


@pytest.fixture
async def actor(rest: httpx.AsyncClient, server: RunningServer, keys: Keys) -> Actor:
    return Actor(rest, server, await keys.of_role(Role.SYSTEM))


@pytest.fixture
async def house(rest: httpx.AsyncClient, server: RunningServer, keys: Keys) -> House:
    return House(Actor(rest, server, await keys.of_role(Role.SYSTEM)), server)


async def entries_of(pool: Pool, actor: Actor) -> Sequence[Link]:
    return await PostgresAudit(pool).entries(DEFAULT_TENANT_ID, EntryFilter(actor=actor.principal), None, 1_000)


Change = Callable[[Actor, House], Awaitable[str]]
"""Makes the change, and returns the target that the entry must name."""


async def create_workflow(actor: Actor, house: House) -> str:
    return f"workflow:{(await actor.ask('POST', '/workflows', WAITING))['id']}"


async def replace_workflow(actor: Actor, house: House) -> str:
    made = await house.workflow()
    await actor.ask("PUT", f"/workflows/{made['id']}", {**WAITING, "name": "other"})
    return f"workflow:{made['id']}"


async def update_workflow(actor: Actor, house: House) -> str:
    made = await house.workflow()
    await actor.ask("PATCH", f"/workflows/{made['id']}", {"name": "other"})
    return f"workflow:{made['id']}"


async def delete_workflow(actor: Actor, house: House) -> str:
    made = await house.workflow()
    await actor.ask("DELETE", f"/workflows/{made['id']}")
    return f"workflow:{made['id']}"


async def restore_revision(actor: Actor, house: House) -> str:
    made = await house.workflow()
    await house.maker.ask("PATCH", f"/workflows/{made['id']}", {"name": "other"})
    await actor.ask("POST", f"/workflows/{made['id']}/revisions/1/restore")
    return f"workflow:{made['id']}"


async def create_task(actor: Actor, house: House) -> str:
    made = await house.workflow()
    task = {"name": "new", "execution_type": "sync", "type": "log", "config": {"message": "m"}}
    await actor.ask("POST", f"/workflows/{made['id']}/tasks", task)
    return f"workflow:{made['id']}"


def of_task(method: str, body: Body | None, path: str = "/tasks") -> Change:
    async def change(actor: Actor, house: House) -> str:
        workflow = await house.workflow()
        await actor.ask(method, f"{path}/{workflow['tasks'][1]['id']}", body)
        return f"workflow:{workflow['id']}"

    return change


async def create_dashboard_workflow(actor: Actor, house: House) -> str:
    return f"workflow:{(await actor.ask('POST', '/api/workflows', {'name': 'w'}))['id']}"


def of_dashboard_workflow(method: str, body: Body | None) -> Change:
    async def change(actor: Actor, house: House) -> str:
        made = await house.workflow()
        await actor.ask(method, f"/api/workflows/{made['id']}", body)
        return f"workflow:{made['id']}"

    return change


async def create_dashboard_suggestion(actor: Actor, house: House) -> str:
    made = await house.workflow()
    body = {"workflow_id": made["id"], "title": "Do it otherwise"}
    return f"suggestion:{(await actor.ask('POST', '/api/suggestions', body))['id']}"


def of_dashboard_suggestion(decision: str) -> Change:
    async def change(actor: Actor, house: House) -> str:
        suggestion = await create_dashboard_suggestion(house.maker, house)
        await actor.ask("POST", f"/api/suggestions/{suggestion.partition(':')[2]}/{decision}", {})
        return suggestion

    return change


async def create_dashboard_task(actor: Actor, house: House) -> str:
    made = await house.workflow()
    await actor.ask("POST", "/api/tasks", {"workflow_id": made["id"], "name": "new"})
    return f"workflow:{made['id']}"


def of_execution(control: str, body: Body | None = None, *, ended: bool = False) -> Change:
    async def change(actor: Actor, house: House) -> str:
        execution = await (house.ended() if ended else house.execution())
        await actor.ask("POST", f"/executions/{execution}/{control}", body)
        return f"execution:{execution}"

    return change


async def start_flow_run(actor: Actor, house: House) -> str:
    await actor.ask("POST", "/flow/run", {"flow": FLOW})
    return f"workflow:{(await house.maker.ask('GET', '/workflows/flow1'))['id']}"


async def create_schedule(actor: Actor, house: House) -> str:
    workflow = await house.workflow()
    return f"schedule:{(await actor.ask('POST', '/schedules', {'workflow': str(workflow['id']), **YEARLY}))['id']}"


def of_schedule(method: str, path: str = "", body: Body | None = None, *, paused: bool = False) -> Change:
    async def change(actor: Actor, house: House) -> str:
        schedule = await house.schedule()
        if paused:
            await house.maker.ask("POST", f"/schedules/{schedule}/pause")
        await actor.ask(method, f"/schedules/{schedule}{path}", body)
        return f"schedule:{schedule}"

    return change


def of_machine(method: str, path: str = "", body: Body | None = None, *, changed: bool = False) -> Change:
    async def change(actor: Actor, house: House) -> str:
        machine = (await house.machine())["id"]
        if changed:
            await house.maker.ask("PATCH", f"/machines/{machine}", {"description": "d"})
        await actor.ask(method, f"/machines/{machine}{path}", body)
        return f"machine:{machine}"

    return change


async def create_machine(actor: Actor, house: House) -> str:
    return f"machine:{(await actor.ask('POST', '/machines', MACHINE))['id']}"


async def migrate_entities(actor: Actor, house: House) -> str:
    machine = (await house.machine())["id"]
    await house.maker.ask("POST", f"/machines/{machine}/entities", {"entity_table": "t", "entity_id": "1"})
    await house.maker.ask("PATCH", f"/machines/{machine}", {"description": "d"})
    await actor.ask("POST", f"/machines/{machine}/migrations", {"to_revision": 2, "dry_run": True})
    for _ in range(2):
        await actor.ask("POST", f"/machines/{machine}/migrations", {"to_revision": 2})
    return f"machine:{machine}"


async def create_key(actor: Actor, house: House) -> str:
    return f"key:{(await actor.ask('POST', '/keys', {'name': 'k', 'role': 'viewer'}))['prefix']}"


def of_key(change: str) -> Change:
    async def changed(actor: Actor, house: House) -> str:
        made = await house.key()
        await actor.ask("POST", f"/keys/{made['id']}/{change}")
        return f"key:{made['prefix']}"

    return changed


async def create_suggestion(actor: Actor, house: House) -> str:
    workflow = await house.workflow()
    made = await actor.ask("POST", "/suggestions", {"workflow": str(workflow["id"]), "title": "Think again"})
    return f"suggestion:{made['id']}"


def of_suggestion(what: str) -> Change:
    async def decide(actor: Actor, house: House) -> str:
        suggestion = await create_suggestion(house.maker, house)
        await actor.ask("POST", f"/suggestions/{suggestion.partition(':')[2]}/{what}", {})
        return suggestion

    return decide


async def undo_suggestion(actor: Actor, house: House) -> str:
    """What is taken back is a change of the workflow, which is an entry of its own."""
    workflow = await house.workflow()
    patch = [{"op": "replace", "path": "/tasks/0/timeout_seconds", "value": 3}]
    body = {"workflow": str(workflow["id"]), "title": "Give up earlier", "patch": patch}
    made = (await house.maker.ask("POST", "/suggestions", body))["id"]
    await house.maker.ask("POST", f"/suggestions/{made}/approve", {})
    await actor.ask("POST", f"/suggestions/{made}/undo", {})
    return f"suggestion:{made}"


async def create_tenant(actor: Actor, house: House) -> str:
    await actor.ask("POST", "/tenants", {"key": "sales", "name": "Sales"})
    return "tenant:sales"


async def update_tenant(actor: Actor, house: House) -> str:
    await house.maker.ask("POST", "/tenants", {"key": "north", "name": "North"})
    await actor.ask("PATCH", "/tenants/north", {"max_running": 3, "suspended": True})
    return "tenant:north"


def rpc(name: str, request: type, /, *, ended: bool = False, **fields: str) -> tuple[str, Change]:
    async def change(actor: Actor, house: House) -> str:
        execution = await (house.ended() if ended else house.execution())
        await actor.call(name, request(execution_id=execution, **fields))
        return f"execution:{execution}"

    return f"/workflow.WorkflowService/{name}", change


CHANGES: dict[str, Change] = {
    "create_workflow": create_workflow,
    "replace_workflow": replace_workflow,
    "update_workflow": update_workflow,
    "delete_workflow": delete_workflow,
    "create_dashboard_workflow": create_dashboard_workflow,
    "update_dashboard_workflow": of_dashboard_workflow("PUT", {"description": "d"}),
    "delete_dashboard_workflow": of_dashboard_workflow("DELETE", None),
    "create_dashboard_task": create_dashboard_task,
    "update_dashboard_defined_task": of_task("PUT", {"description": "d"}, "/api/tasks"),
    "delete_dashboard_defined_task": of_task("DELETE", None, "/api/tasks"),
    "create_dashboard_suggestion": create_dashboard_suggestion,
    "approve_dashboard_suggestion": of_dashboard_suggestion("approve"),
    "reject_dashboard_suggestion": of_dashboard_suggestion("reject"),
    "restore_revision": restore_revision,
    "create_task": create_task,
    "replace_task": of_task(
        "PUT", {"name": "log", "execution_type": "sync", "type": "log", "config": {"message": "other"}}
    ),
    "update_task": of_task("PATCH", {"description": "d"}),
    "delete_task": of_task("DELETE", None),
    "cancel_execution": of_execution("cancel", {"reason": "why"}),
    "pause_execution": of_execution("pause"),
    "resume_execution": of_execution("resume"),
    "signal_execution": of_execution("signal", {"name": "go", "payload": {"a": 1}}),
    "skip_task": of_execution("skip", {"task": "wait"}),
    "retry_execution": of_execution("retry", ended=True),
    "rerun_execution": of_execution("rerun", {"from_task": "wait"}, ended=True),
    "start_flow_run": start_flow_run,
    "create_schedule": create_schedule,
    "replace_schedule": of_schedule("PUT", body={"cron": "0 0 2 1 *"}),
    "delete_schedule": of_schedule("DELETE"),
    "pause_schedule": of_schedule("POST", "/pause"),
    "resume_schedule": of_schedule("POST", "/resume", paused=True),
    "create_machine": create_machine,
    "replace_machine": of_machine("PUT", body={"name": "No slug", "states": [{"name": "b", "initial": True}]}),
    "update_machine": of_machine("PATCH", body={"description": "d"}),
    "delete_machine": of_machine("DELETE"),
    "restore_machine_revision": of_machine("POST", "/revisions/1/restore", changed=True),
    "migrate_entities": migrate_entities,
    "create_key": create_key,
    "rotate_key": of_key("rotate"),
    "revoke_key": of_key("revoke"),
    "create_suggestion": create_suggestion,
    "approve_suggestion": of_suggestion("approve"),
    "reject_suggestion": of_suggestion("reject"),
    "create_tenant": create_tenant,
    "update_tenant": update_tenant,
    **dict(
        [
            rpc("CancelExecution", pb.CancelExecutionRequest, reason="why"),
            rpc("PauseExecution", pb.PauseExecutionRequest),
            rpc("ResumeExecution", pb.ResumeExecutionRequest),
            rpc("SignalExecution", pb.SignalExecutionRequest, name="go"),
            rpc("SkipTask", pb.SkipTaskRequest, task="wait"),
            rpc("RetryExecution", pb.RetryExecutionRequest, ended=True),
            rpc("RerunExecution", pb.RerunExecutionRequest, ended=True, from_task="wait"),
        ]
    ),
    "undo_suggestion": undo_suggestion,
}


async def test_every_operation_leaves_one_entry(actor: Actor, house: House, pool: Pool, database_url: str, keys: Keys):
    assert CHANGES.keys() == AUDITED.keys()
    for count, (operation, change) in enumerate(CHANGES.items(), start=1):
        target = await change(actor, house)
        found = await entries_of(pool, actor)
        assert len(found) == count + (operation == "undo_suggestion"), operation
        entry = found[0].entry
        assert (entry.action, entry.target, entry.request_id) == (AUDITED[operation], target, "r-1"), operation
        assert (entry.actor_kind, entry.ip) == ("key", CLIENT), operation
        assert entry.before or entry.after, operation
    await assert_no_secret(database_url, [*keys.made, actor.text])
    await assert_whole(pool)


async def assert_whole(pool: Pool) -> None:
    tenant = await PostgresTenantStore(pool).tenant(DEFAULT_TENANT)
    assert tenant is not None
    assert (await verdict_on(PostgresAudit(pool), tenant, {}, lambda _: None)).finding is None


async def test_changes_at_the_same_time_make_one_chain(actor: Actor, house: House, pool: Pool):
    """Controls add their entry in the statement of the command itself, all others in a transaction."""
    one, other = await house.execution(), await house.execution()
    await asyncio.gather(
        *(
            actor.ask("POST", f"/executions/{execution}/pause", {"reason": str(n)})
            for execution in (one, other)
            for n in range(12)
        ),
        *(actor.ask("POST", "/workflows", WAITING) for _ in range(8)),
        *(actor.ask("POST", "/keys", {"name": "k", "role": "viewer"}) for _ in range(8)),
    )
    assert len(await entries_of(pool, actor)) == 40
    await assert_whole(pool)


async def assert_no_secret(database_url: str, texts: Sequence[str]) -> None:
    whole = str(await ask(database_url, "SELECT string_agg(a::text, ' ') FROM audit_log a"))
    assert "wfk_" not in whole
    assert not [text for text in texts if text[13:] in whole]
    digests = str(await ask(database_url, "SELECT string_agg(encode(digest, 'hex'), ' ') FROM api_keys")).split()
    assert digests
    assert not [digest for digest in digests if digest in whole]


async def test_what_changes_nothing_leaves_no_entry(actor: Actor, house: House, pool: Pool):
    made = await house.workflow()
    await actor.ask("PUT", f"/workflows/{made['id']}", WAITING)
    await actor.ask("PATCH", f"/workflows/{made['id']}", {"name": "waits"})
    await actor.ask("POST", f"/workflows/{made['id']}/revisions/1/restore")
    await actor.ask("POST", f"/schedules/{await house.schedule()}/resume")
    key = await house.key()
    await house.maker.ask("POST", f"/keys/{key['id']}/revoke")
    await actor.ask("POST", f"/keys/{key['id']}/revoke")
    ended = await house.ended()
    await house.maker.ask("POST", f"/executions/{ended}/retry")
    await actor.ask("POST", f"/executions/{ended}/retry")
    await actor.ask("POST", f"/executions/{ended}/cancel")
    assert await entries_of(pool, actor) == []


async def test_what_is_refused_leaves_no_entry(actor: Actor, house: House, pool: Pool, rest: httpx.AsyncClient):
    made = await house.workflow()
    await house.maker.ask("POST", "/workflows", {**WAITING, "key": "taken"})
    for method, path, body in (
        ("POST", "/workflows", {"name": ""}),
        ("POST", "/workflows", {**WAITING, "key": "taken"}),
        ("PATCH", f"/workflows/{made['id']}", {"key": "taken"}),
        ("DELETE", "/workflows/999", None),
        ("POST", "/schedules", {"workflow": "999", **YEARLY}),
        ("POST", "/tenants", {"key": "default", "name": "Again"}),
        ("POST", f"/executions/{await house.ended()}/pause", None),
    ):
        answer = await rest.request(method, path, json=body, headers=bearer(actor.text))
        assert answer.status_code in (404, 409, 422), path
    assert await entries_of(pool, actor) == []


async def test_a_change_fails_with_its_entry(actor: Actor, house: House, rest: httpx.AsyncClient, database_url: str):
    """Without its head row, nothing of the tenant can be changed; what can be read, can still be read."""
    workflow, schedule, key = await house.workflow(), await house.schedule(), await house.key()
    execution, ended = await house.execution(), await house.ended()
    tables = ("workflows", "workflow_revisions", "tasks", "schedules", "api_keys", "tenants", "executions")
    counting = "SELECT " + " || ' ' || ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    counts = await ask(database_url, counting)
    await ask(database_url, "DELETE FROM audit_heads RETURNING tenant_id")
    for method, path, body in (
        ("POST", "/workflows", WAITING),
        ("PATCH", f"/workflows/{workflow['id']}", {"name": "other"}),
        ("DELETE", f"/workflows/{workflow['id']}", None),
        ("DELETE", f"/schedules/{schedule}", None),
        ("POST", f"/schedules/{schedule}/pause", None),
        ("POST", "/schedules", {"workflow": str(workflow["id"]), **YEARLY}),
        ("POST", "/keys", {"name": "k", "role": "viewer"}),
        ("POST", f"/keys/{key['id']}/rotate", None),
        ("POST", f"/keys/{key['id']}/revoke", None),
        ("POST", "/tenants", {"key": "sales", "name": "Sales"}),
        ("POST", f"/executions/{execution}/cancel", None),
        ("POST", f"/executions/{ended}/retry", None),
    ):
        assert (await rest.request(method, path, json=body, headers=bearer(actor.text))).status_code == 500, path
    assert await ask(database_url, counting) == counts
    assert await ask(database_url, "SELECT count(*) FROM execution_commands") == 0
    assert await ask(database_url, "SELECT count(*) FROM api_keys WHERE revoked_at IS NOT NULL") == 0
    assert (await actor.ask("GET", f"/schedules/{schedule}"))["paused"] is False
    assert (await actor.ask("GET", f"/workflows/{workflow['id']}"))["revision"] == 1


async def test_who_has_started_and_requested_is_shown(actor: Actor, house: House, server: RunningServer):
    workflow = await house.workflow()
    changed = await actor.ask("PATCH", f"/workflows/{workflow['id']}", {"name": "other"})
    revisions = await actor.ask("GET", f"/workflows/{workflow['id']}/revisions")
    assert [one["requested_by"] for one in revisions["items"]] == [actor.principal, house.maker.principal]
    assert changed["revision"] == 2
    started = await actor.ask("POST", f"/workflows/{workflow['id']}/executions")
    await house.maker.ask("POST", f"/executions/{started['id']}/cancel", {"reason": "why"})
    watching = server.stub.WatchExecution(
        pb.WatchExecutionRequest(execution_id=started["id"]), metadata=metadata(actor.text), timeout=SECONDS
    )
    updates = [update async for update in watching]
    assert [update.requested_by for update in updates if update.requested_by] == [house.maker.principal]
    shown = await actor.ask("GET", f"/executions/{started['id']}")
    assert shown["started_by"] == started["started_by"] == actor.principal
    events = (await actor.ask("GET", f"/executions/{started['id']}/events"))["items"]
    assert {event["type"]: event["requested_by"] for event in events}["cancel_requested"] == house.maker.principal
    assert {event["requested_by"] for event in events if event["type"] != "cancel_requested"} == {None}
    listed = (await actor.ask("GET", "/executions"))["items"]
    assert [one["started_by"] for one in listed] == [actor.principal]


async def test_the_log_is_read_over_rest(actor: Actor, house: House, rest: httpx.AsyncClient, keys: Keys):
    made = await house.workflow()
    await actor.ask("PATCH", f"/workflows/{made['id']}", {"name": "other"}, "r-7")
    target = f"workflow:{made['id']}"
    found = await actor.ask("GET", f"/audit?target={target}&limit=1")
    (entry,) = found["items"]
    assert (entry["actor"], entry["action"], entry["request_id"]) == (actor.principal, "workflow.change", "r-7")
    assert (entry["before"]["name"], entry["after"]["name"]) == ("waits", "other")
    rest_of_it = await actor.ask("GET", f"/audit?target={target}&cursor={found['next_cursor']}")
    assert [one["action"] for one in rest_of_it["items"]] == ["workflow.create"]
    assert rest_of_it["next_cursor"] is None
    editor = await keys.of_role(Role.EDITOR)
    refused = await rest.get("/audit", headers=bearer(editor))
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    wrong = await rest.get("/audit?actor=%00", headers=bearer(actor.text))
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "actor")


async def test_each_tenant_has_a_log_of_its_own(actor: Actor, rest: httpx.AsyncClient, keys: Keys, database_url: str):
    await actor.ask("POST", "/tenants", {"key": "sales", "name": "Sales"})
    tenant_id = int(str(await ask(database_url, "SELECT id FROM tenants WHERE key = 'sales'")))
    theirs = await keys.of_role(Role.ADMIN, tenant_id=tenant_id)
    made = await rest.post("/workflows", json=WAITING, headers=bearer(theirs))
    assert made.status_code == 201
    found = (await rest.get("/audit", headers=bearer(theirs))).json()["items"]
    assert [(one["number"], one["action"]) for one in found] == [(2, "workflow.create"), (1, "workflow.change")]
    own = (await actor.ask("GET", "/audit?limit=200"))["items"]
    assert f"workflow:{made.json()['id']}" not in {one["target"] for one in own}
