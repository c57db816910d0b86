"""Records that can never work, kept for people in a topic of their own."""

from collections.abc import Sequence

import orjson

from app.kafka.outgoing import completion, trace_headers
from app.kafka.parsing import Poison
from app.kafka.ports import Publisher
from app.kafka.records import Received, Record
from app.kafka.topics import Topics

PREFIX = "dlq_"
"""How the headers begin that say what is wrong, and where the record was."""

CODE = f"{PREFIX}code"
MAX_MESSAGE = 1_000


class DeadLetters:
    """Publishes dead letters.

    topics: the names of the topics.
    publisher: publishes records.
    """

    def __init__(self, topics: Topics, publisher: Publisher) -> None:
        self._topics = topics
        self._publisher = publisher

    async def bury(self, received: Received, poison: Poison) -> None:
        """Raise `KafkaUnreachable`: the record has to be kept then."""
        await self._publisher.publish([self._letter(received, poison), *self._failed_end(received, poison)])

    def _letter(self, received: Received, poison: Poison) -> Record:
        """Key and value as they came, and the headers of the record, too."""
        reasons = {
            "code": poison.code,
            "message": poison.message[:MAX_MESSAGE],
            "topic": received.topic,
            "partition": str(received.partition),
            "offset": str(received.offset),
            "timestamp": str(received.timestamp),
        }
        own = {PREFIX + name: value.encode("utf-8", "backslashreplace") for name, value in reasons.items()}
        kept = {name: value for name, value in received.headers.items() if not name.startswith(PREFIX)}
        return Record(self._topics.dead(received.topic), received.key, received.value, kept | own)

    def _failed_end(self, received: Received, poison: Poison) -> Sequence[Record]:
        """For who waits for the run."""
        if poison.run_id is None or poison.workflow_id is None:
            return ()
        value = completion(poison.run_id, poison.workflow_id, "failed")
        value["error"] = {"code": poison.code, "message": poison.message[:MAX_MESSAGE]}
        headers = {"content-type": b"application/json"} | trace_headers(received.traceparent)
        key = poison.run_id.encode("utf-8", "backslashreplace")
        return [Record(self._topics.completed, key, orjson.dumps(value), headers)]


def without_reasons(received: Received, topic: str) -> Record:
    """The record that a dead letter was, for its own topic."""
    kept = {name: value for name, value in received.headers.items() if not name.startswith(PREFIX)}
    return Record(topic, received.key, received.value, kept)
