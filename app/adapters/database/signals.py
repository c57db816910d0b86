"""NOTIFY as a hint between processes, on a connection of its own that is made again whenever it breaks."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

import asyncpg
import structlog

from app.adapters.database.connecting import connect
from app.adapters.database.pool import Pool, reaching
from app.engine.ports import StoreUnreachable

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
CHECK_SECONDS = 15.0

_BROKEN = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class PostgresSignals:
    """Listens on `dsn` while started; announces through the pool. Subscribe before `start`.

    With `dsn` None it does not listen, because no connection would hear: what is announced is found by polling.
    """

    def __init__(self, dsn: str | None, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool
        self._listeners: defaultdict[str, list[Callable[[str], None]]] = defaultdict(list)
        self._observers: list[Callable[[bool], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._pause = FIRST_PAUSE_SECONDS

    async def announce(self, channel: str, payload: str) -> None:
        with reaching():
            try:
                await self._pool.fetchval("SELECT pg_notify($1, $2)", channel, payload)
            except asyncpg.ProgramLimitExceededError as error:
                raise StoreUnreachable(f"the database takes no more notifications: {error}") from error

    def subscribe(self, channel: str, listener: Callable[[str], None]) -> None:
        self._listeners[channel].append(listener)

    def observe(self, observer: Callable[[bool], None]) -> None:
        """Call `observer(True)` when all that is announced from then on will be heard, `observer(False)` when not."""
        self._observers.append(observer)

    def start(self) -> None:
        if self._dsn is None:
            log.info("signals_by_polling", reason="the database is behind a pooler; set DATABASE_DIRECT_URL to listen")
            return
        self._task = asyncio.create_task(self._listen_for_ever(self._dsn), name="signals")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _listen_for_ever(self, dsn: str) -> None:
        while True:
            try:
                connection = await connect(dsn, 10, command_timeout=10)
                await self._listen(connection)
            except Exception as error:  # noqa: BLE001 - nobody would notice that hints do not come any more
                log.warning("signals_connection_failed", reason=repr(error))
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    async def _listen(self, connection: asyncpg.Connection) -> None:
        """Until the connection breaks. A statement at an interval finds a peer that is silently gone."""
        closed = asyncio.Event()
        connection.add_termination_listener(lambda _connection: closed.set())
        try:
            for channel in self._listeners:
                await connection.add_listener(channel, self._deliver)
            self._pause = FIRST_PAUSE_SECONDS
            self._tell(True)
            while not await _set_within(closed, CHECK_SECONDS):
                await connection.execute("SELECT 1")
        finally:
            self._tell(False)
            connection.terminate()

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
