"""Tables fit the terminal; elsewhere each row is one whole line."""

import io

import pytest

from app.cli.screen.console import Output
from app.cli.screen.tables import Table


class Terminal(Output):
    draws = True


def printed(table: Table, width: int = 80, kind: type[Output] = Terminal) -> list[str]:
    file = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    kind(file=file, width=width, highlight=False, color_system=None).rows(table)
    return [line.rstrip() for line in file.buffer.getvalue().decode().splitlines()]


def test_rows_are_whole_lines_when_not_on_a_terminal():
    table = Table(["id", "name"], [["1", "a"], ["100", "a much longer name"]], ["id"])
    assert printed(table, 10, Output) == ["ID   NAME", "1    a", "100  a much longer name"]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (28, ["ID    NAME", "e1    several words that", "      wrap", "e234"]),
        (20, ["ID    NAME", "e1    several words that wrap", "e234"]),
    ],
)
def test_rows_wrap_within_the_last_column_where_a_terminal_has_room(width: int, lines: list[str]):
    assert printed(Table(["id", "name"], [["e1", "several words that wrap"], ["e234", ""]]), width) == lines


def test_the_last_column_is_cut_where_it_does_not_wrap():
    table = Table(["id", "note"], [["e1", "several words that are cut"]], wraps=False)
    assert printed(table, 22) == ["ID  NOTE", "e1  several words tha…"]


def test_elastic_columns_are_cut_after_the_last_one():
    rows = [["e1", "a-workflow-with-a-long-key", "2026", "no answer within a second"]]
    table = Table(["id", "workflow", "when", "note"], rows, ["workflow"], wraps=False)
    assert printed(table, 60)[1] == "e1  a-workflow-with-a-long-key  2026  no answer within a se…"
    assert printed(table, 40)[1] == "e1  a-workflow-with-a…  2026  no answer…"
    assert max(map(len, printed(table, 32))) <= 32
    assert printed(table, 20)[1] == "e1  a-workflow-with-a-long-key  2026  no answer within a second"


def test_a_table_that_fits_is_not_changed():
    assert printed(Table(["id", "name"], [["1", "a"]], ["id"])) == ["ID  NAME", "1   a"]


def test_a_table_without_rows_keeps_its_heading():
    assert printed(Table(["id", "name"], [])) == ["ID  NAME"]
    assert printed(Table(["id", "name"], []), kind=Output) == ["ID  NAME"]


def test_wide_characters_are_two_columns():
    table = Table(["key", "name"], [["注文", "a"], ["orders", "b"]])
    assert printed(table, kind=Output) == ["KEY     NAME", "注文    a", "orders  b"]


@pytest.mark.parametrize("kind", [Terminal, Output])
def test_texts_cannot_steer_the_terminal(kind: type[Output]):
    assert printed(Table(["a", "b"], [["x\x1b[2J", "y\n"]]), kind=kind)[1] == "x\\x1b[2J  y"
