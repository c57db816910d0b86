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

SEND = "SELECT pg_notify(v.channel, v.payload) FROM unnest($1::text[], $2::text[]) AS v (channel, payload)"


class _Batch:
    """Notifications that are sent by one statement.

    notices: channels and payloads.
    is_sent: whether they are.
    error: why they cannot be sent.
    """

    __slots__ = ("error", "is_sent", "notices")

    def __init__(self) -> None:
        self.notices: dict[tuple[str, str], None] = {}  # a set that keeps its order
        self.is_sent = False
        self.error: StoreUnreachable | None = None


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
        self._next = _Batch()
        self._sending = asyncio.Lock()
        pause = partial(asyncio.sleep, backoff.first_seconds)
        self._loop = Loop("signals", self._connect_and_listen, pause, backoff=backoff)

    async def announce(self, channel: str, payload: str) -> None:
        """Send a notification. Raise `StoreUnreachable` when the database is unreachable, or its queue is full.

        Those that come while others are being sent are sent together by the next statement.
        """
        batch = self._next
        batch.notices[channel, payload] = None
        async with self._sending:
            # If who was to send the batch was cancelled, the next one of it does.
            if not batch.is_sent and batch.error is None:
                await self._send(batch)
        if batch.error is not None:
            raise StoreUnreachable(str(batch.error))

    async def _send(self, batch: _Batch) -> None:
        if batch is self._next:
            self._next = _Batch()
        channels, payloads = zip(*batch.notices, strict=True)
        try:
            with reaching():
                await self._pool.execute(SEND, channels, payloads)
        except asyncpg.ProgramLimitExceededError as error:
            batch.error = StoreUnreachable(f"the database takes no more notifications: {error}")
        except StoreUnreachable as error:
            batch.error = error
        else:
            batch.is_sent = True

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
