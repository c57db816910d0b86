"""The query string of a table, read into a listing."""

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from app.api.rest.dialects.pg.grammar import every_column, read_filter, read_group, read_order, read_select
from app.api.rest.dialects.pg.refused import BAD_RANGE, UNREADABLE_QUERY, PgRefused, too_much
from app.machines.listed import Resource
from app.machines.listing import MAX_COLUMNS, MAX_ROWS, MAX_TERMS, Condition, Group, Listing

GROUPS = ("or", "and", "not.or", "not.and")
OTHERS = ("select", "order", "limit", "offset")
MAX_DIGITS = 18
_UNSATISFIABLE = 416


def read_listing(resource: Resource, query: bytes) -> Listing:
    """Raise `PgRefused`. A limit above `MAX_ROWS` is lowered to it."""
    where: list[Condition] = []
    others: dict[str, str] = {}
    for name, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name in OTHERS:
            if name in others:
                raise PgRefused(UNREADABLE_QUERY, f"the parameter {name} is given twice")
            others[name] = text
        elif name in GROUPS:
            where.append(read_group(resource, name, text))
        else:
            where.append(read_filter(resource, name, text))
    if (terms := _terms(where)) > MAX_TERMS:
        raise too_much("conditions", terms, MAX_TERMS)
    return _listing(resource, tuple(where), others)


def _listing(resource: Resource, where: tuple[Condition, ...], others: Mapping[str, str]) -> Listing:
    chosen = read_select(resource, others["select"]) if "select" in others else every_column(resource)
    order = read_order(resource, others["order"]) if "order" in others else ()
    if len(chosen) > MAX_COLUMNS:
        raise too_much("columns", len(chosen), MAX_COLUMNS)
    if len(order) > MAX_TERMS:
        raise too_much("columns in its order", len(order), MAX_TERMS)
    limit = min(_number(others, "limit", MAX_ROWS), MAX_ROWS)
    return Listing(resource, chosen, where, order, limit, _number(others, "offset", 0))


def _number(others: Mapping[str, str], name: str, usual: int) -> int:
    text = others.get(name)
    if text is None:
        return usual
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        shown = text[:MAX_DIGITS]
        raise PgRefused(UNREADABLE_QUERY, f'"failed to parse {name} ({shown})" (line 1, column 1)', "expecting digits")
    if text != digits and int(digits):
        details = f"{name.capitalize()} should be greater than or equal to zero."
        raise PgRefused(BAD_RANGE, "Requested range not satisfiable", details, status=_UNSATISFIABLE)
    return int(digits)


def _terms(conditions: Iterable[Condition]) -> int:
    return sum(_terms(one.parts) if isinstance(one, Group) else 1 for one in conditions)
