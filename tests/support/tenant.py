"""The tenant that tests act in.

Without TEST_TENANT that is `default`, with AUTH=off. With `TEST_TENANT=other` in the environment every service of the
tests runs with AUTH=on and without rate limits, every database has a second tenant `other` with the key of an admin,
and every client sends that key.
"""

import os
from pathlib import Path

import asyncpg
import pytest

from app.adapters.database_url import driver_dsn
from app.adapters.secret_places import SecretPlace, place_of
from app.domain.callers import ANONYMOUS, DEFAULT_TENANT, DEFAULT_TENANT_ID, Caller
from app.domain.permissions import SCOPES_OF, Role
from app.identity.api_keys import KeyText

OTHER = "other"
KEY = KeyText("TestKey0", f"wfk_TestKey0_{43 * '0'}")

TEST_TENANT = os.environ.get("TEST_TENANT") or None

TENANT_ID = DEFAULT_TENANT_ID if TEST_TENANT is None else DEFAULT_TENANT_ID + 1
TENANT = TEST_TENANT or DEFAULT_TENANT
CALLER = (
    ANONYMOUS
    if TEST_TENANT is None
    else Caller(TENANT_ID, TENANT, f"key:{KEY.prefix}", SCOPES_OF[Role.ADMIN], Role.ADMIN)
)
"""Who calls the services in a test."""

HEADERS = {} if TEST_TENANT is None else {"Authorization": f"Bearer {KEY.text}"}
"""What clients of a test send with every request."""

ENVIRONMENT = {
    "AUTH": "on",
    "RATE_LIMIT_KEYS": "off",
    "RATE_LIMIT_ANONYMOUS": "off",
    "TENANTS_FILE": str(Path(__file__).with_name("other_tenant.toml")),
    "WORKFLOW_API_KEY": KEY.text,
}
"""What services and commands read, in the test's process and in those that it starts."""

_ADD = """
WITH tenant AS (INSERT INTO tenants (key, name) VALUES ($1, 'Of the tests') RETURNING id)
INSERT INTO api_keys (tenant_id, prefix, digest, name, role, created_by)
SELECT id, $2, $3, 'of the tests', 'admin', 'command:test' FROM tenant
"""


def place_of_secret(name: str) -> SecretPlace:
    """Where a secret of the tenant is."""
    place = place_of(TENANT, name)
    assert place is not None, name
    return place


def needs_default(reason: str) -> pytest.MarkDecorator:
    """Skips a test that is about the tenant `default`, about AUTH=off, or makes tenants and keys of its own."""
    return pytest.mark.skipif(TEST_TENANT is not None, reason=f"TEST_TENANT: {reason}")


def pytest_configure() -> None:
    if TEST_TENANT is None:
        return
    if TEST_TENANT != OTHER:
        pytest.exit(f"TEST_TENANT must be {OTHER}, not {TEST_TENANT}", returncode=1)
    os.environ.update(ENVIRONMENT)


def pytest_report_header() -> str | None:
    return None if TEST_TENANT is None else f"tenant: {TENANT}, with AUTH=on"


async def add_tenant(url: str) -> None:
    """Add the tenant and its key to a migrated database, unless tests act in `default`."""
    if TEST_TENANT is None:
        return
    connection = await asyncpg.connect(driver_dsn(url))
    try:
        await connection.execute(_ADD, TENANT, KEY.prefix, KEY.digest)
        found = await connection.fetchval("SELECT id FROM tenants WHERE key = $1", TENANT)
        assert found == TENANT_ID, f"the tenant {TENANT} has the id {found}"
    finally:
        await connection.close()
