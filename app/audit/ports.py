"""What the audit log needs from outside: protocols that `adapters/` implement and `wiring/` connects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.audit.entry import Head, Link
from app.domain.actions import Action


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """A filter of entries; None leaves all.

    actor: the principal.
    action: what was done.
    target: to what, as in `Entry`.
    since: only entries from this instant on.
    until: only entries before this instant.
    """

    actor: str | None = None
    action: Action | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditReader(Protocol):
    """Raises `Unavailable` when the store does not respond."""

    async def entries(self, tenant_id: int, wanted: EntryFilter, before: int | None, limit: int) -> Sequence[Link]:
        """Newest first, with numbers below `before`."""

    async def head(self, tenant_id: int) -> Head | None:
        """The number of the newest entry, and its hash."""


@dataclass(frozen=True, slots=True)
class TenantHead:
    """The head of one tenant's chain, and the tenant's key."""

    tenant: str
    head: Head


class Heads(Protocol):
    """Raises `Unavailable` when the store does not respond."""

    async def heads(self) -> Sequence[TenantHead]:
        """Of all tenants, ordered by id."""
