"""What callers see of engines, which all tenants share, and of tasks, which they do not."""

from typing import Any

import httpx
import pytest

from app.domain.permissions import SCOPES_OF, Role
from tests.support.callers import Keys, bearer
from tests.support.engine_process import RunningServer
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

WORKFLOW = {
    "name": "w",
    "key": "w",
    "tasks": [{"name": "a", "execution_type": "sync"}, {"name": "b", "execution_type": "sync", "sequence": 1}],
}
OF_MACHINES = ("host", "pid", "functions", "capacity", "running", "parked")

Headers = Any


async def tenants(keys: Keys, role: Role = Role.EDITOR) -> tuple[Headers, Headers]:
    """A caller of each of two tenants."""
    await keys.execute("INSERT INTO tenants (key, name) VALUES ('south', 'South')")
    tenant_id = await keys.value("SELECT id FROM tenants WHERE key = 'south'")
    return bearer(await keys.of_role(role)), bearer(await keys.of_role(role, tenant_id=tenant_id))


async def run(rest: httpx.AsyncClient, headers: Headers, key: str = "w") -> str:
    if (await rest.get(f"/workflows/{key}", headers=headers)).status_code == 404:
        made = await rest.post("/workflows", json=WORKFLOW | {"key": key}, headers=headers)
        assert made.status_code == 201, made.text
    ended = await rest.post(f"/workflows/{key}/executions?wait=60", json={}, headers=headers)
    assert ended.json()["status"] == "completed", ended.text
    execution: str = ended.json()["id"]
    return execution


async def read(rest: httpx.AsyncClient, path: str, headers: Headers) -> Any:
    answer = await rest.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_tenant_sees_its_own_work_on_an_engine_and_not_how_busy_it_is(
    rest: httpx.AsyncClient, server: RunningServer, keys: Keys
) -> None:
    ours, theirs = await tenants(keys)
    for _ in range(3):
        await run(rest, ours)
    await run(rest, theirs)
    for headers, tasks in ((ours, 6), (theirs, 2)):
        [engine] = (await read(rest, "/engines", headers))["items"]
        assert [engine[name] for name in OF_MACHINES] == [None] * 6
        assert engine["work"]["total_tasks"] == engine["work"]["attempts_last_hour"] == tasks
        assert (engine["status"], "log" in engine["task_types"]) == ("online", True)
        [agent] = (await read(rest, "/api/agents", headers))["items"]
        assert agent["name"] == f"engine-{engine['id']}"
        assert (agent["total_tasks"], len(agent["recent_tasks"])) == (tasks, min(tasks, 5))
    operator_of_all = bearer(await keys.of_role(Role.SYSTEM))
    [engine] = (await read(rest, "/engines", operator_of_all))["items"]
    assert None not in [engine[name] for name in OF_MACHINES]


async def test_tasks_of_another_tenant_are_as_if_they_were_not_there(
    rest: httpx.AsyncClient, server: RunningServer, keys: Keys
) -> None:
    ours, theirs = await tenants(keys)
    execution = await run(rest, ours)
    found = (await read(rest, "/api/tasks", ours))["items"]
    assert len(found) == 2
    assert found[0]["id"].startswith(execution)
    agent, workflow = found[0]["agent_id"], found[0]["workflow_id"]
    for query in ("", "?status=completed", "?status=pending", f"?agent_id={agent}", f"?workflow_id={workflow}"):
        page = await read(rest, f"/api/tasks{query}", theirs)
        assert (page["total"], page["items"], page["total_is_exact"]) == (0, [], True), query
    task_id = found[0]["id"].partition("/")[2]
    for path in (f"/api/tasks/{found[0]['id']}", f"/api/tasks/{task_id}", f"/api/workflows/{workflow}"):
        assert (await rest.get(path, headers=ours)).status_code == 200, path
        assert (await rest.get(path, headers=theirs)).status_code == 404, path
    status = await rest.put(f"/api/tasks/{found[0]['id']}", json={"status": "completed"}, headers=theirs)
    assert status.status_code == 404
    assert (await read(rest, "/api/workflows", theirs))["total"] == 0


async def test_a_key_of_some_workflows_sees_their_tasks(
    rest: httpx.AsyncClient, server: RunningServer, keys: Keys
) -> None:
    editor = bearer(await keys.of_role(Role.EDITOR))
    executions = {key: await run(rest, editor, key) for key in ("reports-daily", "payroll")}
    limited = bearer(await keys.of_scopes(SCOPES_OF[Role.OPERATOR], "reports-*"))
    tasks = {key: (await read(rest, f"/api/tasks?workflow_id={key}", editor))["items"] for key in executions}
    for key, status in (("reports-daily", 200), ("payroll", 403)):
        for path in (
            f"/api/tasks?workflow_id={key}",
            f"/api/workflows?key={key}",
            f"/api/workflows/{key}",
            f"/api/tasks/{tasks[key][0]['id']}",
        ):
            assert (await rest.get(path, headers=limited)).status_code == status, path
    for path in ("/api/tasks", "/api/workflows", "/api/agents", "/engines", "/api/audit"):
        assert (await rest.get(path, headers=limited)).status_code == 403, path


@pytest.mark.parametrize("path", ["/api/health", "/healthz"])
async def test_health_needs_no_credentials(rest: httpx.AsyncClient, path: str) -> None:
    assert (await rest.get(path)).status_code == 200
