"""What the checker finds in a feed with something wrong in it."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from app.checking.feed import FeedCheck, FeedRow, StoredHistory
from app.checking.findings import Finding

A, B = UUID(int=1), UUID(int=2)
ROWS = (FeedRow(1, 2, 2, [(A, 1, 2)]), FeedRow(3, 5, 3, [(B, 1, 1), (A, 3, 2)]), FeedRow(2, None, 1, [(B, 2, 1)]))
HISTORIES = (StoredHistory(A, 4, 1), StoredHistory(B, 2, 1))


def told(
    rows: Sequence[FeedRow] = ROWS, histories: Sequence[StoredHistory] = HISTORIES, removed: int = 0, last: int = 5
) -> list[str]:
    check = FeedCheck(removed, last)
    found: list[Finding] = []
    for row in rows:
        found += check.row(row)
    found += check.end_of_rows()
    for history in histories:
        found += check.history(history)
    return [f"{finding.execution_id.int} {finding.sequence} {finding.rule}: {finding.sentence}" for finding in found]


def test_a_feed_that_is_correct() -> None:
    assert told() == []
    assert told((), (), last=0) == []


def test_what_was_removed_is_not_missed() -> None:
    old = (StoredHistory(A, 4, None), StoredHistory(B, 2, None))
    assert told(ROWS[1:], (StoredHistory(A, 4, 3), HISTORIES[1]), removed=2) == []
    assert told((), old, removed=5) == []
    # A row that has got its position late is removed before one with a higher id.
    assert told(ROWS[1:], (StoredHistory(A, 4, 3), HISTORIES[1]), removed=5) == []


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ((FeedRow(1, 3, 2, [(A, 1, 2)]), *ROWS[1:]), "0 0 feed: row 1 has positions from 2, after 0"),
        ((FeedRow(1, 2, 2, [(A, 1, 1)]), *ROWS[1:]), "0 0 feed: row 1 has 1 events and says 2"),
        (ROWS[:1], "0 0 feed: position 5 was given, and the rows end at 2"),
        (
            (*ROWS[:2], FeedRow(2, None, 1, [(B, 1, 1)])),
            "2 1 feed: row 2 of the feed has it from event 1 on, the rows before it up to 1",
        ),
        (ROWS[:2], "2 1 feed: the feed ends with 1, the history with 2"),
        (
            (FeedRow(1, 2, 2, [(A, 2, 2)]), *ROWS[1:]),
            "1 2 feed: the feed begins with 2, it should with 1",
        ),
        ((FeedRow(1, 2, 2, [(B, 1, 2)]),), "1 1 feed: no event is in the feed, 1 should be"),
    ],
)
def test_what_is_wrong_is_found(rows: Sequence[FeedRow], sentence: str) -> None:
    assert sentence in told(rows)
