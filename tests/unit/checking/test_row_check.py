"""What an execution's row and its history can have against each other."""

from collections.abc import Sequence
from typing import Any

import pytest

from app.checking.findings import Finding, Rule
from tests.support.checked_histories import BEGUN, DONE, ID, events_of, found, row_of, told
from tests.support.histories import at


@pytest.mark.parametrize(
    ("words", "changes", "sentence"),
    [
        (DONE, {"status": "failed"}, "the row is failed, the history completed"),
        (DONE, {"started_at": at(3)}, f"the row started at {at(3)}, the history at {at(2)}"),
        (DONE, {"finished_at": None}, f"the row finished at None, the history at {at(13)}"),
        (BEGUN, {"finished_at": at(9)}, f"the row finished at {at(9)}, the history at None"),
        (DONE, {"output": '"other"'}, "the row has another output than the history"),
        (DONE, {"failure": "{}"}, "the row has another failure than the history"),
        ((*BEGUN, "a failed", "failed"), {"failure": None}, "the row has another failure than the history"),
        ((*BEGUN, "a failed", "failed"), {"output": "1"}, "the row has another output than the history"),
        (DONE, {"owner_id": 5, "owner_exists": True}, "it has ended and still belongs to engine 5"),
    ],
)
def test_rows_that_differ_from_their_history(words: Sequence[str], changes: dict[str, Any], sentence: str) -> None:
    assert told(events_of(*words), **changes) == [(0, Rule.ROW, sentence)]


def test_an_owner_that_does_not_exist() -> None:
    sentence = "it belongs to engine 5, which does not exist"
    assert told(events_of(*BEGUN), owner_exists=False) == [(0, Rule.ORPHANED, sentence)]


def test_events_without_a_row_and_a_row_without_events() -> None:
    assert found(events_of(*BEGUN), None) == [Finding(ID, 0, Rule.NO_ROW, "3 events and no row in executions")]
    row = row_of(events_of("created"))
    assert found([], row) == [Finding(ID, 0, Rule.NO_EVENTS, "a row that is pending, and no event")]
