"""Which answers of a database mean that it could not answer, and how its hints find their way again."""

import asyncio
from typing import Any

import asyncpg
import pytest

from app.adapters.database import signals as signals_module
from app.adapters.database.pool import reaching
from app.adapters.database.signals import PostgresSignals
from app.engine.ports import StoreUnreachable


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

    async def add_listener(self, *_: Any) -> None:
        raise asyncpg.ConnectionDoesNotExistError("closed in the middle of operation")

    def terminate(self) -> None:
        self.terminated = True


@pytest.mark.parametrize("fails_at", ["connect", "listen"])
async def test_hints_are_not_asked_for_without_a_pause(monkeypatch: pytest.MonkeyPatch, fails_at: str) -> None:
    connections: list[Broken] = []
    pauses: list[float] = []

    async def connect(*_: Any, **__: Any) -> Broken:
        if fails_at == "connect":
            raise ConnectionRefusedError("refused")
        connections.append(Broken())
        return connections[-1]

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            raise asyncio.CancelledError

    monkeypatch.setattr(signals_module.asyncpg, "connect", connect)
    monkeypatch.setattr(signals_module.asyncio, "sleep", sleep)
    signals = PostgresSignals("postgresql://nowhere/db", None)  # type: ignore[arg-type]
    signals.subscribe("channel", lambda _: None)
    with pytest.raises(asyncio.CancelledError):
        await signals._listen_for_ever()
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert all(connection.terminated for connection in connections)
