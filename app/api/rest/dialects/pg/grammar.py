"""PostgREST's grammar of filters, orders and selections, read into the tree of a listing.

All functions raise `PgRefused`. The names of columns are checked, values are not: PostgreSQL reads them.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from app.api.rest.dialects.pg.refused import NO_COLUMN, NO_OPERATOR, PgRefused
from app.api.rest.dialects.pg.scanner import MAX_SHOWN, Scanner
from app.machines.listed import Kind, Resource
from app.machines.listing import (
    MAX_DEPTH,
    PATTERNS,
    Being,
    Chosen,
    Condition,
    Field,
    Group,
    Operator,
    Order,
    Term,
)

MAX_PLACE_DIGITS = 9
_OPERATORS = {operator.value: operator for operator in Operator}
_BEINGS = {being.value: being for being in Being}
_GROUPS = {"or": True, "and": False}
_NO_EMBEDDING = "other tables cannot be embedded, and nothing is computed; send a request for each"

Item = TypeVar("Item")
Value = Callable[[Scanner], str]


def read_filter(resource: Resource, name: str, text: str) -> Term:
    """A parameter that is named as a column: `amount=not.eq.5`."""
    scanner = Scanner(name, "field")
    field = _field(resource, scanner)
    scanner.expect_end('"->>"', '"->"')
    scanner = Scanner(text, "filter")
    term = _comparison(scanner, field, _rest)
    scanner.expect_end()
    return term


def read_group(resource: Resource, name: str, text: str) -> Group:
    """A parameter `or`, `and`, `not.or` or `not.and`: `(a.eq.1,and(b.gt.2,c.is.null))`."""
    negated, word = name.startswith("not."), name.removeprefix("not.")
    scanner = Scanner(text, "logic tree")
    group = Group(_GROUPS[word], _parts(resource, scanner, 1), negated)
    scanner.expect_end()
    return group


def read_order(resource: Resource, text: str) -> tuple[Order, ...]:
    """`a.desc.nullslast,b`"""
    scanner = Scanner(text, "order")
    return tuple(_separated(scanner, lambda: _order(resource, scanner)))


def read_select(resource: Resource, text: str) -> tuple[Chosen, ...]:
    """`a,alias:b,metadata->k,metadata->>k`, or `*` for all columns. Of two with the same name, the later one counts."""
    scanner = Scanner(text, "select parameter")
    items = [one for many in _separated(scanner, lambda: _chosen(resource, scanner)) for one in many]
    return tuple({one.name: one for one in items}.values())


def every_column(resource: Resource) -> tuple[Chosen, ...]:
    return tuple(Chosen(Field(column), name) for name, column in resource.columns.items())


def _separated(scanner: Scanner, read: Callable[[], Item]) -> Iterator[Item]:
    """Items up to the end, with commas between them."""
    yield _without_spaces(scanner, read)
    while scanner.accept(","):
        yield _without_spaces(scanner, read)
    if scanner.next == "(":
        scanner.refuse('unexpected "("', _NO_EMBEDDING)
    scanner.expect_end('"->"', '","')


def _without_spaces(scanner: Scanner, read: Callable[[], Item]) -> Item:
    scanner.spaces()
    found = read()
    scanner.spaces()
    return found


def _order(resource: Resource, scanner: Scanner) -> Order:
    field = _field(resource, scanner)
    descending, nulls_first = not scanner.accept(".asc") and scanner.accept(".desc"), None
    if scanner.accept(".nullsfirst"):
        nulls_first = True
    elif scanner.accept(".nullslast"):
        nulls_first = False
    elif scanner.next == ".":
        scanner.fail('"asc"', '"desc"', '"nullsfirst"', '"nullslast"')
    return Order(field, descending, nulls_first)


def _chosen(resource: Resource, scanner: Scanner) -> tuple[Chosen, ...]:
    if scanner.accept("*"):
        return every_column(resource)
    start, alias = scanner.at, scanner.name()
    if scanner.next == ":" and not scanner.accept("::"):
        scanner.expect(":")
        return (Chosen(_field(resource, scanner), alias),)
    scanner.at = start
    field = _field(resource, scanner)
    if scanner.next == ":":
        scanner.refuse('unexpected ":"', "columns cannot be cast")
    keys = [step for step in field.path if isinstance(step, str)]
    return (Chosen(field, keys[-1] if keys else field.column.name),)


def _field(resource: Resource, scanner: Scanner) -> Field:
    """A column, and a path into it if it holds JSON."""
    name = scanner.name()
    column = resource.columns.get(name)
    if column is None:
        shown = name if len(name) <= MAX_SHOWN else f"{name[:MAX_SHOWN]}…"
        message = f"column {resource.name}.{shown} does not exist"
        raise PgRefused(NO_COLUMN, message, hint=f"there are {', '.join(resource.columns)}")
    path, as_text = _path(scanner)
    if path and column.kind is not Kind.JSON:
        raise PgRefused(NO_OPERATOR, f"operator does not exist: {column.kind.value} -> unknown")
    return Field(column, path, as_text)


def _path(scanner: Scanner) -> tuple[tuple[str | int, ...], bool]:
    path: list[str | int] = []
    as_text = False
    while not as_text and ((as_text := scanner.accept("->>")) or scanner.accept("->")):
        path.append(_step(scanner))
        if len(path) > MAX_DEPTH:
            scanner.refuse(f"a path has more than {MAX_DEPTH} steps")
    return tuple(path), as_text


def _step(scanner: Scanner) -> str | int:
    """The place in a list, counted from 0 or backwards from -1, or the name of a member."""
    start = scanner.at
    sign = "-" if scanner.accept("-") else ""
    digits = scanner.digits()
    if 0 < len(digits) <= MAX_PLACE_DIGITS and (scanner.next in (".", ",", ")", "") or scanner.is_at("->")):
        return int(sign + digits)
    scanner.at = start
    return scanner.name()


def _parts(resource: Resource, scanner: Scanner, depth: int) -> tuple[Condition, ...]:
    """What stands in the parentheses of a group."""
    if depth > MAX_DEPTH:
        scanner.refuse(f"groups are nested more than {MAX_DEPTH} deep")
    scanner.spaces()
    scanner.expect("(")
    parts = [_part(resource, scanner, depth)]
    while scanner.accept(","):
        parts.append(_part(resource, scanner, depth))
    if scanner.next != ")":
        scanner.fail('","', '")"')
    scanner.expect(")")
    scanner.spaces()
    return tuple(parts)


def _part(resource: Resource, scanner: Scanner, depth: int) -> Condition:
    scanner.spaces()
    start = scanner.at
    negated = scanner.accept("not.")
    for word, is_any in _GROUPS.items():
        if scanner.accept(word):
            scanner.spaces()
            if scanner.next == "(":
                return Group(is_any, _parts(resource, scanner, depth + 1), negated)
            break
    scanner.at = start
    field = _field(resource, scanner)
    scanner.expect(".")
    return _comparison(scanner, field, _value_in_group)


def _comparison(scanner: Scanner, field: Field, value: Value) -> Term:
    negated = scanner.accept("not.")
    start = scanner.at
    word = scanner.until(".,()")
    operator = _OPERATORS.get(word)
    if operator is None or scanner.next != ".":
        scanner.at = start
        scanner.refuse(
            f"unknown operator {word[:MAX_SHOWN]!r}", f"there are {', '.join(_OPERATORS)}, each before a dot"
        )
    scanner.expect(".")
    if operator is Operator.IN:
        return Term(field, operator, _list(scanner), negated)
    if operator is Operator.IS:
        return Term(field, operator, _being(scanner), negated)
    text = value(scanner)
    return Term(field, operator, text.replace("*", "%") if operator in PATTERNS else text, negated)


def _being(scanner: Scanner) -> Being:
    start = scanner.at
    being = _BEINGS.get(scanner.until(",)").strip().lower())
    if being is None:
        scanner.at = start
        scanner.fail("null", "not_null", "true", "false", "unknown")
    return being


def _list(scanner: Scanner) -> tuple[str, ...]:
    """`(1,2,"with, comma")`. `()` is an empty list."""
    scanner.expect("(")
    if scanner.accept(")"):
        return ()
    found = [_value_in_group(scanner)]
    while scanner.accept(","):
        found.append(_value_in_group(scanner))
    scanner.expect(")")
    return tuple(found)


def _value_in_group(scanner: Scanner) -> str:
    """A text in quotes, or everything up to a comma or parenthesis."""
    start = scanner.at
    if scanner.next == '"':
        text = scanner.quoted()
        if scanner.next in (",", ")"):
            return text
        scanner.at = start
    return scanner.until(",)")


def _rest(scanner: Scanner) -> str:
    """Everything, as it is: quotes mean nothing where nothing follows."""
    return scanner.rest()
