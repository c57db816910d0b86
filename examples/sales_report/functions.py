"""The functions of the sales report's tasks.

Tasks run at least once, so a function may run again after it was interrupted. Each therefore writes under the
execution's own name and makes new content visible in one step: it replaces a whole file, or changes a table in one
transaction.
"""

import csv
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any
from uuid import uuid4

from app.tasks import Attempt, TaskError, task_function
from examples.sales_report.cleaning import COLUMNS, Rejected, Sale, clean

HERE = Path(__file__).parent
REPORTS = Path(".workflow/reports")
DEFAULT_FOLDER = "sales-report"
DIMENSIONS = ("region", "product", "month")
ROWS_PER_REPORT = 1_000

Totals = dict[str, dict[str, int]]


@task_function("sales_report.read")
def read(file: str, attempt: Attempt) -> dict[str, Any]:
    """Check that `file`, in the folder of this module, exists and has the columns of a sales file."""
    path = HERE / Path(file).name
    try:
        header, count = next(_rows(path), []), sum(1 for _ in _rows(path)) - 1
    except OSError as error:
        raise TaskError("no_such_file", f"{path.name}: {error.strerror}", retryable=False) from None
    if tuple(header) != COLUMNS:
        raise TaskError("not_a_sales_file", f"{path.name} does not begin with {','.join(COLUMNS)}", retryable=False)
    attempt.report(100, f"{count} rows in {path.name}")
    return {"file": path.name, "rows": count, "bytes": path.stat().st_size}


@task_function("sales_report.validate")
def validate(attempt: Attempt) -> dict[str, Any]:
    """Write the usable rows to `clean.csv`, the others with line and reason to `rejected.csv`; count both.

    Rows below the input's `min_quantity` are left out of both.
    """
    source, minimum, folder = attempt.upstream["read"], min_quantity(attempt.input), own_folder(attempt)
    rows = _rows(HERE / source["file"])
    next(rows)
    rejected: Counter[str] = Counter()
    accepted = below_minimum = 0
    with _replacing(folder / "clean.csv") as clean_file, _replacing(folder / "rejected.csv") as rejected_file:
        usable, unusable = _csv_writer(clean_file), _csv_writer(rejected_file)
        for line, outcome in enumerate(clean(_reporting(rows, source["rows"], "checked", attempt)), start=2):
            if isinstance(outcome, Rejected):
                rejected[str(outcome)] += 1
                unusable.writerow((line, outcome))
            elif outcome.quantity < minimum:
                below_minimum += 1
            else:
                accepted += 1
                usable.writerow(outcome.row())
    return {
        "clean": str(folder / "clean.csv"),
        "accepted": accepted,
        "below_minimum": below_minimum,
        "rejected": dict(sorted(rejected.items())),
    }


@task_function("sales_report.total")
def total(by: str, attempt: Attempt) -> Totals:
    """Orders, quantity and revenue in cents for each region, product or month."""
    if by not in DIMENSIONS:
        raise TaskError("unknown_dimension", f"by: {by!r} is none of {', '.join(DIMENSIONS)}", retryable=False)
    checked = attempt.upstream["validate"]
    rows = _reporting(_rows(Path(checked["clean"])), checked["accepted"], "added up", attempt)
    totals: Totals = {}
    for sale in (outcome for outcome in clean(rows) if isinstance(outcome, Sale)):
        of_name = totals.setdefault(getattr(sale, by), {"orders": 0, "quantity": 0, "revenue_cents": 0})
        of_name["orders"] += 1
        of_name["quantity"] += sale.quantity
        of_name["revenue_cents"] += sale.revenue_cents
    return dict(sorted(totals.items()))


@task_function("sales_report.store")
def store(attempt: Attempt) -> dict[str, Any]:
    """Write this execution's totals into the table `sales_totals`, replacing the rows of an earlier attempt."""
    path = own_folder(attempt).parent / "sales.sqlite"
    execution = str(attempt.execution_id)
    rows = [
        (execution, dimension, name, sums["orders"], sums["quantity"], sums["revenue_cents"])
        for dimension in DIMENSIONS
        for name, sums in attempt.upstream[f"by {dimension}"].items()
    ]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS sales_totals (execution_id TEXT, dimension TEXT, name TEXT, orders INTEGER,"
            " quantity INTEGER, revenue_cents INTEGER, PRIMARY KEY (execution_id, dimension, name))"
        )
        database.execute("DELETE FROM sales_totals WHERE execution_id = ?", (execution,))
        database.executemany("INSERT INTO sales_totals VALUES (?, ?, ?, ?, ?, ?)", rows)
    return {"database": str(path), "table": "sales_totals", "rows": len(rows)}


@task_function("sales_report.write")
def write(attempt: Attempt) -> dict[str, str]:
    """Write the totals as a Markdown page."""
    path = own_folder(attempt) / "report.md"
    with _replacing(path) as file:
        file.write("# Sales report\n")
        for dimension in DIMENSIONS:
            file.write(f"\n| {dimension} | orders | quantity | revenue |\n|---|---:|---:|---:|\n")
            for name, sums in attempt.upstream[f"by {dimension}"].items():
                file.write(f"| {name} | {sums['orders']} | {sums['quantity']} | {money(sums['revenue_cents'])} |\n")
    return {"report": str(path)}


@task_function("sales_report.summary")
def summary(attempt: Attempt) -> dict[str, Any]:
    """The figures of the whole report. Raise `TaskError` when the three totals differ."""
    checked = attempt.upstream["validate"]
    sums = {by: _sum(attempt.upstream[f"by {by}"]) for by in DIMENSIONS}
    if len(set(sums.values())) != 1 or sums["region"][0] != checked["accepted"]:
        raise TaskError("totals_differ", f"(orders, quantity, cents) by dimension: {sums}", retryable=False)
    orders, quantity, cents = sums["region"]
    return {
        "orders": orders,
        "quantity": quantity,
        "revenue": money(cents),
        "rejected": sum(checked["rejected"].values()),
        "below_minimum": checked["below_minimum"],
        "report": attempt.upstream["write"]["report"],
        "database": attempt.upstream["store"]["database"],
    }


def min_quantity(input: Mapping[str, Any]) -> int:
    """From the execution's input; `--parameter min_quantity=5` sends it as text."""
    text = str(input.get("min_quantity", 1))
    if not (text.isascii() and text.isdigit()):
        raise TaskError("bad_input", f"min_quantity must be a whole number, not {text!r}", retryable=False)
    return int(text)


def own_folder(attempt: Attempt) -> Path:
    """`.workflow/reports/FOLDER/EXECUTION`, created if missing. The input names FOLDER; a path outside is refused."""
    name = attempt.input.get("folder", DEFAULT_FOLDER)
    if not isinstance(name, str) or not _is_inside(name):
        raise TaskError("bad_input", f"folder must be a path below {REPORTS}, not {name!r}", retryable=False)
    path = REPORTS / name / str(attempt.execution_id)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and name.isprintable()


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def _sum(totals: Totals) -> tuple[int, int, int]:
    orders, quantity, cents = (
        sum(sums[field] for sums in totals.values()) for field in ("orders", "quantity", "revenue_cents")
    )
    return orders, quantity, cents


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def _csv_writer(file: IO[str]) -> Any:
    return csv.writer(file, lineterminator="\n")


def _reporting(rows: Iterable[Sequence[str]], count: int, verb: str, attempt: Attempt) -> Iterator[Sequence[str]]:
    """Yield the rows; report progress after every thousand and after the last."""
    for number, row in enumerate(rows, start=1):
        yield row
        if number % ROWS_PER_REPORT == 0 or number == count:
            attempt.report(100 * number / count, f"{number} of {count} rows {verb}")


@contextmanager
def _replacing(path: Path) -> Iterator[IO[str]]:
    """A temporary file that replaces `path` when it is complete and is removed when it is not."""
    fresh = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with fresh.open("x", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
