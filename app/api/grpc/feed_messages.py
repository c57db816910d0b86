"""Events of the feed as bytes of messages. `EventBatch` and `ListEventsResponse` have the same fields.

An event is serialized once for all who read it, as it stands in its message. A message is the concatenation of its
events and of the position to continue from.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from math import inf

from app.api.grpc.entity_messages import update_bytes
from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.messages import PAGE_OVERHEAD_BYTES
from app.api.grpc.streams import Messages, UpdateSerializer
from app.feed.entries import FeedEvent
from app.feed.service import Batches, FeedPage
from app.machines.updates import EntityUpdate

WITH_OUTPUT = "protobuf"
WITHOUT_OUTPUT = "protobuf without output"

QUIET_SECONDS = 15.0
"""After so long without an event, a watcher gets a batch that only has the position to continue from."""


class FeedSerializer:
    """Makes the messages of one call.

    include_output: whether updates have the output of what has completed.
    max_bytes: the largest size of a message, unless one event alone is larger.
    """

    def __init__(self, max_bytes: int, *, include_output: bool) -> None:
        self._format = WITH_OUTPUT if include_output else WITHOUT_OUTPUT
        self._include_output = include_output
        self._most_bytes = max_bytes - PAGE_OVERHEAD_BYTES

    async def stream(self, batches: Batches, clock: Callable[[], float] = time.monotonic) -> Messages:
        """The messages of a stream. The first batch is sent even if it has no events."""
        told_at = -inf
        async with aclosing(batches):
            async for batch in batches:
                if not batch.events and clock() - told_at < QUIET_SECONDS:
                    continue
                for message in self._split(batch.events, batch.last):
                    yield message
                told_at = clock()

    def page(self, page: FeedPage) -> bytes:
        """A message with as many events as fit, at least one. The next page continues after the last of them."""
        return next(self._split(page.events, page.next_position))

    def _split(self, events: Sequence[FeedEvent], through: int) -> Iterator[bytes]:
        """Messages with all events, in order. Each is made when it is sent."""
        parts: list[bytes] = []
        left, position = self._most_bytes, 0
        for found in events:
            part = self._bytes_of(found)
            if parts and len(part) > left:
                yield _message(parts, position)
                parts, left = [], self._most_bytes
            parts.append(part)
            left, position = left - len(part), found.position
        yield _message(parts, through)

    def _bytes_of(self, found: FeedEvent) -> bytes:
        """The event as a field of its message."""
        made = found.sent.get(self._format)
        if made is None:
            made = found.sent[self._format] = self._serialized(found)
        return made

    def _serialized(self, found: FeedEvent) -> bytes:
        update = found.update
        event = pb.FeedEvent(position=found.position, type=update.event.type)
        if isinstance(update, EntityUpdate):
            event.entity.ParseFromString(update_bytes(update))
        else:
            serializer = UpdateSerializer()
            make = serializer.bytes_of if self._include_output else serializer.without_output
            event.update.ParseFromString(make(update))
        return pb.EventBatch(events=[event]).SerializeToString()


def _message(parts: Sequence[bytes], next_position: int) -> bytes:
    return b"".join((*parts, pb.EventBatch(next_position=next_position).SerializeToString()))
