"""Reading the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.audit.entry import Link
from app.audit.ports import AuditReader, EntryFilter
from app.domain.callers import Caller
from app.domain.definitions import text_problems
from app.domain.errors import Invalid

LONGEST = 1_000
"""Of an actor or a target in a filter, in characters."""


@dataclass(frozen=True, slots=True)
class EntryPage:
    """A page of the log.

    links: the newest first.
    next_cursor: the next page has the numbers below it; None on the last page.
    """

    links: Sequence[Link]
    next_cursor: int | None


class AuditService:
    """Reads the log of the caller's tenant. Raises `Invalid` for a filter that nothing can match; `Unavailable` if the
    store does not respond.
    """

    def __init__(self, reader: AuditReader) -> None:
        self._reader = reader

    async def entries(self, caller: Caller, wanted: EntryFilter, before: int | None, limit: int) -> EntryPage:
        """Newest first, with numbers below `before`."""
        if problems := text_problems("actor", wanted.actor, LONGEST) + text_problems("target", wanted.target, LONGEST):
            raise Invalid(problems)
        found = await self._reader.entries(caller.tenant_id, wanted, before, limit + 1)
        page = found[:limit]
        return EntryPage(page, page[-1].number if len(found) > limit else None)

    async def page(self, caller: Caller, skip: int, limit: int) -> tuple[Sequence[Link], int]:
        """Newest first, and the number of all entries: they are numbered without a gap, and none is ever removed."""
        head = await self._reader.head(caller.tenant_id)
        total = 0 if head is None else head.number
        if skip >= total:
            return (), total
        return await self._reader.entries(caller.tenant_id, EntryFilter(), total - skip + 1, limit), total
