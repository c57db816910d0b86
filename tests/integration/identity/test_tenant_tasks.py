"""What the tasks of two tenants read, reach and call, in whole processes with authentication on."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from app.config import Settings
from app.domain.permissions import Role
from tests.integration.tasks.site import Site, answer
from tests.support.callers import Keys, bearer
from tests.support.engine_process import RunningServer
from tests.support.walls import urls_for

FUNCTIONS = """
from app.tasks import task_function
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")

@task_function("tenant_tasks.shared")
def shared(value: str) -> dict:
    return {"value": value}

@task_function("tenant_tasks.of_default")
def of_default() -> str:
    return "only for default"
"""
FIRST = {"execution_type": "sync", "sequence": 1}


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site({"/": answer(body=b"inside")})
    async with await asyncio.start_server(found.serve, "127.0.0.1", 0) as server:
        found.port = server.sockets[0].getsockname()[1]
        yield found


@pytest.fixture
def settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site) -> Settings:
    (tmp_path / "tenant_tasks.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "secrets"
    (folder / "sales").mkdir(parents=True)
    (folder / "TOKEN").write_text("token-of-default")
    (folder / "sales" / "TOKEN").write_text("token-of-sales")
    monkeypatch.setenv("WORKFLOW_TENANT_SECRET_team_2Da__TOKEN", "token-of-team-a")
    rights = tmp_path / "tenants.toml"
    rights.write_text(
        f'[sales]\nhttp_task_allowed_hosts = ["127.0.0.1:{site.port}"]\npython_functions = ["tenant_tasks.shared"]\n'
        '[team-a]\npython_functions = ["tenant_tasks.shared"]\n'
    )
    return Settings(
        _env_file=None,
        **urls_for(database_url),
        database_pool_size=4,
        auth="on",
        secrets_folder=folder,
        tenants_file=rights,
        python_modules="tenant_tasks",
    )


class Tenant(NamedTuple):
    key: str
    headers: Mapping[str, str]


@pytest.fixture
async def tenants(keys: Keys, server: RunningServer) -> dict[str, Tenant]:
    """Admins of `default` and of three others; one of these has neither secrets nor rights."""
    found = {"default": Tenant("default", bearer(await keys.of_role(Role.ADMIN)))}
    for key in ("sales", "team-a", "legal"):
        await keys.execute("INSERT INTO tenants (key, name) VALUES ($1, $1)", key)
        tenant_id = await keys.value("SELECT id FROM tenants WHERE key = $1", key)
        found[key] = Tenant(key, bearer(await keys.of_role(Role.ADMIN, tenant_id=tenant_id)))
    return found


def definition(*tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "w", "key": "same", "tasks": [{**FIRST, **task} for task in tasks], **fields}


def calling(function: str, **arguments: str) -> dict[str, Any]:
    return {"name": "call", "type": "python", "config": {"function": function, "arguments": arguments}}


async def ran(rest: httpx.AsyncClient, tenant: Tenant, body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The ended execution of a workflow that the tenant saves, and all that can be read of it."""
    saved = await rest.post("/workflows", json=body, headers=tenant.headers)
    assert saved.status_code == 201, saved.text
    path = f"/workflows/{saved.json()['id']}/executions?wait=30"
    ended = await rest.post(path, json={}, headers=tenant.headers)
    assert ended.status_code == 200, ended.text
    events = await rest.get(f"/executions/{ended.json()['id']}/events?limit=1000", headers=tenant.headers)
    return ended.json(), ended.text + events.text


async def test_the_same_workflow_has_the_secrets_of_its_tenant(
    rest: httpx.AsyncClient, tenants: dict[str, Tenant]
) -> None:
    """The output has stars for the own value, and the value of another tenant as it is: its stars would confirm it."""
    every = "token-of-default token-of-sales token-of-team-a"
    body = definition(calling("tenant_tasks.shared", value=f"${{secrets.TOKEN}} {every}"), secrets=["TOKEN"])
    for key in ("default", "sales", "team-a"):
        execution, text = await ran(rest, tenants[key], body)
        expected = f"*** {every.replace(f'token-of-{key}', '***')}"
        assert execution["output"] == {"call": {"value": expected}}
        assert f"token-of-{key}" not in text.replace("token-of-team-a", "" if key != "team-a" else "token-of-team-a")
    body = definition({"name": "a", "type": "log", "config": {"message": "${secrets.TOKEN}"}}, secrets=["TOKEN"])
    execution, _ = await ran(rest, tenants["legal"], body)
    assert execution["error"]["message"].endswith("secrets.TOKEN}: this secret is not set where the task runs")


async def test_a_function_of_others_is_refused_when_it_is_saved_and_when_it_runs(
    rest: httpx.AsyncClient, tenants: dict[str, Tenant]
) -> None:
    body = definition(calling("tenant_tasks.of_default"))
    assert (await ran(rest, tenants["default"], body))[0]["output"] == {"call": "only for default"}
    for key in ("sales", "legal"):
        headers = tenants[key].headers
        message = f"function 'tenant_tasks.of_default' is not available to tenant '{key}'"
        refused = await rest.post("/workflows", json=body, headers=headers)
        assert (refused.status_code, message in refused.text) == (422, True)
        judged = (await rest.post("/workflows/validate", json=body, headers=headers)).json()
        assert (judged["valid"], message in judged["problems"][0]["message"]) == (False, True)
        # The name comes from an expression, so it is known only when the task runs.
        hidden = definition(calling("${'tenant_tasks.of_' + 'default'}"))
        execution, _ = await ran(rest, tenants[key], hidden)
        assert execution["error"]["code"] == "invalid_config"
        assert message in execution["error"]["message"]


async def test_a_changed_task_and_a_flow_are_judged_for_the_tenant(
    rest: httpx.AsyncClient, tenants: dict[str, Tenant]
) -> None:
    headers = tenants["sales"].headers
    saved = await rest.post("/workflows", json=definition(calling("tenant_tasks.shared", value="x")), headers=headers)
    assert saved.status_code == 201, saved.text
    task, changed = saved.json()["tasks"][0], {"config": {"function": "tenant_tasks.of_default"}}
    answers = [
        await rest.patch(f"/tasks/{task['id']}", json=changed, headers=headers),
        await rest.put("/workflows/same", json=definition(calling("tenant_tasks.of_default")), headers=headers),
        await rest.post(
            "/flow/run",
            json={
                "flow": {
                    "id": "f",
                    "name": "f",
                    "start_task": "tenant_tasks.of_default",
                    "tasks": [{"name": "tenant_tasks.of_default", "description": ""}],
                    "conditions": [],
                }
            },
            headers=headers,
        ),
    ]
    for refused in answers:
        assert refused.status_code == 422, refused.text
        assert "'tenant_tasks.of_default' is not available to tenant 'sales'" in refused.text


async def test_nothing_that_a_tenant_is_told_names_the_functions_of_others(
    rest: httpx.AsyncClient, tenants: dict[str, Tenant]
) -> None:
    headers = tenants["legal"].headers
    for name in ("tenant_tasks.of_defaul", "tenant_tasks.sharedd"):
        body = definition(calling(name), {"name": "b", "type": "pythonn"})
        told = (await rest.post("/workflows/validate", json=body, headers=headers)).text
        assert "did you mean" not in told
        assert "tenant_tasks.shared'" not in told
        assert "tenant_tasks.of_default" not in told
    assert "tenant_tasks" not in (await rest.get("/openapi.json", headers=headers)).text


async def test_each_tenant_reaches_the_hosts_that_it_is_allowed(
    rest: httpx.AsyncClient, tenants: dict[str, Tenant], site: Site
) -> None:
    body = definition({"name": "call", "type": "http", "config": {"url": site.url()}})
    assert (await ran(rest, tenants["sales"], body))[0]["output"]["call"]["body"] == "inside"
    for key, place in (("default", "HTTP_TASK_ALLOWED_HOSTS names"), ("legal", "of [legal] in TENANTS_FILE names")):
        execution, _ = await ran(rest, tenants[key], body)
        assert execution["error"]["code"] == "http_address_refused"
        assert place in execution["error"]["message"]
    assert site.connections == 1
