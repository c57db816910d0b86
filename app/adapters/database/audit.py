"""The audit log in PostgreSQL. Entries are added on the connection, and in the transaction, of the change itself."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.audit.chain import body_of
from app.audit.entry import Entry, Head, Link
from app.audit.ports import EntryFilter, TenantHead
from app.domain.refs import MAX_ID

PAGE = 1_000

_SQL = load("audit")


_APPEND = _SQL["append"]
_ENTRIES, _CHAIN = (f"{_SQL['columns']}\n{_SQL[name]}" for name in ("entries", "chain"))


class Session(Protocol):
    """A connection within a transaction."""

    async def fetchval(self, query: str, *arguments: Any) -> Any: ...


class NoHead(LookupError):
    """A tenant has no head row, so its log cannot be continued. The row was deleted by hand."""

    def __init__(self, tenant_id: int) -> None:
        super().__init__(f"the audit log of tenant {tenant_id} has no head row")


async def append(session: Session, entry: Entry) -> None:
    """Add an entry, in the transaction of the session. Raise `NoHead`."""
    if await session.fetchval(_APPEND, *values(entry)) is None:
        raise NoHead(entry.tenant_id)


async def append_to(session: AsyncSession, entry: Entry) -> None:
    """As `append`, in the transaction of a session of SQLAlchemy."""
    connection = await session.connection()
    found = await connection.exec_driver_sql(_APPEND, values(entry))
    if found.scalar() is None:
        raise NoHead(entry.tenant_id)


class PostgresAudit:
    """Reads the audit log.

    pool: its role must see the tenants that are asked for.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def entries(self, tenant_id: int, wanted: EntryFilter, before: int | None, limit: int) -> Sequence[Link]:
        last = MAX_ID if before is None else before
        wishes = (tenant_id, last, wanted.actor, wanted.action, wanted.target, wanted.since, wanted.until, limit)
        with reaching():
            return [_link(row) for row in await self._pool.read(_ENTRIES, *wishes)]

    async def heads(self) -> Sequence[TenantHead]:
        with reaching():
            rows = await self._pool.read(_SQL["heads"])
        return [TenantHead(row["tenant"], Head(row["number"], row["hash"])) for row in rows]

    async def head(self, tenant_id: int) -> Head | None:
        with reaching():
            row = await self._pool.read_row(_SQL["head"], tenant_id)
        return None if row is None else Head(row["number"], row["hash"])

    async def chain(self, tenant_id: int, after: int = 0, until: int = MAX_ID) -> AsyncIterator[Sequence[Link]]:
        """The entries after number `after` up to number `until`, oldest first, in pages."""
        while True:
            with reaching():
                rows = await self._pool.read(_CHAIN, tenant_id, after, until, PAGE)
            if rows:
                yield [_link(row) for row in rows]
            if len(rows) < PAGE:
                return
            after = rows[-1]["number"]


def values(entry: Entry) -> tuple[Any, ...]:
    """The parameters of `append`."""
    return (
        entry.tenant_id,
        entry.actor,
        entry.actor_kind,
        entry.action,
        entry.target,
        entry.request_id,
        entry.ip,
        entry.before,
        entry.after,
        body_of(entry),
    )


def _link(row: asyncpg.Record) -> Link:
    entry = Entry(
        tenant_id=row["tenant_id"],
        actor=row["actor"],
        actor_kind=row["actor_kind"],
        action=row["action"],
        target=row["target"],
        request_id=row["request_id"],
        ip=row["ip"],
        before=row["before"],
        after=row["after"],
    )
    return Link(row["number"], row["at"], entry, row["prev"], row["hash"])
