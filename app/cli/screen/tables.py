"""A table and how wide its columns are, so that it fits the terminal."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from app.cli.screen.printable import printable

COLUMN_GAP = 2
WRAPPED_MINIMUM = 20
CUT_MINIMUM = 10
ELASTIC_MINIMUM = 6


class Table:
    """Rows of texts under a heading.

    elastic: the columns that are cut where the terminal is too narrow for the table.
    wraps: whether long texts of the last column wrap within it; they are cut otherwise.
    """

    def __init__(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[str]],
        elastic: Sequence[str] = (),
        *,
        wraps: bool = True,
    ) -> None:
        self.heading = [column.upper() for column in columns]
        self.cells = [[printable(cell) for cell in row] for row in rows]
        self.widths = [max(map(cell_len, column)) for column in zip(self.heading, *self.cells, strict=True)]
        self.wraps = wraps
        self._elastic = [columns.index(name) for name in elastic]

    def widths_within(self, width: int) -> Sequence[int] | None:
        """The columns' widths in a line of `width`; None if there is no room for them."""
        widths = list(self.widths)
        missing = sum(widths) + COLUMN_GAP * (len(widths) - 1) - width
        least = {len(widths) - 1: WRAPPED_MINIMUM if self.wraps else CUT_MINIMUM}
        least |= dict.fromkeys(self._elastic, ELASTIC_MINIMUM)
        for index, minimum in least.items():
            cut = min(max(widths[index] - minimum, 0), max(missing, 0))
            widths[index], missing = widths[index] - cut, missing - cut
        return widths if missing <= 0 else None
