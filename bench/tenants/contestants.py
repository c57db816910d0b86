"""Tenants and keys, as contestants of the rounds: each with and without, one directly after the other."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.identity import PostgresKeyStore, PostgresTenantStore
from app.adapters.database.pool import open_pool
from app.adapters.database.sessions import create_engine
from app.domain.actions import Act, Action
from app.domain.callers import ANONYMOUS, DEFAULT_TENANT_ID
from app.domain.permissions import Role
from app.identity.api_keys import MAX_RATE_LIMIT, Grant, KeyDraft, new_key_text
from bench.house import Contestant, House
from bench.running import program
from bench.samples import Sample, sample
from bench.service import rest_process
from bench.stores import connect, database
from bench.work.contestants import measure_cell
from bench.workflows import ABOUT_2_KB, drafts, prepare_database

TENANTS = 50
CALLERS = 64
READERS = 8
ONE, MANY = "engine alone, 1 tenant", f"engine alone, {TENANTS} tenants"
ANONYMOUS_GET, KEY_GET = "GET, hit in memory, anonymous", "GET, hit in memory, with a key"
POINT_READ = "point read"
UNBOUND, BOUND = "read by id", "read by id and tenant"


@asynccontextmanager
async def tenant_contestants(house: House) -> AsyncIterator[Sequence[Contestant]]:
    async with database(house.stores.postgres_url, "tenants") as url:
        await prepare_database(url)
        tenant_ids = [DEFAULT_TENANT_ID, *await _add_tenants(url, TENANTS - 1)]
        key = await _key(url)
        house.settings["tenants"] = f"{TENANTS} tenants with the same workflows; their calls take turns"
        yield (
            Contestant("tenants of one engine", lambda: _engine(house, url, tenant_ids)),
            Contestant("REST with and without a key", lambda: _rest(house, url, key)),
            Contestant("point reads", lambda: _point_reads(house, url)),
        )


async def _add_tenants(url: str, count: int) -> list[int]:
    """Tenants that have `seq3`; their ids."""
    [seq3] = [draft for draft in drafts() if draft.key == "seq3"]
    engine, added = create_engine(url, 1), []
    try:
        store = PostgresDefinitionStore(engine, lambda: datetime.now(UTC))
        async with open_pool(url, 1, 20) as pool:
            for number in range(count):
                maker = Act(ANONYMOUS, Action.TENANT_CREATE)
                tenant = await PostgresTenantStore(pool).insert_tenant(maker, f"t-{number}", f"Tenant {number}")
                caller = replace(ANONYMOUS, tenant_id=tenant.id, tenant=tenant.key)
                await store.create(Act(caller, Action.WORKFLOW_CREATE), seq3)
                added.append(tenant.id)
    finally:
        await engine.dispose()
    return added


async def _key(url: str) -> str:
    text = new_key_text()
    async with open_pool(url, 1, 20) as pool:
        draft = KeyDraft("bench", Grant(Role.ADMIN), rate_limit=MAX_RATE_LIMIT)
        await PostgresKeyStore(pool).insert(Act(ANONYMOUS, Action.KEY_BOOTSTRAP), text, draft)
    return text.text


async def _engine(house: House, url: str, tenant_ids: Sequence[int]) -> list[Sample]:
    found = []
    for subject, own in ((ONE, tenant_ids[:1]), (MANY, tenant_ids)):
        async with program("bench.tenants.engine", url, *map(str, own), folder=house.folder) as engine:
            found.append(await measure_cell(house, url, engine, (subject, "seq3", CALLERS), role="engine"))
    return found


async def _rest(house: House, url: str, key: str) -> list[Sample]:
    async with connect(url) as connection:
        workflow_id = await connection.fetchval("SELECT id FROM workflows WHERE key = $1", ABOUT_2_KB)
    get = {"method": "GET", "paths": [f"/workflows/{workflow_id}"], "status": 200}
    ways = {ANONYMOUS_GET: ("off", ""), KEY_GET: ("on", f"authorization: Bearer {key}")}
    found, connections = [], house.size.http_connections
    for subject, (auth, header) in ways.items():
        async with (
            rest_process(house, url, AUTH=auth) as service,
            program("bench.rest.http_load", folder=house.folder) as load,
        ):
            request = {**get, "headers": [header] if header else []}
            answer = await load.ask(house.load(connections, server=[service.pid]), **request, port=service.port)
            found.append(sample(subject, "REST", connections, answer))
    return found


async def _point_reads(house: House, url: str) -> list[Sample]:
    async with program("bench.tenants.point_reads", url, folder=house.folder) as reader:
        return [
            sample(subject, POINT_READ, READERS, await reader.ask(house.load(READERS), way=way))
            for subject, way in ((UNBOUND, "unbound"), (BOUND, "bound"))
        ]
