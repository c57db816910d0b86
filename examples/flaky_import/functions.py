"""The functions of an import that fails: one fails until its third attempt, one with an error that is not retried."""

import asyncio
import csv
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from app.tasks import Attempt, TaskError, task_function

HERE = Path(__file__).parent


@task_function("flaky_import.connect")
def connect(fail_first: int, attempt: Attempt) -> dict[str, Any]:
    """Fail the first `fail_first` attempts. Only the attempt's number decides, so every engine does the same."""
    if attempt.number <= fail_first:
        raise TaskError("source_busy", f"the source refuses connection {attempt.number}; try again")
    return {"connected_at_attempt": attempt.number}


@task_function("flaky_import.load")
async def load(file: str, seconds_per_row: float, attempt: Attempt) -> dict[str, Any]:
    """Read orders row by row. A price that is not a number fails the task without a retry, which could not fix it."""
    rows = await asyncio.to_thread(_orders, file)
    revenue = Decimal(0)
    for number, row in enumerate(rows, start=1):
        await asyncio.sleep(seconds_per_row)
        revenue += int(row["quantity"]) * _price(row, number + 1)
        attempt.report(100 * number / len(rows), f"row {number} of {len(rows)}: {row['product']}")
    return {"rows": len(rows), "revenue": str(revenue)}


def _orders(file: str) -> list[dict[str, str]]:
    with (HERE / Path(file).name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _price(row: dict[str, str], line: int) -> Decimal:
    text = row["unit_price"]
    try:
        return Decimal(text)
    except InvalidOperation:
        message = f"line {line}: the price of order {row['order_id']} is {text!r}, which is no number"
        raise TaskError("bad_row", message, retryable=False) from None
