"""Outlines of revisions, kept in this process."""

import asyncio
from collections.abc import Collection, Mapping

import orjson

from app.domain.recently_used import RecentlyUsed
from app.engine.overview.outline import UNKNOWN, Outline, outline_of
from app.engine.overview.ports import OverviewStore, Revision

AT_ONCE = 20
"""So many revisions are read by one statement: a large one has a megabyte."""


class Outlines:
    """Outlines by tenant and revision. They are never invalidated, because a revision never changes.

    limit: how many are kept: those used last. A page of a list may need 200.
    """

    def __init__(self, store: OverviewStore, limit: int = 300) -> None:
        self._store = store
        self._kept: RecentlyUsed[tuple[int, Revision], Outline] = RecentlyUsed(limit)

    async def get(self, tenant_id: int, wanted: Collection[Revision]) -> Mapping[Revision, Outline]:
        """Those of the wanted revisions; `UNKNOWN` for one that the tenant has not."""
        found = {one: kept for one in wanted if (kept := self._kept.get((tenant_id, one))) is not None}
        missing = sorted(set(wanted) - found.keys())
        for start in range(0, len(missing), AT_ONCE):
            found |= await self._read(tenant_id, missing[start : start + AT_ONCE])
        return {one: found.get(one, UNKNOWN) for one in wanted}

    async def _read(self, tenant_id: int, wanted: Collection[Revision]) -> Mapping[Revision, Outline]:
        found = {}
        for revision, snapshot in (await self._store.snapshots(tenant_id, wanted)).items():
            found[revision] = outline_of(orjson.loads(snapshot))
            self._kept.put((tenant_id, revision), found[revision])
            await asyncio.sleep(0)
        return found
