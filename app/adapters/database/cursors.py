"""Rows of a cursor that are looked at before they are taken."""

import asyncpg
from asyncpg.cursor import Cursor


class Rows:
    """The rows of a cursor, fetched many at a time.

    rows: the rows that were fetched last.
    position: the index of the next row in `rows`.
    """

    def __init__(self, cursor: Cursor, at_once: int) -> None:
        self._cursor = cursor
        self._at_once = at_once
        self.rows: list[asyncpg.Record] = []
        self.position = 0

    async def head(self) -> asyncpg.Record | None:
        """Return the next row without removing it; None after the last."""
        if self.position == len(self.rows):
            self.rows, self.position = await self._cursor.fetch(self._at_once), 0
        return self.rows[self.position] if self.rows else None
