"""Single steps of the migrations, and what they make of a database."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
from alembic.config import Config

from app.adapters.database_url import driver_dsn
from tests.support.processes import REPOSITORY


def alembic_for(url: str) -> Config:
    config = Config(REPOSITORY / "alembic.ini")
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", url)
    return config


async def run(step: Callable[..., None], url: str, *arguments: str) -> None:
    """`step` is one of `alembic.command`."""
    await asyncio.to_thread(step, alembic_for(url), *arguments)


async def ask(url: str, question: str, *arguments: Any) -> list[asyncpg.Record]:
    session = await asyncpg.connect(driver_dsn(url))
    try:
        return await session.fetch(question, *arguments)
    finally:
        await session.close()


async def schema(url: str) -> list[tuple[Any, ...]]:
    """All that a migration can make, with what it consists of."""
    questions = (
        "SELECT 'column', table_name, column_name, data_type, is_nullable, column_default, identity_generation"
        " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'",
        "SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '', ''"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass",
        "SELECT 'index', tablename, indexname, indexdef, '', '', ''"
        " FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
        "SELECT 'enum', typname, string_agg(enumlabel, ',' ORDER BY enumsortorder), '', '', '', ''"
        " FROM pg_type JOIN pg_enum ON enumtypid = pg_type.oid GROUP BY typname",
    )
    found = [tuple(row) for question in questions for row in await ask(url, question)]
    return sorted(found, key=str)
