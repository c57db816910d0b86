"""The recorder's own connection: there when it is needed, and never waited for longer than it may take."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.adapters.database.own_connection import OwnConnection
from tests.support.tcp_proxy import TcpProxy, proxy_to

LATE, SOON = 60.0, 0.3
"""Seconds after which a statement counts as unanswered: where it is answered, on a busy machine too, and where not."""


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[tuple[TcpProxy, OwnConnection]]:
    async with proxy_to(database_url) as (proxy, url):
        connection = OwnConnection(url, LATE)
        yield proxy, connection
        await connection.close()


async def one(connection: OwnConnection) -> int:
    [(value,)] = await connection.fetch("SELECT $1::int", 1)
    return value


def give_up_after(connection: OwnConnection, seconds: float) -> None:
    """From now on, although a timer is running."""
    connection._timeout = seconds
    connection._overdue.close()


async def test_it_opens_when_it_is_used_and_stays_open(proxy: tuple[TcpProxy, OwnConnection]) -> None:
    way, connection = proxy
    assert way.connections == 0
    assert [await one(connection) for _ in range(3)] == [1, 1, 1]
    assert way.connections == 1


async def test_it_opens_again_after_it_was_lost(proxy: tuple[TcpProxy, OwnConnection]) -> None:
    way, connection = proxy
    await one(connection)
    way.cut()
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await one(connection)
    assert await one(connection) == 1
    assert way.connections == 2


async def test_a_statement_that_is_not_answered_ends_it(proxy: tuple[TcpProxy, OwnConnection]) -> None:
    way, connection = proxy
    await one(connection)
    way.stall()
    give_up_after(connection, SOON)
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await one(connection)
    way.flow()
    give_up_after(connection, LATE)
    assert await one(connection) == 1


async def test_its_end_waits_for_no_server_that_is_gone(proxy: tuple[TcpProxy, OwnConnection]) -> None:
    way, connection = proxy
    await one(connection)
    held = connection._connection
    way.stall()
    await connection.close()
    assert held is not None
    assert held.is_closed()


async def test_its_end_ends_the_session_on_the_server(
    proxy: tuple[TcpProxy, OwnConnection], session: asyncpg.Connection
) -> None:
    _, connection = proxy
    [(backend,)] = await connection.fetch("SELECT pg_backend_pid()")
    alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1"
    assert await session.fetchval(alive, backend) == 1
    await connection.close()
    while await session.fetchval(alive, backend):
        await asyncio.sleep(0.01)


async def test_a_long_row_of_quick_statements_is_not_taken_for_a_slow_one(
    proxy: tuple[TcpProxy, OwnConnection],
) -> None:
    """The timer of the first goes off while a later one is on its way."""
    way, connection = proxy
    await one(connection)
    way.stall()
    later = asyncio.create_task(one(connection))
    await asyncio.sleep(0)
    connection._overdue._look(asyncio.get_running_loop())
    way.flow()
    assert await later == 1
    assert way.connections == 1


async def test_its_statements_are_planned_once_and_find_rows_by_key(
    proxy: tuple[TcpProxy, OwnConnection],
) -> None:
    _, connection = proxy
    names = ["plan_cache_mode", "enable_seqscan"]
    found = await connection.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY ($1)", names)
    assert dict(found) == {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
