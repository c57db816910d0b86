"""What is published for a record that can never work."""

from collections.abc import Sequence

import pytest

from app.kafka.dead_letters import DeadLetters
from app.kafka.parsing import Poison
from app.kafka.records import Received, Record
from app.kafka.topics import Topics

TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Published:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def publish(self, records: Sequence[Record]) -> None:
        self.records += records


@pytest.mark.parametrize(("header", "kept"), [(TRACE, TRACE), (b"\xff", None), (None, None)])
async def test_the_failed_end_has_the_trace_of_the_record(header: bytes | None, kept: bytes | None) -> None:
    published, topics = Published(), Topics("workflow")
    headers = {} if header is None else {"traceparent": header}
    received = Received(topics.trigger, 0, 1, 2, None, b"{}", headers)
    poison = Poison("workflow_unknown", "there is none", "run", "no-workflow")
    await DeadLetters(topics, published).bury(received, poison)
    letter, end = published.records
    assert (letter.topic, end.topic) == (topics.dead(topics.trigger), topics.completed)
    assert end.headers.get("traceparent") == kept
