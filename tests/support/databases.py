"""Questions to a database that is named by its address."""

import asyncio
import socket

import asyncpg

from app.adapters.database_url import driver_dsn


async def ask(url: str, question: str, *arguments: object) -> object:
    session = await asyncpg.connect(driver_dsn(url), statement_cache_size=0)
    try:
        return await session.fetchval(question, *arguments)
    finally:
        await session.close()


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def is_listening(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


async def answers_again(url: str, seconds: float = 120) -> None:
    async with asyncio.timeout(seconds):
        while True:
            try:
                await ask(url, "SELECT 1")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.05)
            else:
                return
