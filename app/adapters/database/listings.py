"""Listings of machines and entities in PostgreSQL, for a login that callers are served with."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import asyncpg

from app.adapters.database.listing_sql import ListingSql
from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.machines.listed import ENTITIES
from app.machines.listing import Field, Listing, Operator, Term, ValueRefused

_SQL = load("listings")
_NAME, _ID = "workflow_name", "workflow_definition_id"


class PostgresListings:
    """All statements are bound to a tenant."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def rows(self, tenant_id: int, listing: Listing) -> Sequence[Sequence[Any]]:
        with reaching(), _reading_values():
            statement = ListingSql(tenant_id, await self._narrowed(tenant_id, listing))
            return [tuple(row) for row in await self._pool.read(statement.rows(), *statement.arguments)]

    async def count(self, tenant_id: int, listing: Listing) -> int:
        with reaching(), _reading_values():
            statement = ListingSql(tenant_id, await self._narrowed(tenant_id, listing))
            count: int = await self._pool.read_value(statement.count(), *statement.arguments)
        return count

    async def _narrowed(self, tenant_id: int, listing: Listing) -> Listing:
        """Entities of a machine that is named get its id as a condition, too: then an index has them in their order."""
        name = next((one.value for one in listing.where if isinstance(one, Term) and _names_machine(one)), None)
        if listing.resource is not ENTITIES or name is None:
            return listing
        found = await self._pool.read(_SQL["machines_named"], tenant_id, name)
        if len(found) != 1:
            return listing
        of_machine = Term(Field(ENTITIES.columns[_ID]), Operator.EQ, str(found[0]["id"]))
        return replace(listing, where=(*listing.where, of_machine))


def _names_machine(term: Term) -> bool:
    return term.operator is Operator.EQ and not term.negated and term.field.column.name == _NAME


@contextmanager
def _reading_values() -> Iterator[None]:
    """Class 22 of PostgreSQL's errors: a value is not of the type of its column, or not within its bounds."""
    try:
        yield
    except asyncpg.DataError as error:
        raise ValueRefused(error.sqlstate or "22000", str(error)) from None
