"""A connection that is one caller's own: no waiting for a place in the pool, and nothing asked of it but its work."""

import asyncio
from typing import Any

import asyncpg

from app.adapters.database.connecting import connect
from app.adapters.unreachable import reaching
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
        self._watch: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._busy = False

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Raise what asyncpg raises."""
        if (connection := self._connection) is None or connection.is_closed():
            connection = await self._open()
        self._begin()
        try:
            found: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return found
        finally:
            self._busy = False

    async def close(self) -> None:
        """Says goodbye to a server that is there."""
        if self._watch is not None:
            self._watch.cancel()
        if self._connection is not None:
            try:
                with reaching():
                    await self._connection.close(timeout=CLOSE_SECONDS)
            except StoreUnreachable:
                self._connection.terminate()

    async def _open(self) -> asyncpg.Connection:
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

    # asyncpg's own timeout costs a timer for each statement; this one is only set anew when it runs out.

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._busy, self._due = True, loop.time() + self._timeout
        if self._watch is None:
            self._watch = loop.call_later(self._timeout, self._look)

    def _look(self) -> None:
        self._watch = None
        if not self._busy or self._connection is None:
            return
        loop = asyncio.get_running_loop()
        if (left := self._due - loop.time()) > 0:
            self._watch = loop.call_later(left, self._look)
        else:
            self._connection.terminate()
