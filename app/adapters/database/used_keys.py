"""Which keys workflows and machines have ever had, including changed and deleted ones: revisions are never removed."""

from collections.abc import Iterable

from app.adapters.database.session import open_session

_USED = """
SELECT DISTINCT snapshot->>'key'
FROM (
    SELECT tenant_id, snapshot FROM workflow_revisions UNION ALL SELECT tenant_id, snapshot FROM machine_revisions
) AS revisions
WHERE tenant_id = (SELECT id FROM tenants WHERE key = $1) AND snapshot->>'key' = ANY($2::text[])
"""


async def used_keys(url: str, tenant: str, keys: Iterable[str]) -> frozenset[str]:
    """Those of `keys` that a revision of a tenant in the database at `url` has or had. Reads all revisions.

    tenant: the key of the tenant.

    Raise `StorageError` when the database cannot be read.
    """
    async with open_session(url) as session:
        return frozenset(row[0] for row in await session.fetch(_USED, tenant, list(keys)))
