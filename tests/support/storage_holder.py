"""A process that holds an embedded database open: `python -m tests.support.storage_holder DATABASE_URL`.

Prints the database's address when it is open, and closes it when its standard input ends.
"""

import asyncio
import sys

from app.adapters.embedded import open_storage


async def hold(database_url: str) -> None:
    async with open_storage(database_url) as url:
        sys.stdout.write(url + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1]))
