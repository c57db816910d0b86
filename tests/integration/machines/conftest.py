"""The services of machines on a real database."""

from collections.abc import AsyncIterator

import pytest

from app.domain.callers import Caller
from app.domain.permissions import SCOPES_OF, Role
from tests.support.checking import assert_entities_clean
from tests.support.databases import ask
from tests.support.machines import MachineHouse, machine_house


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[MachineHouse]:
    async with machine_house(database_url) as house:
        yield house
    await assert_entities_clean(database_url)


@pytest.fixture
async def other_tenant(database_url: str) -> Caller:
    """An admin of another tenant."""
    tenant_id = await ask(database_url, "INSERT INTO tenants (key, name) VALUES ('neighbour', 'n') RETURNING id")
    return Caller(tenant_id, "neighbour", "key:Neighbou", SCOPES_OF[Role.ADMIN], Role.ADMIN)
