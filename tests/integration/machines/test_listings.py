"""Listings of machines and entities: the rows that a request means, and no others."""

import asyncio
from itertools import product
from random import Random
from typing import Any

import asyncpg
import orjson
import pytest

from app.adapters.database.listing_sql import ListingSql
from app.adapters.database.listings import PostgresListings
from app.adapters.database.pool import open_pool
from app.adapters.database_url import driver_dsn
from app.api.rest.dialects.pg.queries import read_listing
from app.domain.documents import rfc3339
from app.machines.documents import state_document, transition_document
from app.machines.listed import ENTITIES, HISTORY, RESOURCES, STATES, TRANSITIONS, WORKFLOWS, Kind, Resource
from app.machines.listing import ValueRefused
from tests.support.machines import FRAUD, MachineHouse
from tests.support.query_plans import MODES
from tests.support.random_listings import Requests, in_order, query_of
from tests.support.tenant import CALLER, TENANT_ID
from tests.support.walls import api_url

REQUESTS = 400
KEYS = ("a", "b", "c")
VALUES: tuple[Any, ...] = (1, 2.5, "1", "x", "", True, None, [1, "x"], {"a": None}, "it's", 'say "hi"', "a,b", "(c)")
NAMES = ("1", "2", "Order 3", "a,b", "(c)", 'say "hi"', "it's", "100%", "back\\slash", "UPPER", "ünï", "x; DROP TABLE")


@pytest.fixture
async def listings(database_url: str):
    async with open_pool(api_url(database_url), 2, 60) as pool:
        yield PostgresListings(pool)


async def found(listings: PostgresListings, resource: Resource, query: bytes = b"", tenant_id: int = TENANT_ID):
    listing = read_listing(resource, query)
    rows = await listings.rows(tenant_id, listing)
    assert await listings.count(tenant_id, listing) >= len(rows)
    return [
        {one.name: _plain(one.field.kind, value) for one, value in zip(listing.chosen, row, strict=True)}
        for row in rows
    ]


def _plain(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    match kind:
        case Kind.JSON:
            return orjson.loads(value)
        case Kind.INSTANT:
            return rfc3339(value)
        case Kind.UUID:
            return str(value)
    return value


async def fill(house: MachineHouse, random: Random) -> None:
    machines = [await house.define(FRAUD), await house.define({**FRAUD, "key": "two"})]
    for name in NAMES:
        for machine in machines:
            house.clock.pass_by(random.choice([0, 0, 1]))
            data = {key: random.choice(VALUES) for key in KEYS if random.random() < 0.7}
            entity = (await house.start(machine, name, data=data)).entity
            if random.random() < 0.5:
                await house.move(entity.id, to="processing", context={"approval_code": "x"}, notes=name)
            if random.random() < 0.4:
                await house.move(entity.id, to="cancelled", executed_by=random.choice([None, "ann"]))


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=RESOURCES)
async def test_a_random_request_finds_the_rows_that_it_means(
    house: MachineHouse, listings: PostgresListings, resource: Resource
) -> None:
    random = Random(f"listings of {resource.name}")
    await fill(house, random)
    rows = await found(listings, resource)
    requests = Requests(random, resource, rows, KEYS)
    sizes = set()
    for _ in range(REQUESTS):
        asked, (order, wanted) = requests.condition(), requests.order()
        expected = in_order([row for row in rows if asked.holds(row)], wanted, resource.key)
        assert await found(listings, resource, query_of(**{"and": f"({asked.text})"}, order=order)) == expected, asked
        sizes.add(len(expected))
    assert len(sizes) > 2


async def test_a_filter_of_a_column_means_the_same_as_in_a_group(
    house: MachineHouse, listings: PostgresListings
) -> None:
    await fill(house, Random(1))
    for name in NAMES:
        [one, two] = await found(listings, ENTITIES, query_of(entity_id=f"eq.{name}"))
        assert one["entity_id"] == two["entity_id"] == name
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        assert await found(listings, ENTITIES, query_of(entity_id=f'in.("{escaped}")')) == [one, two]


async def test_machines_are_expanded_as_they_are_defined(house: MachineHouse, listings: PostgresListings) -> None:
    machine = await house.define(FRAUD)
    [workflow] = await found(listings, WORKFLOWS)
    assert workflow["metadata"] == machine.metadata
    assert [workflow[name] for name in ("id", "name", "version", "revision")] == [machine.id, machine.name, "1.0", 1]
    states = await found(listings, STATES)
    assert [row["position"] for row in states] == [1, 2, 3, 4]
    for row, state in zip(states, map(state_document, machine.states), strict=True):
        assert [row["is_initial"], row["is_final"]] == [state["initial"], state["final"]]
        assert [row["name"], row["metadata"]] == [state["name"], state["metadata"]]
    transitions = await found(listings, TRANSITIONS)
    for row, one in zip(transitions, map(transition_document, machine.transitions), strict=True):
        assert [row["from_state"], row["to_state"]] == [one["from"], one["to"]]
        assert [row["name"], row["conditions"]] == [one["name"], one["conditions"]]


async def test_another_tenant_is_not_there(
    house: MachineHouse, listings: PostgresListings, other_tenant, database_url: str
) -> None:
    machine = await house.define(FRAUD)
    entity = (await house.start(machine)).entity
    theirs = (await house.start(await house.define(FRAUD, other_tenant), caller=other_tenant)).entity
    for resource in RESOURCES.values():
        assert await found(listings, resource)
        assert await found(listings, resource, tenant_id=999) == []
    for text in (
        f"(id.eq.{theirs.id},id.eq.{entity.id})",
        f"(id.eq.{theirs.id},not.and(id.eq.{theirs.id}))",
        f"(workflow_definition_id.eq.{theirs.machine_id},status.eq.active)",
        "(workflow_name.eq.fraud_detection,workflow_name.is.null)",
    ):
        assert [row["id"] for row in await found(listings, ENTITIES, query_of(**{"or": text}))] == [str(entity.id)]
    assert await found(listings, HISTORY, query_of(entity_workflow_instance_id=f"eq.{theirs.id}")) == []


async def test_the_walls_hold_without_the_condition_on_the_tenant(
    house: MachineHouse, other_tenant, database_url: str
) -> None:
    """Whatever the plan: the setting that the policies compare with is made before a row is read."""
    for caller in (CALLER, other_tenant):
        await house.start(await house.define(FRAUD, caller), caller=caller)
    session = await asyncpg.connect(driver_dsn(api_url(database_url)))
    for resource, mode in product(RESOURCES.values(), MODES):
        await session.execute(f"SET plan_cache_mode = {mode}")
        for tenant_id in (TENANT_ID, other_tenant.tenant_id, TENANT_ID, 999):
            whole = ListingSql(tenant_id, read_listing(resource, b"or=(id.is.null,id.not.is.null)"))
            statement = whole.count()
            open_one = statement.replace("r.tenant_id = $1::int AND ", "")
            assert statement != open_one
            counts = {await session.fetchval(text, *whole.arguments) for text in (statement, open_one)}
            assert len(counts) == 1, (resource.name, mode)
            assert (counts == {0}) == (tenant_id == 999)
    await session.close()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("id=eq.x", "22P02"),
        ("workflow_definition_id=eq.1.5", "22P02"),
        ("workflow_definition_id=in.(1,99999999999999999999)", "22003"),
        ("started_at=gt.yesterday%20noon", "22007"),
        ("started_at=gt.2026-13-01", "22008"),
        ("metadata->a=eq.{", "22P02"),
        ("entity_id=like.1\\", "22025"),
        ("entity_id=eq.a%00b", "22021"),
        ("id=like.*", "42883"),
        ("status=is.true", "42804"),
    ],
)
async def test_a_value_that_cannot_be_compared_is_refused(
    house: MachineHouse, listings: PostgresListings, query: str, code: str
) -> None:
    await house.start(await house.define(FRAUD), "12")
    with pytest.raises(ValueRefused) as refused:
        await found(listings, ENTITIES, query.encode())
    assert refused.value.code == code


async def test_a_machine_is_named_while_another_one_gets_its_name(
    house: MachineHouse, listings: PostgresListings
) -> None:
    await house.start(await house.define(FRAUD))
    query = b"workflow_name=eq.fraud_detection"
    assert len(await found(listings, ENTITIES, query)) == 1
    await house.start(await house.define({**FRAUD, "key": "two"}))
    assert len(await found(listings, ENTITIES, query)) == 2
    assert await found(listings, ENTITIES, b"workflow_name=eq.none") == []
    assert len(await asyncio.gather(*(found(listings, ENTITIES, query) for _ in range(5)))) == 5
    assert CALLER.tenant_id == TENANT_ID
