"""The command's output: results to stdout, everything else to stderr, without terminal escape sequences."""

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table
from rich.text import Text

READER_WENT_AWAY = 141
COLUMN_GAP = 2
LAST_COLUMN_MINIMUM = 20

# Texts of the service can contain anything; escape sequences in them must not reach a terminal.
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


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

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table. On a wide enough terminal, long texts of the last column wrap within that column."""
        cells = [[printable(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        if self.draws and self.width - sum(widths[:-1]) - COLUMN_GAP * (len(widths) - 1) >= LAST_COLUMN_MINIMUM:
            self.print(_table(columns, cells))
            return
        for row in [[column.upper() for column in columns], *cells]:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
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


def printable(text: str) -> str:
    """The text on one line, with control characters replaced by visible escapes."""
    return _STEERING.sub(lambda found: " " if found[0] in "\n\t" else repr(found[0])[1:-1], text)


def _table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, COLUMN_GAP, 0, 0), header_style="bold")
    for column in columns[:-1]:
        table.add_column(column.upper(), no_wrap=True)
    table.add_column(columns[-1].upper(), overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _never_fail_on_characters(stream: Any) -> None:
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
