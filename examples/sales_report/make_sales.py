"""Generates `sales.csv`, always the same: a year of orders of which 2 % are wrong, as in real exports.

    python -m examples.sales_report.make_sales

Only `random.random()` is used, because its sequence for a seed is the same in all versions of Python.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

ORDERS = 4_000
FIRST_DAY = date(2025, 1, 1)
REGIONS = ("North", "North", "South", "South", "South", "East", "West", "West", "Central")
PRICES_IN_CENTS = {
    "Desk lamp": 3490,
    "Notebook": 499,
    "Office chair": 18900,
    "Backpack": 5995,
    "Water bottle": 1850,
    "Headphones": 7999,
    "Keyboard": 6450,
    "Monitor arm": 11200,
}
BUSY_MONTHS = (11, 12)

Row = list[str]
Thing = TypeVar("Thing")


def sales(orders: int = ORDERS) -> Iterator[Row]:
    """The rows below the header."""
    random = Random(20250101)
    for number in range(orders):
        row = _order(random, number)
        spoil = _SPOILS.get(int(random.random() * 500))
        yield row if spoil is None else spoil(row)
        if random.random() < 0.003:
            yield row


def write(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("order_id", "date", "region", "product", "quantity", "unit_price"))
        writer.writerows(sales())


def _order(random: Random, number: int) -> Row:
    day = FIRST_DAY + timedelta(days=int(random.random() * 365))
    product = _one_of(random, tuple(PRICES_IN_CENTS))
    busy = 2 if day.month in BUSY_MONTHS else 1
    quantity = 1 + int(random.random() ** 3 * 12 * busy)
    discounted = PRICES_IN_CENTS[product] * (100 - 5 * int(random.random() ** 2 * 4)) // 100
    price = f"{discounted // 100}.{discounted % 100:02}"
    return [f"S{100_000 + number}", day.isoformat(), _one_of(random, REGIONS), product, str(quantity), price]


def _one_of(random: Random, things: Sequence[Thing]) -> Thing:
    return things[int(random.random() * len(things))]


def _with(column: int, text: str, row: Row) -> Row:
    return [*row[:column], text, *row[column + 1 :]]


_SPOILS: dict[int, Callable[[Row], Row]] = {
    0: lambda row: _with(1, "2025-02-30", row),
    1: lambda row: _with(1, "13/07/2025", row),
    2: lambda row: _with(2, "", row),
    3: lambda row: _with(2, "Atlantis", row),
    4: lambda row: _with(2, f" {row[2].lower()} ", row),
    5: lambda row: _with(3, "", row),
    6: lambda row: _with(4, "-2", row),
    7: lambda row: _with(4, "2.5", row),
    8: lambda row: _with(5, "n/a", row),
    9: lambda row: _with(5, row[5].replace(".", ","), row),
    10: lambda row: row[:4],
}


if __name__ == "__main__":
    write(Path(__file__).with_name("sales.csv"))
