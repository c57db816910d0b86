"""Each example is loaded once in the life of a tenant, against the REST service itself."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.adapters.database.used_keys import used_keys
from app.cli.local import examples
from app.client.rest_client import RestClient
from app.config import Settings
from app.domain.callers import DEFAULT_TENANT_ID
from app.domain.permissions import Role
from tests.integration.cli.conftest import service_with
from tests.support.callers import Keys
from tests.support.clients import rest_client
from tests.support.databases import ask
from tests.support.walls import urls_for

FIRST = "key: parallel-groups\nname: First\ntasks:\n  - {name: read, execution_type: sync}\n"
CALLS = """\
key: calls
name: Calls itself
variables: {service: "http://127.0.0.1:8000"}
tasks:
  - {name: ready, execution_type: sync, type: http, config: {url: "${vars.service}/readyz"}}
"""
BEFORE = "http://127.0.0.1:8999"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("a_calls", CALLS), ("parallel_groups", FIRST)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "workflow.yaml").write_text(text)
    (tmp_path / "data.json").write_text("[]")
    monkeypatch.setattr(examples, "FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def load(url: str, database_url: str):
    """What `workflow up` does; `last` is the address at which the service was before."""

    async def load(last: str | None = None, *, with_key: bool = False) -> Sequence[str]:
        return await load_at(url, database_url, last, with_key=with_key)

    return load


async def load_at(url: str, database_url: str, last: str | None = None, *, with_key: bool = False) -> Sequence[str]:
    tenant = await asyncio.to_thread(examples.tenant_of, url)
    used = await used_keys(database_url, tenant, examples.example_definitions())
    return await asyncio.to_thread(examples.load_examples, url, used, last, with_key=with_key)


async def call(url: str, method: str, path: str, body: object = None) -> dict:
    async with rest_client(base_url=f"{url}/api/v1") as client:
        answer = await client.request(method, path, json=body)
        return answer.json() if answer.content else {}


async def test_the_first_workflow_is_the_one_that_succeeds(url: str, load):
    assert await load() == ["parallel-groups", "calls"]
    assert (await call(url, "GET", "/workflows/1"))["key"] == "parallel-groups"
    assert await load() == []


async def test_all_examples_of_the_repository_are_in_a_useful_order(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(examples, "FOLDER", Path(__file__).parents[3] / "examples")
    keys = list(examples.example_definitions())
    assert keys[0] == "parallel-groups"
    assert keys.index("price-item") < keys.index("order-flow")


async def test_changes_and_deletions_stay(url: str, load):
    await load()
    await call(url, "PATCH", "/workflows/parallel-groups", {"name": "Mine"})
    await call(url, "DELETE", "/workflows/calls")
    assert await load() == []
    assert (await call(url, "GET", "/workflows/parallel-groups"))["name"] == "Mine"
    assert (await call(url, "GET", "/workflows"))["total"] == 1


async def test_an_example_that_got_another_key_is_not_loaded_again(url: str, load):
    await load()
    await call(url, "PATCH", "/workflows/parallel-groups", {"key": "mine"})
    assert await load() == []


def delete(url: str, key: str) -> None:
    with RestClient(url) as service:
        service.delete_workflow(key, force=False)


async def test_each_tenant_gets_the_examples_once(database_url: str, monkeypatch: pytest.MonkeyPatch):
    tenant_id = await ask(database_url, "INSERT INTO tenants (key, name) VALUES ('sales', 'Sales') RETURNING id")
    keys = Keys(database_url)
    settings = Settings(_env_file=None, **urls_for(database_url), auth="on")
    async with service_with(settings) as url:
        for tenant in (DEFAULT_TENANT_ID, tenant_id):
            monkeypatch.setenv("WORKFLOW_API_KEY", await keys.of_role(Role.ADMIN, tenant_id=tenant))
            assert await load_at(url, database_url) == ["parallel-groups", "calls"]
            await asyncio.to_thread(delete, url, "calls")
            assert await load_at(url, database_url) == []


async def test_a_workflow_of_the_user_is_not_replaced_by_an_example(url: str, load):
    await call(url, "POST", "/workflows", {"key": "calls", "name": "Mine"})
    assert await load() == ["parallel-groups"]
    assert (await call(url, "GET", "/workflows/calls"))["name"] == "Mine"


async def test_one_that_another_client_creates_meanwhile_is_left_alone(url: str):
    await call(url, "POST", "/workflows", {"key": "calls", "name": "Mine"})
    assert await asyncio.to_thread(examples.load_examples, url) == ["parallel-groups"]
    assert (await call(url, "GET", "/workflows/calls"))["name"] == "Mine"


async def test_a_new_example_is_loaded_into_a_database_that_has_others(load, folder: Path):
    await load()
    (folder / "new.yaml").write_text("key: new\nname: New\n")
    assert await load() == ["new"]


async def stored_at(url: str, address: str) -> dict:
    """As if the service had been at `address` when it loaded the examples."""
    return await call(url, "PATCH", "/workflows/calls", {"variables": {"service": address}})


async def test_an_example_follows_the_address_of_the_service(url: str, load):
    await load()
    assert (await call(url, "GET", "/workflows/calls"))["variables"] == {"service": url}
    await stored_at(url, BEFORE)
    await load(BEFORE)
    assert (await call(url, "GET", "/workflows/calls"))["variables"] == {"service": url}
    revision = (await call(url, "GET", "/workflows/calls"))["revision"]
    await load(url)
    assert (await call(url, "GET", "/workflows/calls"))["revision"] == revision


async def test_an_example_that_calls_the_service_sends_a_key_if_that_asks_who_calls(
    url: str, load, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(examples, "CALLS_OWN_API", "calls")
    keyed = {"url": "${vars.service}/readyz", "headers": {"Authorization": "Bearer ${secrets.SELF_CHECK_KEY}"}}
    await load(with_key=True)
    created = await call(url, "GET", "/workflows/calls")
    assert (created["secrets"], created["tasks"][0]["config"]) == (["SELF_CHECK_KEY"], keyed)
    assert created["variables"] == {"service": url}
    await load(url)
    without = await call(url, "GET", "/workflows/calls")
    assert (without["secrets"], without["tasks"][0]["config"]) == ([], {"url": "${vars.service}/readyz"})
    for _ in range(2):
        await load(url, with_key=True)
        changed = await call(url, "GET", "/workflows/calls")
        assert (changed["revision"], changed["secrets"]) == (3, ["SELF_CHECK_KEY"])


@pytest.mark.parametrize("change", [{"name": "Mine"}, {"variables": {"service": "http://127.0.0.1:9"}}], ids=str)
async def test_a_changed_example_does_not_follow(url: str, load, change: dict):
    await load()
    await stored_at(url, BEFORE)
    before = await call(url, "PATCH", "/workflows/calls", change)
    await load(BEFORE)
    assert await call(url, "GET", "/workflows/calls") == before


async def test_a_deleted_example_does_not_come_back_with_another_address(url: str, load):
    await load()
    await call(url, "DELETE", "/workflows/calls")
    assert await load(BEFORE) == []
    assert (await call(url, "GET", "/workflows"))["total"] == 1


async def test_refused_ones_are_reported_and_the_others_loaded(load, folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "bad.yaml").write_text("key: bad\nname: ' '\n")
    assert await load() == ["parallel-groups", "calls"]
    assert f"{folder}/bad.yaml:2:1: name: " in capsys.readouterr().err


async def test_no_examples_folder_loads_nothing(load, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(examples, "FOLDER", Path("/no/such/folder"))
    assert await load() == []
