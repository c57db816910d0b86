"""A connection that is used by one caller only, so that it never waits for a connection of a pool."""

import asyncio
from typing import Any

import asyncpg

from app.adapters.database.connecting import connect
from app.adapters.unreachable import opening, reaching
from app.background.alarm import Alarm
from app.engine.ports import StoreUnreachable

CLOSE_SECONDS = 1.0

# The statements of this connection find their rows by primary key. They are planned once, so the plan must also suit
# tables that grow: without these settings, the planner would choose a sequential scan while the tables are empty, and
# keep it. The settings are made after connecting, because a pooler may refuse a connection that asks for them.
_SETTINGS = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_mergejoin = off"


class OwnConnection:
    """A connection that is opened at its first use, and again after it was lost. It runs one statement at a time.

    dsn: `postgresql+asyncpg://…`.
    timeout_seconds: a statement that takes longer ends the connection, and fails as one whose connection is lost.
    pooled: see `connecting`. No settings are made then, because the pooler gives the session to other clients, too.
    """

    def __init__(self, dsn: str, timeout_seconds: float, *, pooled: bool = False) -> None:
        self._dsn = dsn
        self._pooled = pooled
        self._timeout = timeout_seconds
        self._connection: asyncpg.Connection | None = None
        # One alarm for all statements: asyncpg's timeout would create a timer for each.
        self._overdue = Alarm(self._end)

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Return the rows. Raise what asyncpg raises, and `StoreUnreachable` when no connection can be made."""
        if (connection := self._connection) is None or connection.is_closed():
            connection = await self._open()
        loop = asyncio.get_running_loop()
        self._overdue.set(loop.time() + self._timeout, loop)
        try:
            found: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return found
        finally:
            self._overdue.clear()

    async def close(self) -> None:
        """Close the connection in an orderly way; drop it when the server is unreachable."""
        self._overdue.close()
        if self._connection is not None:
            try:
                with reaching():
                    await self._connection.close(timeout=CLOSE_SECONDS)
            except StoreUnreachable:
                self._connection.terminate()

    async def _open(self) -> asyncpg.Connection:
        with opening():
            connection = await connect(self._dsn, self._timeout, pooled=self._pooled)
        if not self._pooled:
            await self._set_up(connection)
        self._connection = connection
        return connection

    async def _set_up(self, connection: asyncpg.Connection) -> None:
        try:
            await connection.execute(_SETTINGS, timeout=self._timeout)
        except BaseException:
            connection.terminate()
            raise

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
