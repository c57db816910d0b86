"""A connection that is one caller's own: no waiting for a place in the pool, and nothing asked of it but its work."""

import asyncio
from typing import Any

import asyncpg

from app.adapters.database.connecting import connect
from app.adapters.unreachable import opening, reaching
from app.background.alarm import Alarm
from app.engine.ports import StoreUnreachable

CLOSE_SECONDS = 1.0

# The statements that come over it find their rows by primary key, however large the tables are by then: planned once,
# and never by what a table that is still empty makes look cheap. Set when connected: a pooler in between may refuse a
# connection that asks for them.
_SETTINGS = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_mergejoin = off"


class OwnConnection:
    """Opened when it is first used, and again after it was lost. One statement at a time.

    A statement that takes `timeout_seconds` ends the connection, and raises what a lost one raises.
    With `pooled`, as in `connecting`, no setting is made: the session is another client's in the next moment.
    """

    def __init__(self, dsn: str, timeout_seconds: float, *, pooled: bool = False) -> None:
        self._dsn = dsn
        self._pooled = pooled
        self._timeout = timeout_seconds
        self._connection: asyncpg.Connection | None = None
        # asyncpg's own timeout costs a timer for each statement.
        self._overdue = Alarm(self._end)

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Raise what asyncpg raises, and `StoreUnreachable` when no connection can be made."""
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
        """Tell the server, when it is there."""
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
