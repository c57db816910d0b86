"""Writes the SQL of a listing. Names come from the table of columns; everything that a caller says is an argument."""

from collections.abc import Iterable
from typing import Any

from app.adapters.database.statements import load
from app.adapters.database.tenancy import bound
from app.machines.listed import Kind
from app.machines.listing import PATTERNS, Being, Condition, Field, Group, Listing, Operator, Order, Term, ValueRefused

_SQL = load("listings")
_IN_TENANT = bound("r.tenant_id = :tenant")
_COMPARED = {
    Operator.EQ: "=",
    Operator.NEQ: "<>",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.LIKE: "LIKE",
    Operator.ILIKE: "ILIKE",
    Operator.DISTINCT: "IS DISTINCT FROM",
}
_BEING = {
    Being.NULL: "IS NULL",
    Being.NOT_NULL: "IS NOT NULL",
    Being.TRUE: "IS TRUE",
    Being.FALSE: "IS FALSE",
    Being.UNKNOWN: "IS UNKNOWN",
}
_OF_ANY_KIND = frozenset({Being.NULL, Being.NOT_NULL})

# The SQLSTATEs for an operator that does not take a type, and for IS TRUE of what is no boolean.
_NO_OPERATOR, _WRONG_TYPE = "42883", "42804"


class ListingSql:
    """One statement and its arguments, of which the first is the tenant."""

    def __init__(self, tenant_id: int, listing: Listing) -> None:
        self.arguments: list[Any] = [tenant_id]
        self._listing = listing

    def rows(self) -> str:
        listing = self._listing
        chosen = ", ".join(self._field(one.field) for one in listing.chosen)
        where, order = self._where(), ", ".join(map(self._order, self._whole_order()))
        bounds = f"LIMIT {self._bind(listing.limit)}::bigint OFFSET {self._bind(listing.offset)}::bigint"
        return f"SELECT {chosen} FROM {self._resource()} WHERE {where} ORDER BY {order} {bounds}"  # noqa: S608

    def count(self) -> str:
        return f"SELECT count(*) FROM {self._resource()} WHERE {self._where()}"  # noqa: S608

    def _resource(self) -> str:
        return f"({_SQL[self._listing.resource.name]}) AS r"

    def _where(self) -> str:
        return " AND ".join([_IN_TENANT, *map(self._condition, self._listing.where)])

    def _condition(self, condition: Condition) -> str:
        text = self._group(condition) if isinstance(condition, Group) else self._term(condition)
        return f"NOT ({text})" if condition.negated else text

    def _group(self, group: Group) -> str:
        return f"({(' OR ' if group.any else ' AND ').join(map(self._condition, group.parts))})"

    def _term(self, term: Term) -> str:
        kind, field = term.field.kind, self._compared(term.field)
        if isinstance(term.value, Being):
            if kind is not Kind.BOOLEAN and term.value not in _OF_ANY_KIND:
                message = f"argument of {_BEING[term.value]} must be type boolean, not type {kind.value}"
                raise ValueRefused(_WRONG_TYPE, message)
            return f"{field} {_BEING[term.value]}"
        if isinstance(term.value, tuple):
            return f"{field} = ANY ({self._bind(list(term.value))}::text[]{_cast(kind, '[]')})"
        if term.operator in PATTERNS and kind is not Kind.TEXT:
            raise ValueRefused(_NO_OPERATOR, f"{term.operator.value} compares text, and this is {kind.value}")
        return f"{field} {_COMPARED[term.operator]} {self._bind(term.value)}::text{_cast(kind)}"

    def _whole_order(self) -> Iterable[Order]:
        """The order that was asked for, and the key behind it, in the direction of what precedes it."""
        listing = self._listing
        columns = listing.resource.columns
        descending = bool(listing.order) and listing.order[-1].descending
        return (*listing.order, *(Order(Field(columns[name]), descending) for name in listing.resource.key))

    def _order(self, order: Order) -> str:
        text = f"{self._compared(order.field)} {'DESC' if order.descending else 'ASC'}"
        return text if order.nulls_first is None else f"{text} NULLS {'FIRST' if order.nulls_first else 'LAST'}"

    def _compared(self, field: Field) -> str:
        """JSON has no order and no equality, but JSONB has."""
        text = self._field(field)
        return f"({text})::jsonb" if field.kind is Kind.JSON else text

    def _field(self, field: Field) -> str:
        column = f"r.{field.column.name}"
        if not field.path:
            return column
        arrows = ["->"] * len(field.path)
        if field.as_text:
            arrows[-1] = "->>"
        steps = (f" {arrow} {self._step(step)}" for arrow, step in zip(arrows, field.path, strict=True))
        return f"({column}{''.join(steps)})"

    def _step(self, step: str | int) -> str:
        return f"{self._bind(step)}::{'int' if isinstance(step, int) else 'text'}"

    def _bind(self, value: Any) -> str:
        self.arguments.append(value)
        return f"${len(self.arguments)}"


def _cast(kind: Kind, suffix: str = "") -> str:
    """From text to the type that a field of the kind is compared as. PostgreSQL reads the value, or refuses it."""
    if kind is Kind.TEXT:
        return ""
    return f"::{'jsonb' if kind is Kind.JSON else kind.value}{suffix}"
