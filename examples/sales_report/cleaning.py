"""Parses the rows of a sales file into sales, or into the reason why a row cannot be used. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

COLUMNS = ("order_id", "date", "region", "product", "quantity", "unit_price")
REGIONS = frozenset({"North", "South", "East", "West", "Central"})

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"[0-9]{1,6}")
_PRICE = re.compile(r"([0-9]{1,7})\.([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Sale:
    """One usable row. Money is in whole cents, so that totals are exact."""

    order_id: str
    day: date
    region: str
    product: str
    quantity: int
    price_cents: int

    @property
    def month(self) -> str:
        return f"{self.day:%Y-%m}"

    @property
    def revenue_cents(self) -> int:
        return self.quantity * self.price_cents

    def row(self) -> tuple[str, ...]:
        price = f"{self.price_cents // 100}.{self.price_cents % 100:02}"
        return self.order_id, self.day.isoformat(), self.region, self.product, str(self.quantity), price


class Rejected(Exception):
    """A row cannot be used. The message is the reason; rows with the same defect have the same message."""


def clean(rows: Iterable[Sequence[str]]) -> Iterator[Sale | Rejected]:
    """Yield one result per row, in order. Of rows with the same order id, the first usable one counts."""
    seen: set[str] = set()
    for row in rows:
        try:
            sale = parse(row)
        except Rejected as reason:
            yield reason
            continue
        yield Rejected("order_id appears before") if sale.order_id in seen else sale
        seen.add(sale.order_id)


def parse(row: Sequence[str]) -> Sale:
    """Raise `Rejected` with the first defect. Blanks around a field and the case of a region do not matter."""
    if len(row) != len(COLUMNS):
        raise Rejected(f"not {len(COLUMNS)} fields")
    order_id, day, region, product, quantity, price = (field.strip() for field in row)
    if not order_id or not product:
        raise Rejected("order_id or product is empty")
    if region.title() not in REGIONS:
        raise Rejected("region is not known")
    return Sale(order_id, _day(day), region.title(), product, _quantity(quantity), _cents(price))


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):  # `fromisoformat` alone reads more: 20250304, 2025-W10-2
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Rejected("date is not YYYY-MM-DD")


def _quantity(text: str) -> int:
    if not _WHOLE.fullmatch(text) or int(text) == 0:
        raise Rejected("quantity is not a whole number above 0")
    return int(text)


def _cents(text: str) -> int:
    matched = _PRICE.fullmatch(text)
    if matched is None:
        raise Rejected("unit_price is not of the form 12.34")
    return int(matched[1]) * 100 + int(matched[2])
