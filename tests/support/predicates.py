"""Statements in which somebody has forgotten the tenant's condition. The gate, which sets the tenant, stays."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.adapters.database.pool import Pool

_WRITTEN = re.compile(r"[\w.]+ = \$1::int AND (?=\(SELECT set_config\('app\.tenant')")
_WRITTEN_IN = re.compile(r"[\w.]+ = \d+ AND (?=\(SELECT set_config\('app\.tenant')")
_BUILT = re.compile(r"\w+\.tenant_id = (\$\d+::INTEGER)(?= AND)")


def without_predicate(statement: str) -> str:
    """The parameter stays, because it is still given."""
    statement = _WRITTEN.sub("$1::int IS NOT NULL AND ", statement)
    return _BUILT.sub(r"\1 IS NOT NULL", _WRITTEN_IN.sub("", statement))


def forget_predicates(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Take them out of the statements of all pools; return the statements that were changed, as they come."""
    changed: list[str] = []
    call = Pool._call

    async def forgetful(self: Pool, method: str, query: str, *others: Any) -> Any:
        return await call(self, method, forget(query), *others)

    def forget(query: str) -> str:
        rewritten = without_predicate(query)
        if rewritten != query:
            changed.append(rewritten)
        return rewritten

    monkeypatch.setattr(Pool, "_call", forgetful)
    monkeypatch.setattr(Pool, "transaction", overheard(Pool.transaction, lambda: forget))
    return changed


def forget_predicates_of(engine: AsyncEngine) -> list[str]:
    """The same for the statements that SQLAlchemy builds."""
    changed: list[str] = []

    def rewrite(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        rewritten = without_predicate(statement)
        if rewritten != statement:
            changed.append(rewritten)
        return rewritten, parameters

    event.listen(engine.sync_engine, "before_cursor_execute", rewrite, retval=True)
    return changed


class Overheard:
    """A connection within a transaction. `hear` gets each statement, and returns the one that is sent."""

    def __init__(self, connection: Any, hear: Callable[[str], str]) -> None:
        self._connection = connection
        self._hear = hear

    async def fetch(self, query: str, *arguments: Any) -> Any:
        return await self._connection.fetch(self._hear(query), *arguments)

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        return await self._connection.fetchrow(self._hear(query), *arguments)

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        return await self._connection.fetchval(self._hear(query), *arguments)

    async def execute(self, query: str, *arguments: Any) -> Any:
        return await self._connection.execute(self._hear(query), *arguments)


def overheard(transaction: Callable[..., Any], begin: Callable[[], Callable[[str], str]]) -> Callable[..., Any]:
    """`Pool.transaction`, whose statements are heard. `begin()` is called for each transaction."""

    @asynccontextmanager
    async def hearing(pool: Pool, tenant_id: int, **options: bool) -> AsyncIterator[Overheard]:
        async with transaction(pool, tenant_id, **options) as connection:
            assert await connection.fetchval("SELECT current_setting('app.tenant', true)") == str(tenant_id)
            yield Overheard(connection, begin())

    return hearing
