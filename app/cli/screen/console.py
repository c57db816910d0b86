"""The command's output: results to stdout, everything else to stderr, without terminal escape sequences."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from rich.cells import cell_len
from rich.console import Console, OverflowMethod
from rich.table import Table as RichTable
from rich.text import Text

from app.cli.screen.printable import printable
from app.cli.screen.tables import COLUMN_GAP, Table

READER_WENT_AWAY = 141


class Output(Console):
    """A rich console that prints whole lines of plain text."""

    @property
    def draws(self) -> bool:
        """True if the output is a terminal that can be redrawn in place."""
        return self.file.isatty() and not self.is_dumb_terminal

    def say(self, text: str, style: str | None = None) -> None:
        """Print one line, without wrapping or markup."""
        self.print(Text(printable(text)), style=style, soft_wrap=True)

    def json_line(self, document: Mapping[str, Any]) -> None:
        self.out(json.dumps(document), highlight=False)

    def rows(self, table: Table) -> None:
        """Print a table. A terminal gets at most its own width, anything else whole texts, a line for each row."""
        widths = table.widths_within(self.width) if self.draws else None
        if widths is not None:
            self.print(_drawn(table, widths))
            return
        for row in [table.heading, *table.cells]:
            padded = (_padded(cell, width) for cell, width in zip(row, table.widths, strict=True))
            self.say((" " * COLUMN_GAP).join(padded).rstrip())

    def on_broken_pipe(self) -> NoReturn:
        # A separate exit code, because 1 means that the execution failed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(READER_WENT_AWAY)


def results() -> Output:
    """Stdout. Characters that its encoding does not have are written as escapes."""
    _never_fail_on_characters(sys.stdout)
    return Output(highlight=False)


def failures() -> Output:
    """Stderr."""
    return Output(stderr=True, highlight=False)


def _drawn(table: Table, widths: Sequence[int]) -> RichTable:
    grid = RichTable(box=None, pad_edge=False, padding=(0, COLUMN_GAP, 0, 0), header_style="bold")
    for name, width in zip(table.heading[:-1], widths[:-1], strict=True):
        grid.add_column(name, width=width, no_wrap=True, overflow="ellipsis")
    wrapping: OverflowMethod = "fold" if table.wraps else "ellipsis"
    grid.add_column(table.heading[-1], max_width=widths[-1], no_wrap=not table.wraps, overflow=wrapping)
    for row in table.cells:
        grid.add_row(*(Text(cell) for cell in row))
    return grid


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - cell_len(cell))


def _never_fail_on_characters(stream: Any) -> None:
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
