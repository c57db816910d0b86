"""Which keys workflows have ever had, including changed and deleted ones: revisions are never removed."""

from collections.abc import Iterable

from app.adapters.database.session import open_session
from app.domain.callers import DEFAULT_TENANT_ID

_USED = """
SELECT DISTINCT snapshot->>'key' FROM workflow_revisions WHERE tenant_id = $2 AND snapshot->>'key' = ANY($1::text[])
"""


async def used_keys(url: str, keys: Iterable[str]) -> frozenset[str]:
    """Those of `keys` that a revision of the default tenant in the database at `url` has or had. Reads all revisions.

    Raise `StorageError` when the database cannot be read.
    """
    async with open_session(url) as session:
        return frozenset(row[0] for row in await session.fetch(_USED, list(keys), DEFAULT_TENANT_ID))
