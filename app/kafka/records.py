"""Records of topics, as they are sent and as they come in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.traces import parse_traceparent

Headers = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Record:
    """A record to send.

    topic: where to.
    key: records with the same key stay in order; None for any partition.
    value: the content.
    headers: by their names.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Received:
    """A record that has come in.

    topic, partition, offset: where it is.
    timestamp: when it was sent, in milliseconds.
    key: None if it has none.
    value: None if it has none.
    headers: by their names; of several with one name, the last.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def place(self) -> str:
        """Names this record alone, also among those of a topic that was made again with the same name."""
        return f"{self.topic}/{self.partition}/{self.offset}@{self.timestamp}"

    @property
    def traceparent(self) -> str | None:
        """The trace that the record belongs to; None if it names none."""
        return parse_traceparent(self.text("traceparent"))

    def text(self, header: str) -> str | None:
        """The text of a header; None if there is none, or it is not a text."""
        value = self.headers.get(header)
        try:
            return None if value is None else value.decode()
        except UnicodeDecodeError:
            return None
