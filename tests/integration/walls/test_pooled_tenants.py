"""Many clients of several tenants share one server connection, which a pooler gives to each transaction anew."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.integration.walls.conftest import session
from tests.support.api_statements import Stores, Things, open_stores, outcome
from tests.support.pgbouncer import PROGRAM, PgBouncerProcess, running_pgbouncer
from tests.support.predicates import forget_predicates, forget_predicates_of
from tests.support.walls import api_url

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed")

TENANTS = 5
CLIENTS = 20
CALLS = 60
READS = ("document", "execution", "history", "schedule", "key", "* all schedules", "* keys", "* document by key")


@pytest.fixture
async def pooler(postgres_url: str) -> AsyncIterator[PgBouncerProcess]:
    async with running_pgbouncer(postgres_url, connections=1) as process:
        yield process


async def test_no_client_sees_a_row_of_another_tenant(
    database_url: str, pooler: PgBouncerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with the conditions forgotten, so that nothing but the setting decides."""
    async with open_stores(api_url(database_url)) as direct, session(database_url) as main:
        await main.execute(
            "INSERT INTO tenants (key, name) SELECT 'tenant-' || n, 'a tenant' FROM generate_series(2, 5) n"
        )
        things = [await direct.fill(tenant, main) for tenant in range(1, TENANTS + 1)]
        expected = [await _answers(direct, own, own) for own in things]
    forget_predicates(monkeypatch)
    url = pooler.through(api_url(database_url))
    clients = (_client(url, things, expected, number) for number in range(CLIENTS))
    counts = sum(await asyncio.gather(*clients), Counter[str]())
    assert counts == {"own": CLIENTS * CALLS, "foreign refused": CLIENTS * CALLS}


async def _client(url: str, things: list[Things], expected: list[dict[str, object]], number: int) -> "Counter[str]":
    """One client, whose tenant changes from call to call as that of a process does."""
    chance, counts = random.Random(number), Counter[str]()
    async with open_stores(url, pooled=True) as stores:
        forget_predicates_of(stores.definitions._reader)
        for _ in range(CALLS):
            own, other = chance.sample(things, 2)
            name = chance.choice(READS)
            found = await outcome(stores.calls(own.tenant_id, own)[name])
            counts["own" if found == expected[own.tenant_id - 1][name] else f"wrong: {name}"] += 1
            foreign = await outcome(stores.calls(own.tenant_id, other)[name])
            harmless = foreign == expected[own.tenant_id - 1][name] if name.startswith("*") else foreign is None
            counts["foreign refused" if harmless else f"foreign: {name}"] += 1
    return counts


async def _answers(stores: Stores, own: Things, of: Things) -> dict[str, object]:
    calls = stores.calls(own.tenant_id, of)
    return {name: await outcome(calls[name]) for name in READS}
