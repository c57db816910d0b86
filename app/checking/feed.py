"""Checks the feed against what is promised: contiguous positions, every event once, in the order of its history.

Pure. It reads row by row, and keeps for each history, of an execution or an entity, only how far its entries have got.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.checking.findings import NO_EXECUTION, Finding, Rule


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A stored row.

    id: its id.
    last: its last position; None while it has none.
    events: the number of events that it says it has.
    entries: of each history the id of the execution or entity, the number of its first event, and the count.
    """

    id: int
    last: int | None
    events: int
    entries: Sequence[tuple[UUID, int, int]]


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """What is stored of one history.

    stream_id: the execution, or the entity.
    last: the number of its last event.
    expected: the number of its first event that must be in the feed; None if all are older than the feed.
    """

    stream_id: UUID
    last: int
    expected: int | None


class FeedCheck:
    """Checks the rows in the order of their positions, those without a position last, and then every history.

    removed: the rows up to this position have been removed.
    last: the last position that was given.
    """

    def __init__(self, removed: int, last: int) -> None:
        self._position = removed
        self._last = last
        self._spans: dict[UUID, tuple[int, int]] = {}

    def row(self, row: FeedRow) -> Iterator[Finding]:
        """The findings about the next row."""
        if row.last is not None:
            yield from self._place(row, row.last)
        counted = sum(events for _, _, events in row.entries)
        if counted != row.events:
            yield _finding(f"row {row.id} has {counted} events and says {row.events}")
        for stream_id, first, events in row.entries:
            yield from self._entry(row, stream_id, first, events)

    def end_of_rows(self) -> Iterator[Finding]:
        """The findings when there is no other row."""
        if self._position != self._last:
            yield _finding(f"position {self._last} was given, and the rows end at {self._position}")

    def history(self, stored: StoredHistory) -> Iterator[Finding]:
        """The findings about a history, after all rows."""
        stream_id, (first, end) = stored.stream_id, self._spans.get(stored.stream_id, (None, 0))
        if first is None:
            if stored.expected is not None:
                yield _finding(f"no event is in the feed, {stored.expected} should be", stream_id, stored.expected)
            return
        if stored.expected is not None and stored.expected < first:
            yield _finding(f"the feed begins with {first}, it should with {stored.expected}", stream_id, first)
        if end != stored.last:
            yield _finding(f"the feed ends with {end}, the history with {stored.last}", stream_id, end)

    def _place(self, row: FeedRow, last: int) -> Iterator[Finding]:
        if last <= self._position:
            # Rows are removed by their ids. This one has a higher id than one that got its position later.
            return
        if last - row.events != self._position:
            yield _finding(f"row {row.id} has positions from {last - row.events + 1}, after {self._position}")
        self._position = last

    def _entry(self, row: FeedRow, stream_id: UUID, first: int, events: int) -> Iterator[Finding]:
        begin, end = self._spans.get(stream_id, (first, first - 1))
        if first != end + 1:
            sentence = f"row {row.id} of the feed has it from event {first} on, the rows before it up to {end}"
            yield _finding(sentence, stream_id, first)
        self._spans[stream_id] = (begin, first + events - 1)


def _finding(sentence: str, stream_id: UUID = NO_EXECUTION, sequence: int = 0) -> Finding:
    return Finding(stream_id, sequence, Rule.FEED, sentence)
