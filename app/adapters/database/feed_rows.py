"""The rows of the feed as a commit stores them. `FeedRow` says what they consist of."""

from collections.abc import Sequence
from struct import Struct

from app.engine.ports import Step

ENTRIES_OF_ROW = 350
"""A longer body would be stored apart from its row, and reading it would take longer."""

ENTRY = Struct("!16sii")
"""One entry of a body: the id of the execution, the number of the first event, the count."""

_pack = ENTRY.pack


def feed_rows(steps: Sequence[Step]) -> tuple[Sequence[int], Sequence[bytes]]:
    """The columns `events` and `body` for steps that all have events: one row, unless there are very many steps."""
    parts = [steps[start : start + ENTRIES_OF_ROW] for start in range(0, len(steps), ENTRIES_OF_ROW)]
    return [sum(len(step.events) for step in part) for part in parts], [_body(part) for part in parts]


def _body(steps: Sequence[Step]) -> bytes:
    return b"".join([_pack(s.execution_id.bytes, s.events[0].sequence, len(s.events)) for s in steps])
