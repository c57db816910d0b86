"""Which errors mean that the database does not answer, and how wake-ups find their way again."""

import asyncio
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.adapters.database import signals as signals_module
from app.adapters.database.definition_errors import service_errors
from app.adapters.database.signals import PostgresSignals
from app.adapters.unreachable import opening, reaching
from app.background.backoff import Backoff
from app.background.defects import Defects
from app.domain.errors import Conflict, Unavailable
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
        asyncpg.InvalidPasswordError("password authentication failed"),
        asyncpg.InvalidCatalogNameError("database does not exist"),
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
        asyncpg.InterfaceError("the server expects 1 argument for this query, 0 were passed"),
        asyncpg.InterfaceError("the number of query arguments cannot exceed 32767"),
        asyncpg.InsufficientPrivilegeError("permission denied for table"),
        ZeroDivisionError("a defect"),
    ],
)
def test_what_will_not(error: Exception) -> None:
    with pytest.raises(type(error)), reaching():
        raise error


def test_whatever_refuses_a_connection_may_let_it_in_later() -> None:
    refused = asyncpg.InsufficientPrivilegeError("permission denied for database")
    with pytest.raises(StoreUnreachable) as caught, opening():
        raise refused
    assert caught.value.__cause__ is refused


def test_a_defect_while_connecting_stays_one() -> None:
    with pytest.raises(ZeroDivisionError), opening():
        raise ZeroDivisionError


# What the same errors mean to the store of definitions, which reaches the database through SQLAlchemy


def from_sqlalchemy(error: Exception) -> DBAPIError:
    """As SQLAlchemy raises an error of asyncpg: within the error of its adapter, within its own."""
    adapted = AsyncAdapt_asyncpg_dbapi.Error("adapted")
    adapted.__cause__ = error
    return DBAPIError("SELECT 1", (), adapted)


@pytest.mark.parametrize(
    "error",
    [
        from_sqlalchemy(asyncpg.ConnectionDoesNotExistError("closed in the middle of operation")),
        from_sqlalchemy(asyncpg.QueryCanceledError("canceling statement due to statement timeout")),
        from_sqlalchemy(asyncpg.InvalidPasswordError("password authentication failed")),
        from_sqlalchemy(asyncpg.InterfaceError("connection is closed")),
        DBAPIError("SELECT 1", (), Exception("lost"), connection_invalidated=True),
        PoolTimeout("no connection is free"),
        asyncpg.InternalClientError("cannot switch to state 12"),
        TimeoutError(),
    ],
)
def test_what_may_succeed_later_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable), service_errors():
        raise error


@pytest.mark.parametrize(
    "error", [from_sqlalchemy(asyncpg.UndefinedTableError("no such relation")), ZeroDivisionError("a defect")]
)
def test_what_will_not_is_a_defect(error: Exception) -> None:
    with pytest.raises(type(error)), service_errors():
        raise error


def test_a_taken_key_is_a_conflict() -> None:
    violation = asyncpg.UniqueViolationError("duplicate key")
    violation.constraint_name = "uq_workflows_tenant_id_key"  # type: ignore[attr-defined]
    adapted = AsyncAdapt_asyncpg_dbapi.IntegrityError("adapted")
    adapted.__cause__ = violation
    with pytest.raises(Conflict) as caught, service_errors():
        raise IntegrityError("INSERT", (), adapted)
    assert caught.value.field == "key"


# Listening


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
async def test_a_server_that_is_away_is_not_asked_without_a_pause(
    monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
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
    defects, signals = Defects(), signals_without_server(Backoff(1.0, 3.0, jitter=0))
    signals.start(defects.report)
    while len(tried_at) < 5:
        await asyncio.sleep(1)
    await signals.stop()
    assert [later - earlier for earlier, later in pairwise(tried_at)] == [1, 2, 3, 3]
    assert all(connection.terminated for connection in connections)
    defects.raise_first()


async def test_a_defect_while_listening_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*_: Any, **__: Any) -> Broken:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(signals_module.asyncpg, "connect", connect)
    reported: asyncio.Queue[Exception] = asyncio.Queue()
    signals = signals_without_server(Backoff(0.0, 0.0))
    signals.start(reported.put_nowait)
    assert str(await reported.get()) == "a defect"
    await signals.stop()


def signals_without_server(backoff: Backoff) -> PostgresSignals:
    signals = PostgresSignals("postgresql://nowhere/db", None, backoff=backoff)  # type: ignore[arg-type]
    signals.subscribe("channel", lambda _: None)
    return signals
