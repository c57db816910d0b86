"""Real processes behind a pooler with one server connection for each login: nobody gets a row of another tenant.

`POOLED_SECONDS` says for how long, `CHAOS_SEED` which calls. The clients see when a call gets what is not theirs.
At the end the rows of all tenants are looked at.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from app.api.grpc.generated.workflow_pb2_grpc import WorkflowServiceStub
from tests.support.callers import Keys
from tests.support.chaos import ChaosPlan
from tests.support.clients import grpc_channel
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.pgbouncer import PROGRAM, running_pgbouncer
from tests.support.pooled_tenants import OWN, REFUSED, Tenant, TenantClient, filled_tenant
from tests.support.postgres import TEST_POOLER
from tests.support.rest_server_process import RestServerProcess
from tests.support.tenant import needs_default

pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed"),
    pytest.mark.skipif(TEST_POOLER is not None, reason="the tests' own addresses lead through a pooler already"),
    needs_default("makes its own tenants and keys"),
]

SECONDS = float(os.environ.get("POOLED_SECONDS") or 60)
TENANTS, CLIENTS = 5, 20
SETTINGS = {"AUTH": "on", "RATE_LIMIT_KEYS": "off"}
WRONG_TENANT = """
SELECT count(*) FROM executions e JOIN workflows w ON w.id = e.workflow_id
WHERE e.tenant_id <> w.tenant_id OR e.input ->> 'mark' IS DISTINCT FROM w.name
"""


class Service(NamedTuple):
    """Both processes, by way of the pooler."""

    rest: RestServerProcess
    grpc: GrpcServerProcess


@pytest.fixture
async def service(postgres_url: str, database_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    async with running_pgbouncer(postgres_url, connections=1) as pooler:
        url = pooler.through(database_url)
        rest = RestServerProcess(url, "", tmp_path / "rest.log", **SETTINGS)
        grpc = GrpcServerProcess(url, tmp_path / "grpc.log", **SETTINGS)
        await asyncio.gather(rest.start(), grpc.start())
        yield Service(rest, grpc)
        await asyncio.gather(rest.close(), grpc.close())


async def _counts(service: Service, tenants: list[Tenant], chance: random.Random) -> "Counter[str]":
    """One client, until the time is over."""
    until = time.monotonic() + SECONDS
    async with (
        httpx.AsyncClient(base_url=service.rest.url, timeout=60) as rest,
        grpc_channel(f"127.0.0.1:{service.grpc.port}") as channel,
    ):
        client = TenantClient(rest, WorkflowServiceStub(channel), tenants, chance)
        while time.monotonic() < until:
            await client.call()
    return client.counts


@pytest.mark.timeout(0)
async def test_no_client_gets_a_row_of_another_tenant(
    service: Service, database_url: str, plan: ChaosPlan, tell: Callable[[object], None]
) -> None:
    chance, keys = random.Random(plan.seed), Keys(database_url)
    async with httpx.AsyncClient(base_url=service.rest.url, timeout=60) as rest:
        tenants = [await filled_tenant(rest, keys, number) for number in range(TENANTS)]
    clients = (_counts(service, tenants, random.Random(chance.random())) for _ in range(CLIENTS))
    counts = sum(await asyncio.gather(*clients), Counter[str]())
    tell(f"{counts} with the seed {plan.seed}")
    assert counts.keys() == {OWN, REFUSED}
    assert await keys.value(WRONG_TENANT) == 0
