"""A listing: which columns of which rows, in which order. It is a tree of values; an adapter answers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from app.domain.errors import ServiceError
from app.machines.listed import Column, Kind, Resource

MAX_ROWS = 1_000
MAX_TERMS = 20
MAX_COLUMNS = 50
MAX_DEPTH = 10
"""How deep groups may be nested, and how long a path into JSON may be."""


class Operator(StrEnum):
    """How a term compares.

    LIKE, ILIKE: with a pattern of LIKE; ILIKE ignores case.
    IN: equals one of several values.
    IS: is null, true, false or unknown.
    DISTINCT: is not the same, where null is a value like others.
    """

    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    LIKE = "like"
    ILIKE = "ilike"
    IN = "in"
    IS = "is"
    DISTINCT = "isdistinct"


PATTERNS = frozenset({Operator.LIKE, Operator.ILIKE})


class Being(StrEnum):
    """What IS compares with."""

    NULL = "null"
    NOT_NULL = "not_null"
    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Field:
    """A column, or a value within a column of JSON.

    column: the column.
    path: names of members, and places in lists.
    as_text: whether the value at the end of the path is taken as text.
    """

    column: Column
    path: tuple[str | int, ...] = ()
    as_text: bool = False

    @property
    def kind(self) -> Kind:
        return Kind.TEXT if self.as_text else self.column.kind


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison.

    value: as it was written; several of them for IN, a `Being` for IS.
    negated: whether it must not hold. As in SQL, what is compared with null is neither.
    """

    field: Field
    operator: Operator
    value: str | tuple[str, ...] | Being
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Several conditions.

    any: whether one of them is enough.
    """

    any: bool
    parts: "tuple[Term | Group, ...]"
    negated: bool = False


Condition = Term | Group


@dataclass(frozen=True, slots=True)
class Order:
    """nulls_first: None for PostgreSQL's rule: last when ascending, first when descending."""

    field: Field
    descending: bool = False
    nulls_first: bool | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A column of the result, and its name there."""

    field: Field
    name: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A request.

    chosen: the columns of the result.
    where: conditions that must all hold.
    order: the order; rows that are equal in it are in the order of the resource's key.
    """

    resource: Resource
    chosen: tuple[Chosen, ...]
    where: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int = MAX_ROWS
    offset: int = 0


class ValueRefused(ServiceError):
    """A value cannot be compared with its column. `code` is the SQLSTATE that PostgreSQL has for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Listings(Protocol):
    """Listings of a tenant. What another tenant has is as what does not exist. All methods raise `ValueRefused` and
    `StoreUnreachable`.
    """

    async def rows(self, tenant_id: int, listing: Listing) -> Sequence[Sequence[Any]]:
        """The values of each row, in the order of `chosen`. JSON comes as its text."""

    async def count(self, tenant_id: int, listing: Listing) -> int:
        """How many rows there are, without the limit and the offset."""
