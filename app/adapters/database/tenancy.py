"""Binds statements to a tenant. All statements of the APIs' paths are bound; those by which engines write are not.

A bound statement has two conditions. The first is on the tenant of the rows. The second, the gate, sets `app.tenant`,
with which policies of row-level security compare. It costs no round trip, and the setting ends with the transaction:
with the statement, where that is not part of a larger one. It has to be in the outermost WHERE, where it is evaluated
before any row is read. In a subquery or a common table expression alone it would not do, because the planner decides
when that is evaluated.
"""

import re

from sqlalchemy import ColumnElement, Integer, Text, and_, bindparam, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

_PARAMETER = re.compile(r"([\w.]+) = :tenant\b")
_BOUND = "{column} = {value} AND (SELECT set_config('app.tenant', {text}, true)) = {text}"

_TENANT = bindparam("tenant", type_=Integer)
_SETTING = select(func.set_config("app.tenant", cast(_TENANT, Text), True)).scalar_subquery()
_SET = select(func.set_config("app.tenant", cast(_TENANT, Text), True))


def bound(statement: str) -> str:
    """The statement with the conditions in place of `tenant_id = :tenant`. Its first parameter is the tenant."""
    return _PARAMETER.sub(lambda found: _bound(found[1], "$1::int", "$1::int::text"), statement)


def in_tenant(tenant_id: int) -> str:
    """The conditions for a statement that has its values written into it."""
    return _bound("tenant_id", f"{tenant_id:d}", f"'{tenant_id:d}'")


def gate_of(tenant_id: int) -> str:
    """The second of these conditions alone, for a statement whose outermost rows have no tenant."""
    return in_tenant(tenant_id).partition(" AND ")[2]


def of_tenant(column: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """The conditions for a select. Its parameter `tenant` is the tenant."""
    return and_(column == _TENANT, cast(_TENANT, Text) == _SETTING)


async def enter(session: AsyncSession, tenant_id: int) -> None:
    """Bind a transaction to a tenant, by its first statement."""
    await session.execute(_SET, {"tenant": tenant_id})


def _bound(column: str, value: str, text: str) -> str:
    return _BOUND.format(column=column, value=value, text=text)
