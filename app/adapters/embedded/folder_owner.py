"""Decides which process runs the server of a folder: the first that opens it, and another one when that has ended.

Invariant: a server runs only while the folder is locked, and the server and its owner hold this lock together. Each
process that has the folder open tries at an interval to get the lock. The lock becomes free when the owner and its
server have ended. Then one of the other processes gets it, and starts the server again at the same address. Only the
holder of the lock writes the connection file.
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from functools import partial

from app.adapters.database_url import StorageError, StorageLost
from app.adapters.embedded.folder import Connection, Folder
from app.adapters.embedded.server import START_SECONDS, Server, answers
from app.background.backoff import Backoff
from app.background.loop import Loop, OnDefect
from app.background.restarts import Restarts

WATCH_SECONDS = 0.25
JOIN_POLL_SECONDS = 0.02
RETRY = Backoff(first_seconds=0.5, longest_seconds=5.0)

logger = logging.getLogger(__name__)


class SharedServer:
    """The server of a folder, for one of the processes that use it.

    folder: the folder of the database.
    settings: further settings of PostgreSQL, by name.
    restarts: how often the server may end.
    """

    def __init__(self, folder: Folder, settings: Mapping[str, str], restarts: Restarts | None = None) -> None:
        self._folder = folder
        self._settings = settings
        self._restarts = restarts or Restarts()
        self._server: Server | None = None
        self._watching = Loop(
            "embedded database",
            self._start_if_gone,
            partial(asyncio.sleep, WATCH_SECONDS),
            expected=(StorageError, OSError),
            backoff=RETRY,
        )

    async def open(self, on_defect: OnDefect) -> Connection:
        """Start the server, or connect to the one that another process runs. Raise `StorageError`.

        From then on a loop starts the server again when it is gone. A defect that ends the loop is reported to
        `on_defect(error)`.
        """
        self._folder.prepare()
        connection = await self._start_or_join()
        self._watching.start(on_defect, with_pause=True)
        return connection

    async def close(self) -> None:
        """Stop the server if this process owns it. Another process that has the folder open then takes over."""
        await self._watching.finish()
        if self._server:
            await self._server.stop()
            os.close(self._server.lock)
            self._server = None

    async def _start_or_join(self) -> Connection:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            if self._become_owner():
                return await self._start(keep_port=False)
            known = self._folder.read_connection()
            if known and await answers(known):
                return known
            await asyncio.sleep(JOIN_POLL_SECONDS)
        raise StorageError(
            f"Another process holds {self._folder.path / 'owner.lock'}, but its database does not answer; "
            f"see {self._folder.log}."
        )

    def _become_owner(self) -> bool:
        if self._server is None and (lock := self._folder.try_lock()) is not None:
            self._server = Server(self._folder, lock, self._settings)
        return self._server is not None

    async def _start(self, *, keep_port: bool) -> Connection:
        assert self._server is not None
        return await self._server.start(keep_port=keep_port)

    async def _start_if_gone(self) -> None:
        """Start the server when no process runs it, with the address that all processes know.

        Raise `StorageLost` when it ends too often.
        """
        if self._become_owner() and self._server is not None and not self._server.is_running():
            await self._pause_after(self._server.end())
            await self._start(keep_port=True)
            logger.warning("the embedded database is ready again")

    async def _pause_after(self, end: str | None) -> None:
        """Return when it is time to start the server again. `end` is how it ended, if it was this process's own."""
        if end is None:
            logger.warning("the embedded database is gone; starting it again")
            return
        seconds = self._restarts.after_an_end()
        if seconds is None:
            raise StorageLost(f"The embedded database {end}; it {self._restarts.too_often}; see {self._folder.log}.")
        logger.warning("the embedded database %s; starting it again in %.1f s", end, seconds)
        await asyncio.sleep(seconds)
