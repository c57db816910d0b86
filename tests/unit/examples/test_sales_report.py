"""The sales report's functions, on the shipped file with exact totals and on small ones with every defect."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from app.domain.handlers import TaskError
from examples.sales_report import functions, make_sales
from examples.sales_report.cleaning import Rejected, Sale, clean, parse
from examples.sales_report.functions import HERE, read, store, summary, total, validate, write

FOLDER = Path(".workflow/reports/sales-report/019a0000-0000-7000-8000-000000000001")
DATABASE = FOLDER.parent / "sales.sqlite"
GOOD = ["S1", "2025-03-04", "North", "Lamp", "3", "10.50"]

REJECTED = {
    "date is not YYYY-MM-DD": 17,
    "not 6 fields": 10,
    "order_id appears before": 10,
    "order_id or product is empty": 9,
    "quantity is not a whole number above 0": 15,
    "region is not known": 21,
    "unit_price is not of the form 12.34": 12,
}
BY_REGION = {
    "Central": {"orders": 430, "quantity": 1727, "revenue_cents": 11573708},
    "East": {"orders": 428, "quantity": 1861, "revenue_cents": 12476999},
    "North": {"orders": 876, "quantity": 3577, "revenue_cents": 24366607},
    "South": {"orders": 1277, "quantity": 5308, "revenue_cents": 34755520},
    "West": {"orders": 906, "quantity": 3681, "revenue_cents": 25125790},
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Reports are written below the working directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def upstream(attempt):
    """The outputs of all tasks up to the totals, from the shipped file."""
    known = {"read": read("sales.csv", attempt())}
    known["validate"] = validate(attempt(upstream=known))
    known |= {f"by {by}": total(by, attempt(upstream=known)) for by in ("region", "product", "month")}
    return known


def changed(**columns: str) -> list[str]:
    names = ("order_id", "date", "region", "product", "quantity", "unit_price")
    return [columns.get(name, text) for name, text in zip(names, GOOD, strict=True)]


def test_the_shipped_file_is_what_its_program_makes(tmp_path):
    make_sales.write(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (HERE / "sales.csv").read_bytes()


def test_read_counts_the_rows(attempt, reports):
    assert read("sales.csv", attempt()) == {"file": "sales.csv", "rows": 4011, "bytes": 175817}
    assert reports == [(100, "4011 rows in sales.csv")]


def test_a_file_that_is_missing_or_holds_something_else_fails_for_good(attempt, tmp_path, monkeypatch):
    monkeypatch.setattr(functions, "HERE", tmp_path)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for file, code in (("gone.csv", "no_such_file"), ("../other.csv", "not_a_sales_file")):
        with pytest.raises(TaskError) as caught:
            read(file, attempt())
        assert (caught.value.code, caught.value.retryable) == (code, False)


def test_a_row_is_read_with_blanks_and_letter_case_forgiven():
    sale = Sale("S1", date(2025, 3, 4), "North", "Lamp", 3, 1050)
    assert parse(GOOD) == parse(changed(region=" north ", unit_price=" 10.50")) == sale
    assert (sale.month, sale.revenue_cents, list(sale.row())) == ("2025-03", 3150, GOOD)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD[:4], "not 6 fields"),
        ([], "not 6 fields"),
        (changed(order_id=" "), "order_id or product is empty"),
        (changed(product=""), "order_id or product is empty"),
        (changed(region="Atlantis"), "region is not known"),
        (changed(date="2025-02-30"), "date is not YYYY-MM-DD"),
        (changed(date="13/07/2025"), "date is not YYYY-MM-DD"),
        (changed(date="20250304"), "date is not YYYY-MM-DD"),
        (changed(quantity="0"), "quantity is not a whole number above 0"),
        (changed(quantity="-2"), "quantity is not a whole number above 0"),
        (changed(quantity="2.5"), "quantity is not a whole number above 0"),
        (changed(unit_price="10,50"), "unit_price is not of the form 12.34"),
        (changed(unit_price="10.5"), "unit_price is not of the form 12.34"),
    ],
)
def test_a_row_with_a_defect_is_rejected_with_the_reason(row, reason):
    with pytest.raises(Rejected) as caught:
        parse(row)
    assert str(caught.value) == reason


def test_of_rows_with_one_order_id_the_first_usable_one_counts():
    outcomes = list(clean([changed(quantity="x"), GOOD, changed(quantity="9")]))
    assert [str(o) if isinstance(o, Rejected) else o.quantity for o in outcomes] == [
        "quantity is not a whole number above 0",
        3,
        "order_id appears before",
    ]


def test_validate_sorts_every_row(attempt, upstream):
    checked = upstream["validate"]
    assert checked == {
        "clean": str(FOLDER / "clean.csv"),
        "accepted": 3917,
        "below_minimum": 0,
        "rejected": REJECTED,
    }
    assert checked["accepted"] + sum(REJECTED.values()) == 4011
    assert len((FOLDER / "clean.csv").read_text().splitlines()) == 3917
    rejected = (FOLDER / "rejected.csv").read_text().splitlines()
    assert (len(rejected), rejected[0]) == (94, "62,unit_price is not of the form 12.34")


def test_the_input_can_leave_small_orders_out(attempt, upstream):
    for given in (3, "3"):
        checked = validate(attempt(upstream=upstream, input={"min_quantity": given}))
        assert (checked["accepted"], checked["below_minimum"]) == (1849, 2068)


@pytest.mark.parametrize("given", [-1, 1.5, "many", "", True, None, "²"])
def test_a_minimum_that_is_no_number_fails_for_good(attempt, given):
    with pytest.raises(TaskError) as caught:
        functions.min_quantity({"min_quantity": given})
    assert (caught.value.code, caught.value.retryable) == ("bad_input", False)


def test_the_totals_are_exact(upstream):
    assert upstream["by region"] == BY_REGION
    assert upstream["by product"]["Office chair"] == {"orders": 520, "quantity": 2109, "revenue_cents": 37921905}
    assert upstream["by month"]["2025-12"] == {"orders": 340, "quantity": 2227, "revenue_cents": 15183406}
    assert [len(upstream[f"by {by}"]) for by in ("region", "product", "month")] == [5, 8, 12]


def test_adding_up_tells_its_progress(attempt, upstream, reports):
    reports.clear()
    total("month", attempt(upstream=upstream))
    assert [message for _, message in reports] == [
        f"{number} of 3917 rows added up" for number in (1000, 2000, 3000, 3917)
    ]
    assert reports[-1][0] == 100


def test_an_unknown_dimension_fails_for_good(attempt, upstream):
    with pytest.raises(TaskError, match="by: 'weekday' is none of region, product, month"):
        total("weekday", attempt(upstream=upstream))


def test_storing_again_leaves_one_copy(attempt, upstream):
    for number in (1, 2):
        answer = store(attempt(upstream=upstream, number=number))
        assert answer == {"database": str(DATABASE), "table": "sales_totals", "rows": 25}
    with closing(sqlite3.connect(DATABASE)) as database:
        by_dimension = "SELECT dimension, count(*), sum(revenue_cents) FROM sales_totals GROUP BY 1 ORDER BY 1"
        assert database.execute(by_dimension).fetchall() == [
            ("month", 12, 108298624),
            ("product", 8, 108298624),
            ("region", 5, 108298624),
        ]


def test_writing_again_leaves_one_page(attempt, upstream):
    for number in (1, 2):
        assert write(attempt(upstream=upstream, number=number)) == {"report": str(FOLDER / "report.md")}
    assert "| South | 1277 | 5308 | 347555.20 |" in (FOLDER / "report.md").read_text().splitlines()
    assert sorted(path.name for path in FOLDER.iterdir()) == ["clean.csv", "rejected.csv", "report.md"]


def test_a_page_that_cannot_be_finished_leaves_the_old_one(attempt, upstream):
    write(attempt(upstream=upstream))
    before = (FOLDER / "report.md").read_bytes()
    with pytest.raises(KeyError):
        write(attempt(upstream=upstream | {"by month": {"2025-01": {}}}))
    assert (FOLDER / "report.md").read_bytes() == before
    assert len(list(FOLDER.iterdir())) == 3


def test_the_summary_holds_the_figures_of_the_report(attempt, upstream):
    upstream |= {"store": store(attempt(upstream=upstream)), "write": write(attempt(upstream=upstream))}
    assert summary(attempt(upstream=upstream)) == {
        "orders": 3917,
        "quantity": 16154,
        "revenue": "1082986.24",
        "rejected": 94,
        "below_minimum": 0,
        "report": str(FOLDER / "report.md"),
        "database": str(DATABASE),
    }
    lacking = {name: sums for name, sums in BY_REGION.items() if name != "West"}
    with pytest.raises(TaskError) as caught:
        summary(attempt(upstream=upstream | {"by region": lacking}))
    assert (caught.value.code, caught.value.retryable) == ("totals_differ", False)


def test_the_input_names_a_folder_below_the_reports(attempt):
    assert functions.own_folder(attempt(input={"folder": "2025/q1"})) == Path(
        ".workflow/reports/2025/q1/019a0000-0000-7000-8000-000000000001"
    )


@pytest.mark.parametrize("folder", ["/tmp", "../up", "a/../../b", "", ".", 3, None, "a\0b", "a\nb"])
def test_no_input_leads_out_of_the_reports(attempt, folder):
    with pytest.raises(TaskError) as caught:
        functions.own_folder(attempt(input={"folder": folder}))
    assert (caught.value.code, caught.value.retryable) == ("bad_input", False)
