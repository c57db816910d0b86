"""Wake-ups between processes by LISTEN and NOTIFY, over a dedicated connection that is opened again when it breaks."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import asyncpg
import structlog

from app.adapters.database.connecting import connect
from app.adapters.database.pool import Pool
from app.adapters.unreachable import opening, reaching
from app.background.backoff import Backoff
from app.background.loop import Loop, OnDefect
from app.engine.ports import StoreUnreachable

log = structlog.get_logger(__name__)

RETRY = Backoff(first_seconds=0.2, longest_seconds=5.0)
CONNECT_SECONDS = 10.0
CHECK_SECONDS = 15.0


class PostgresSignals:
    """Listens between `start` and `stop`, and sends through the pool. Subscribe before `start`.

    dsn: where to listen. None when notifications cannot be received, as behind a pooler; changes by other processes are
        then found by polling.
    pool: the connections for sending.
    check_seconds: the interval at which a statement checks that the connection is still open.
    backoff: the pauses between attempts to connect again.
    """

    def __init__(
        self,
        dsn: str | None,
        pool: Pool,
        check_seconds: float = CHECK_SECONDS,
        backoff: Backoff = RETRY,
    ) -> None:
        self._dsn = dsn
        self._pool = pool
        self._check_seconds = check_seconds
        self._listeners: defaultdict[str, list[Callable[[str], None]]] = defaultdict(list)
        self._observers: list[Callable[[bool], None]] = []
        pause = partial(asyncio.sleep, backoff.first_seconds)
        self._loop = Loop("signals", self._connect_and_listen, pause, backoff=backoff)

    async def announce(self, channel: str, payload: str) -> None:
        """Send a notification. Raise `StoreUnreachable` when the database is unreachable, or its queue is full."""
        with reaching():
            try:
                await self._pool.fetchval("SELECT pg_notify($1, $2)", channel, payload)
            except asyncpg.ProgramLimitExceededError as error:
                raise StoreUnreachable(f"the database takes no more notifications: {error}") from error

    def subscribe(self, channel: str, listener: Callable[[str], None]) -> None:
        self._listeners[channel].append(listener)

    def observe(self, observer: Callable[[bool], None]) -> None:
        """Call `observer(True)` when all notifications from now on will arrive, `observer(False)` when some may not."""
        self._observers.append(observer)

    def start(self, on_defect: OnDefect) -> None:
        """Start listening. A defect that ends the loop is reported to `on_defect(error)`."""
        if self._dsn is None:
            log.info("signals_by_polling", reason="the database is behind a pooler; set DATABASE_DIRECT_URL to listen")
            return
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """Stop listening. May be called more than once."""
        await self._loop.finish()

    async def _connect_and_listen(self) -> None:
        """Raise `StoreUnreachable` when no connection can be opened, or LISTEN is refused."""
        assert self._dsn is not None
        with opening():
            connection = await connect(self._dsn, CONNECT_SECONDS, command_timeout=CONNECT_SECONDS)
        await self._listen(connection)

    async def _listen(self, connection: asyncpg.Connection) -> None:
        """Subscribe to all channels, and return when the connection breaks."""
        closed = asyncio.Event()
        connection.add_termination_listener(lambda _connection: closed.set())
        try:
            with opening():  # a pooler may refuse LISTEN, which is not a defect of this program
                for channel in self._listeners:
                    await connection.add_listener(channel, self._deliver)
            self._tell(True)
            await self._until_broken(connection, closed)
        finally:
            self._tell(False)
            connection.terminate()

    async def _until_broken(self, connection: asyncpg.Connection, closed: asyncio.Event) -> None:
        """Send a statement at an interval: only that detects a server that is gone but did not close the connection."""
        reason = "it was closed"
        try:
            with reaching():
                while not await _set_within(closed, self._check_seconds):
                    await connection.execute("SELECT 1")
        except StoreUnreachable as error:
            reason = str(error)
        log.warning("signals_connection_lost", reason=reason)

    def _tell(self, listening: bool) -> None:
        for observer in self._observers:
            observer(listening)

    def _deliver(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        for listener in self._listeners[channel]:
            listener(str(payload))


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
