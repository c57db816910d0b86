"""Which answers of a database mean that it could not answer, and how its hints find their way again."""

import asyncio
from itertools import pairwise
from typing import Any

import asyncpg
import pytest

from app.adapters.database import signals as signals_module
from app.adapters.database.pool import reaching
from app.adapters.database.signals import PostgresSignals
from app.engine.ports import StoreUnreachable
from tests.support.virtual_time import in_virtual_time


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("refused"),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.QueryCanceledError("canceling statement due to user request"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.OutOfMemoryError("out of memory"),
        asyncpg.DeadlockDetectedError("deadlock detected"),
        asyncpg.SerializationError("could not serialize access"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
    ],
)
def test_what_may_succeed_later(error: Exception) -> None:
    with pytest.raises(StoreUnreachable) as caught, reaching():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("duplicate key"),
        asyncpg.UndefinedTableError("no such relation"),
        asyncpg.DataError("invalid input for query argument"),
        asyncpg.InvalidPasswordError("password authentication failed"),
    ],
)
def test_what_will_not(error: Exception) -> None:
    with pytest.raises(type(error)), reaching():
        raise error


class Broken:
    """A connection that is lost as soon as it is made."""

    def __init__(self) -> None:
        self.terminated = False

    def add_termination_listener(self, _: Any) -> None:
        """It is lost before it could tell anybody."""

    async def add_listener(self, *_: Any) -> None:
        raise asyncpg.ConnectionDoesNotExistError("closed in the middle of operation")

    def terminate(self) -> None:
        self.terminated = True


@pytest.mark.parametrize("fails_at", ["connect", "listen"])
@in_virtual_time
async def test_hints_are_not_asked_for_without_a_pause(monkeypatch: pytest.MonkeyPatch, fails_at: str) -> None:
    loop = asyncio.get_running_loop()
    tried_at: list[float] = []
    connections: list[Broken] = []

    async def connect(*_: Any, **__: Any) -> Broken:
        tried_at.append(loop.time())
        if fails_at == "connect":
            raise ConnectionRefusedError("refused")
        connections.append(Broken())
        return connections[-1]

    monkeypatch.setattr(signals_module.asyncpg, "connect", connect)
    monkeypatch.setattr(signals_module, "FIRST_PAUSE_SECONDS", 1.0)
    monkeypatch.setattr(signals_module, "LONGEST_PAUSE_SECONDS", 3.0)
    signals = PostgresSignals("postgresql://nowhere/db", None)  # type: ignore[arg-type]
    signals.subscribe("channel", lambda _: None)
    signals.start()
    while len(tried_at) < 5:
        await asyncio.sleep(1)
    await signals.stop()
    assert [later - earlier for earlier, later in pairwise(tried_at)] == [1, 2, 3, 3]
    assert all(connection.terminated for connection in connections)
