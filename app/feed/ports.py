"""What the feed needs from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.events import Event
from app.feed.entries import Entry
from app.machines.entity import EntityEvent


@dataclass(frozen=True, slots=True)
class FeedHead:
    """How far the feed reaches.

    last: the last position that was given; 0 if none was.
    removed: the positions up to this one have been removed; 0 if none was.
    """

    last: int
    removed: int


ROWS_AT_ONCE = 500
"""So many rows get positions at a time. Each has at least one event."""


class FeedStore(Protocol):
    """The feed of all tenants. All methods raise `StoreUnreachable`."""

    async def number(self) -> int | None:
        """Give positions to at most `ROWS_AT_ONCE` rows that have none. Return the last position, None while another
        reader does the same.
        """

    async def head(self) -> FeedHead: ...

    async def entries(self, after: int) -> Sequence[Entry]:
        """The next entries behind a position, in the order of their positions, without a gap; not all of them. The
        first one may begin at or before `after`. It begins behind `after + 1` only if what is between has been removed.
        """

    async def events(self, tenant_id: int, entries: Sequence[Entry]) -> Sequence[Sequence[Event]]:
        """The events of each entry about an execution, in order. None for entries of other tenants or of executions
        that were removed.
        """

    async def entity_events(self, tenant_id: int, entries: Sequence[Entry]) -> Sequence[Sequence[EntityEvent]]:
        """As `events`, for entries about entities."""


class FeedExpiry(Protocol):
    """Removes what is too old from the feed. Raises `StoreUnreachable`."""

    async def remove(self, limit: int) -> int:
        """Remove at most so many of the oldest rows; return how many were old enough."""
