"""What the chaos says of several tenants, with nothing wrong, with rows planted in a wrong tenant, and with a leak."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import asyncpg
import pytest

from app.adapters.database_url import driver_dsn
from tests.support.chaos_callers import GrpcCaller, RestCaller, TenantCallers
from tests.support.chaos_neighbours import TRIES_AT_EXECUTIONS, TRIES_AT_WORKFLOWS, Neighbours
from tests.support.chaos_tenant_verdict import no_wrong_tenant
from tests.support.chaos_tenants import ENVIRONMENT, ChaosTenant, StartKey, settle
from tests.support.chaos_verdict import broken_histories, nothing_lost
from tests.support.engine_process import sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.rest_server_process import RestServerProcess

CHILD = workflow("child", (sync("a", 1),))
PARENT = workflow("parent", (sync("go", 1, "signal", config={"name": "go"}),
                             sync("call", 2, "workflow", config={"workflow": "child"})))  # fmt: skip
SEED = 13
SIGN = """
UPDATE execution_events SET data = replace(data::text, $2, $3)::json
WHERE execution_id = $1::uuid AND data ->> 'by' = $2
"""


@dataclass(frozen=True, slots=True)
class Town:
    """Three tenants, each of which has started a parent and let it run to its end.

    accepted: the parents.
    """

    url: str
    tenants: Sequence[ChaosTenant]
    callers: Sequence[TenantCallers]
    accepted: dict[StartKey, str]

    async def execute(self, statement: str, *arguments: object) -> None:
        session = await asyncpg.connect(driver_dsn(self.url))
        try:
            await session.execute(statement, *arguments)
        finally:
            await session.close()

    async def seen(self) -> dict[str, set[str]]:
        """What is in the lists; all that can be wrong with them is not."""
        neighbours = Neighbours(self.callers, SEED)
        await neighbours.finish()
        assert neighbours.wrong == []
        assert neighbours.refused.keys() == TRIES_AT_EXECUTIONS.keys() | TRIES_AT_WORKFLOWS.keys()
        return neighbours.seen

    async def verdict(self, seen: dict[str, set[str]]) -> list[str]:
        return [
            *await nothing_lost(self.url, self.accepted),
            *await no_wrong_tenant(self.url, self.tenants, self.accepted, seen),
            *await broken_histories(self.url),
        ]


@pytest.fixture(scope="module")
async def town(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """The same for all tests. Each mends what it plants; the last one lets neighbours in."""
    database_url, tmp_path = module_database_url, tmp_path_factory.mktemp("town")
    tenants = await settle(database_url, (CHILD, PARENT))
    grpc = GrpcServerProcess(database_url, tmp_path / "grpc.log", **ENVIRONMENT)
    rest = RestServerProcess(database_url, "", tmp_path / "rest.log", **ENVIRONMENT)
    try:
        await grpc.start()
        await rest.start()
        callers = [callers_of(tenant, grpc, rest) for tenant in tenants]
        yield Town(database_url, tenants, callers, {StartKey(of.tenant.name, "one"): await run(of) for of in callers})
        for of in callers:
            await of.close()
    finally:
        await rest.close()
        await grpc.close()


def callers_of(tenant: ChaosTenant, grpc: GrpcServerProcess, rest: RestServerProcess) -> TenantCallers:
    return TenantCallers(
        tenant,
        [GrpcCaller(grpc.port, credential=tenant.credential)],
        [RestCaller(rest.url, credential=tenant.credential)],
    )


async def run(of: TenantCallers) -> str:
    """The id of a parent that has ended."""
    execution_id = await of.grpc[0].start("parent", "one")
    await of.rest[0].signal(execution_id, "go")
    async with aclosing(of.grpc[0].watch(execution_id, 0)) as updates:
        async for _ in updates:
            pass
    return execution_id


async def test_each_row_of_a_wrong_tenant_is_found(town: Town) -> None:
    first, north, _ = town.tenants
    seen = await town.seen()
    assert await town.verdict(seen) == []

    parent = town.accepted[StartKey(first.name, "one")]
    (child,) = seen[first.name] - {parent}
    number, by = first.workflows["child"], await author(town, parent)
    in_list = "execution {} of north was in a list of " + first.name
    plants = {
        f"executions SET tenant_id = $1 WHERE id = '{parent}'": {
            f"accepted: one of {first.name} {parent}, stored: None",
            f"execution {parent} is of north, and was made by {by} of {first.name}",
            in_list.format(parent),
            f"{child} 0 tenant: it is of tenant {first.id}, its parent {parent} of tenant {north.id}",
        },
        f"executions SET tenant_id = $1 WHERE id = '{child}'": {
            in_list.format(child),
            f"{child} 0 tenant: it is of tenant {north.id}, its parent {parent} of tenant {first.id}",
        },
        f"workflow_revisions SET tenant_id = $1 WHERE workflow_id = {number}": {
            f"revision 1 of workflow {number} is of north, and was made by {by} of {first.name}",
            f"{child} 0 tenant: it is of tenant {first.id}, revision 1 of workflow {number} of tenant {north.id}",
        },
        f"workflows SET tenant_id = $1, key = 'theirs' WHERE id = {number}": {
            f"workflow {number}: {(first.name, 'child')} was stored, {('north', 'theirs')} is there",
        },
    }
    for plant, sentences in plants.items():
        await town.execute(f"UPDATE {plant}", north.id)
        assert sentences <= set(await town.verdict(seen))
        await town.execute(f"UPDATE {plant.replace('theirs', 'child')}", first.id)
        assert await town.verdict(seen) == []


async def test_what_a_caller_of_another_tenant_did_is_found(town: Town) -> None:
    first, north, _ = town.tenants
    seen = await town.seen()
    parent, other = (town.accepted[StartKey(of.name, "one")] for of in (first, north))
    by, foreign = await author(town, parent), await author(town, other)
    await town.execute(SIGN, parent, by, foreign)
    (sentence,) = await town.verdict(seen)
    await town.execute(SIGN, parent, foreign, by)
    of_event = f" of execution {parent}, signal_received, is of {first.name}"
    assert sentence.endswith(f"{of_event}, and was made by {foreign} of north")


async def test_neighbours_notice_when_they_reach_another_tenant(town: Town) -> None:
    first, _, south = town.callers
    neighbours = Neighbours((first, replace(south, grpc=first.grpc, rest=first.rest)), SEED)
    await neighbours.finish()
    name = first.tenant.name
    parent = town.accepted[StartKey(name, "one")]
    assert f"{parent} is in a list of south, and was in one of {name}" in neighbours.wrong
    reached = {sentence for sentence in neighbours.wrong if sentence.startswith("south tried")}
    assert {sentence.split()[2] for sentence in reached} == TRIES_AT_EXECUTIONS.keys() | TRIES_AT_WORKFLOWS.keys()
    assert any(sentence.startswith("south tried look at") and sentence.endswith("it was done") for sentence in reached)


async def author(town: Town, execution_id: str) -> str:
    """Who has started it, as its row says."""
    session = await asyncpg.connect(driver_dsn(town.url))
    try:
        return str(await session.fetchval("SELECT started_by FROM executions WHERE id = $1::uuid", execution_id))
    finally:
        await session.close()
