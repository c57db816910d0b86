"""`workflow audit verify`: what it prints about a real database, and its exit code."""

import asyncio
import json
import re
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from app.adapters.database.audit import append
from app.adapters.database.pool import open_pool
from app.audit.entry import Entry
from app.cli import app
from tests.support.databases import ask
from tests.support.tenant import needs_default
from tests.support.walls import logins_for

pytestmark = needs_default("is about the log of the tenant default")

Verify = Callable[..., Result]


def entry(number: int, tenant_id: int = 1) -> Entry:
    return Entry(tenant_id, "key:Xk3vT9aB", "key", "workflow.change", f"workflow:{number}", after='{"name":"n"}')


@pytest.fixture
async def log(database_url: str) -> str:
    """A database with two tenants, of which one has four entries and the other one none."""
    await ask(database_url, "INSERT INTO tenants (key, name) VALUES ('sales', 'Sales') RETURNING id")
    async with open_pool(database_url, 1, 20) as pool:
        for number in range(1, 5):
            async with pool.transaction(1) as connection:
                await append(connection, entry(number))
    return database_url


@pytest.fixture
def verify(log: str) -> Verify:
    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, ["audit", "verify", "--database", log, *words], catch_exceptions=False)

    return invoke


async def tamper(url: str, statement: str) -> None:
    """What a superuser can do: no trigger fires."""
    await ask(url, "ALTER TABLE audit_log DISABLE TRIGGER ALL")
    await ask(url, statement)


async def head_of(url: str) -> str:
    return str(await ask(url, "SELECT number || ':' || encode(hash, 'hex') FROM audit_heads WHERE tenant_id = 1"))


async def test_a_whole_log_is_a_line_for_each_tenant(verify: Verify, log: str):
    result = await asyncio.to_thread(verify)
    head = await head_of(log)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"default: 4 entries, none changed; the last one is {head}\nsales: no entries\n"


async def test_behind_the_walls_it_reads_with_the_login_of_engines(log: str):
    """The settings of a service, and no option."""
    runner = CliRunner(env=logins_for(log))
    result = await asyncio.to_thread(runner.invoke, app, ["audit", "verify"], catch_exceptions=False)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0].startswith("default: 4 entries, none changed")


async def test_one_tenant_is_looked_at_by_itself(verify: Verify):
    result = await asyncio.to_thread(verify, "--tenant", "sales")
    assert (result.exit_code, result.stdout) == (0, "sales: no entries\n")


async def test_the_first_wrong_entry_is_named(verify: Verify, log: str):
    await tamper(log, "UPDATE audit_log SET actor = 'key:Someone1' WHERE number IN (2, 3)")
    result = await asyncio.to_thread(verify)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "default: entry 2 was edited: its contents do not give its hash (edited)",
        "sales: no entries",
    ]


async def test_json_says_the_same(verify: Verify, log: str):
    await tamper(log, "DELETE FROM audit_log WHERE number = 3")
    result = await asyncio.to_thread(verify, "--json")
    assert result.exit_code == 1
    wrong, right = map(json.loads, result.stdout.splitlines())
    assert re.fullmatch("[0-9a-f]{64}", wrong.pop("hash"))
    finding = {"number": 3, "flaw": "missing", "sentence": "entry 3 is missing: entry 2 is followed by 4"}
    assert wrong == {"tenant": "default", "entries": 2, "finding": finding}
    assert right == {"tenant": "sales", "entries": 0, "hash": "00" * 32, "finding": None}


async def test_an_anchor_is_compared(verify: Verify, log: str):
    head = await head_of(log)
    assert (await asyncio.to_thread(verify, "--tenant", "default", "--anchor", head)).exit_code == 0
    other = f"4:{'00' * 32}"
    result = await asyncio.to_thread(verify, "--tenant", "default", "--anchor", other)
    assert result.exit_code == 1
    assert result.stdout == "default: entry 4 has another hash than its anchor (anchor)\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--anchor", f"4:{'00' * 32}"), "error: --anchor needs --tenant, because each tenant has a log of its own"),
        (("--tenant", "default", "--anchor", "4:ab"), "error: --anchor '4:ab': give NUMBER:HASH"),
        (("--tenant", "nobody"), "error: tenant 'nobody' does not exist"),
    ],
    ids=["no tenant", "no anchor", "no such tenant"],
)
async def test_wrong_options_are_explained(verify: Verify, words: tuple[str, ...], said: str):
    result = await asyncio.to_thread(verify, *words)
    assert result.exit_code == 2
    assert result.stderr.startswith(said)


def test_a_folder_without_a_database_is_not_made_one(tmp_path):
    result = CliRunner().invoke(app, ["audit", "verify", "--database", f"file:{tmp_path}/none"])
    assert result.exit_code == 2
    assert "there is no database in" in result.stderr
    assert not (tmp_path / "none").exists()
