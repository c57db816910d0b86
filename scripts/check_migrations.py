"""Fails if a model has changed without a migration. Uses a temporary embedded database."""

import asyncio
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from app.adapters.database.migrations import migrate
from app.adapters.embedded import open_storage

REPOSITORY = Path(__file__).parents[1]


async def compare() -> None:
    async with open_storage("memory:") as url:
        await migrate(url)
        config = Config(REPOSITORY / "alembic.ini")
        config.set_main_option("path_separator", "os")
        config.set_main_option("sqlalchemy.url", url)
        await asyncio.to_thread(command.check, config)


if __name__ == "__main__":
    try:
        asyncio.run(compare())
    except CommandError as error:
        sys.exit(f"{error}\nThe models and the migrations differ: write a migration.")
