"""Sessions of the dashboard in PostgreSQL. All times are the database's clock."""

from collections.abc import Collection

from app.adapters.database.audit import append
from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.audit.entry import UNMASKED, Entries
from app.domain.actions import Act
from app.domain.permissions import Role
from app.identity.sessions import FoundSession

_SQL = load("ui_sessions")


class PostgresSessionStore:
    """Stores sessions.

    pool: the connections.
    entries: makes the entries of the audit log.
    """

    def __init__(self, pool: Pool, entries: Entries = UNMASKED) -> None:
        self._pool = pool
        self._entries = entries

    async def find(self, digest: bytes) -> FoundSession | None:
        with reaching():
            row = await self._pool.read_row(_SQL["find"], digest)
        if row is None:
            return None
        return FoundSession(
            row["key_digest"],
            row["seconds_left"],
            row["expires_at"],
            row["tenant_id"],
            row["tenant"],
            row["is_suspended"],
            row["principal"],
            row["role"] and Role(row["role"]),
            frozenset(row["groups"]),
        )

    async def ended(self, digests: Collection[bytes]) -> frozenset[bytes]:
        with reaching():
            rows = await self._pool.read(_SQL["ended"], list(digests))
        return frozenset(row["digest"] for row in rows)

    async def insert(self, act: Act, digest: bytes, lifetime_seconds: float) -> None:
        caller = act.caller
        role = None if caller.role is None else caller.role.value
        values = (caller.tenant_id, digest, caller.key_id, caller.principal, role, sorted(caller.groups))
        with reaching():
            async with self._pool.transaction(caller.tenant_id) as connection:
                await connection.execute(_SQL["remove_ended"], caller.tenant_id)
                made = await connection.fetchval(_SQL["insert"], *values, lifetime_seconds)
                await append(connection, self._entries.of(caller, act.action, f"session:{made}"))

    async def delete(self, act: Act, digest: bytes) -> None:
        caller = act.caller
        with reaching():
            async with self._pool.transaction(caller.tenant_id) as connection:
                ended = await connection.fetchval(_SQL["delete"], caller.tenant_id, digest)
                if ended is not None:
                    await append(connection, self._entries.of(caller, act.action, f"session:{ended}"))
