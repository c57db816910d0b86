"""Statements are explained while they run: how the planner reads each table, and how much it looks at."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

MODES = ("force_custom_plan", "force_generic_plan")
"""A prepared statement is planned for its arguments at first, and for any arguments when it was run several times."""


@dataclass(frozen=True)
class Explained:
    """One run of one statement. `rows` counts every row that was read from a table, wanted or not."""

    statement: str
    mode: str
    scanned: frozenset[str]
    rows: int
    text: str

    def __str__(self) -> str:
        return f"{self.mode}, {self.rows} rows looked at, tables read whole: {set(self.scanned)}\n{self.text}"


@dataclass
class ExplainingPool:
    """Stands for a pool of the stores; `found` are the plans of everything that they ran."""

    session: asyncpg.Connection
    found: list[Explained] = field(default_factory=list)

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        await self.explain(statement, arguments)
        return list(await self.session.fetch(statement, *arguments))

    async def fetchrow(self, statement: str, *arguments: Any) -> asyncpg.Record | None:
        return next(iter(await self.fetch(statement, *arguments)), None)

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        row = await self.fetchrow(statement, *arguments)
        return None if row is None else row[0]

    async def execute(self, statement: str, *arguments: Any) -> str:
        await self.explain(statement, arguments)
        return str(await self.session.execute(statement, *arguments))

    read, read_row, read_value = fetch, fetchrow, fetchval

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["ExplainingPool"]:
        yield self

    def transaction(self) -> Any:
        return self.session.transaction()

    async def explain(self, statement: str, arguments: Sequence[Any]) -> None:
        """Run it in both ways, and take back what it did."""
        for mode in MODES:
            undone = self.session.transaction()
            await undone.start()
            try:
                self.found.append(await self._explained(statement, arguments, mode))
            finally:
                await undone.rollback()

    async def _explained(self, statement: str, arguments: Sequence[Any], mode: str) -> Explained:
        await self.session.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await self.session.execute(f"PREPARE explained AS {statement}")
        try:
            values = f"({', '.join(map(_literal, arguments))})" if arguments else ""
            options = "ANALYZE, TIMING OFF, FORMAT JSON"
            text = await self.session.fetchval(f"EXPLAIN ({options}) EXECUTE explained{values}")
        finally:
            await self.session.execute("DEALLOCATE explained")
        nodes = list(_nodes(orjson.loads(text)[0]["Plan"], 0))
        whole = frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan")
        return Explained(statement, mode, whole, sum(map(_rows, nodes)), "\n".join(map(_line, nodes)))


def _nodes(node: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    yield node | {"depth": depth}
    for child in node.get("Plans", ()):
        yield from _nodes(child, depth + 1)


def _line(node: dict[str, Any]) -> str:
    shown = ("Node Type", "Relation Name", "Index Name", "Index Cond", "Filter")
    words = " ".join(str(node[name]) for name in shown if name in node)
    return f"{'  ' * node['depth']}{words}: {_rows(node)} rows"


def _rows(node: dict[str, Any]) -> int:
    """What a node reads from a table, with what it then leaves out; other nodes read from these."""
    if "Scan" not in node["Node Type"] or node["Node Type"] == "CTE Scan":
        return 0
    left_out = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + left_out) * node["Actual Loops"])


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"'{{{','.join(map(_element, value))}}}'"
    return f"'{_element(value)}'"


def _element(value: Any) -> str:
    if not isinstance(value, str | bool | int | float | UUID | datetime):
        raise TypeError(f"{value!r} cannot be written as a literal")
    return str(value).replace("'", "''")
