"""Which batches go into the lean statements, and which have to be judged step by step."""

import struct
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from app.adapters.database.steps_together import batch_of
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus
from app.engine.ports import EntityChange, Opening, Parking, RowChange, Step
from tests.support.histories import BEGUN, CREATED, STARTED, at, completed, end, note

OLD, NEW, OTHER = (uuid4() for _ in range(3))
OPENING = Opening(workflow_id=1, revision=2, input=Payload("{}"), created_at=at(0), idempotency_key="key")
OPENED = Step(NEW, (CREATED, STARTED), OPENING, BEGUN)
ENDED = Step(OLD, [completed(4, "7")], change=end(4, "7"))
PAUSED = RowChange(ExecutionStatus.PAUSED)


def owned(*steps: Step) -> list[UUID]:
    batch = batch_of(steps)
    assert batch is not None
    return list(batch.owned)


def test_plain_steps_ask_for_no_more_than_their_events() -> None:
    batch = batch_of([Step(OLD, [note(3), note(4)]), Step(OTHER, [note(7)]), Step(OLD, [note(5)])])
    assert batch is not None
    ids, numbers, *columns, asked, counts, bodies = batch.arguments
    assert ids == [OLD, OLD, OTHER, OLD]
    assert numbers == (3, 4, 7, 5)
    assert len(columns) == 7
    assert asked == [OLD, OTHER]
    entries = [struct.pack("!16sii", one.bytes, *span) for one, *span in ((OLD, 3, 2), (OTHER, 7, 1), (OLD, 5, 1))]
    assert (counts, bodies) == ([4], [b"".join(entries)])
    assert "UPDATE" not in batch.statement
    assert "INTO executions" not in batch.statement


def test_an_end_changes_its_row() -> None:
    batch = batch_of([ENDED, Step(OTHER, [note(2)])])
    assert batch is not None
    assert list(batch.arguments)[-5:] == [(OLD,), ("completed",), (at(4),), ("7",), (None,)]
    assert "UPDATE executions" in batch.statement
    assert "INTO executions" not in batch.statement


def test_what_is_opened_need_not_be_owned_before() -> None:
    batch = batch_of([OPENED, Step(NEW, [note(3)]), ENDED])
    assert batch is not None
    assert owned(OPENED, Step(NEW, [note(3)]), ENDED) == [OLD]
    values = [(NEW,), (1,), (2,), ("key",), ("{}",), (at(0),), ("running",), (at(2),), (None,)]
    assert list(batch.arguments)[-9:] == values


@pytest.mark.parametrize(
    "steps",
    [
        [Step(OLD, [note(3)], done_commands=[1])],
        [Step(OLD, (), parking=Parking(None))],
        [Step(OLD, [completed(4)], change=end(4), entities=EntityChange(ends=True))],
        [Step(OLD, [note(3)], change=PAUSED)],
        [Step(OLD, [STARTED], change=BEGUN)],
        [Step(OLD, [STARTED, completed(3)], change=end(3, started_at=at(2)))],
        [Step(NEW, (CREATED, STARTED, completed(3)), OPENING, end(3, started_at=at(2)))],
        [OPENED, Step(NEW, [completed(3)], change=end(3))],
        [ENDED, OPENED, Step(OTHER, ())],
    ],
    ids=[
        "command",
        "parking",
        "end of a run",
        "pause",
        "begin",
        "begin and end",
        "open and end",
        "open, then end",
        "no event",
    ],
)
def test_unusual_steps_are_judged_apart(steps: Sequence[Step]) -> None:
    assert batch_of(steps) is None
