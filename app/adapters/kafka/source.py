"""Takes records in: a consumer with a thread of its own, which hands over batches."""

import asyncio
import queue
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from app.adapters.kafka.connection import Connection, Troubles
from app.kafka.records import Received
from app.kafka.topics import Topics

AT_ONCE = 100
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 2.0
"""If the records of a batch are not finished by then, the thread pauses its partitions, and continues to poll: a member
that does not poll is taken for dead."""

SESSION_MS = 6_000
"""A member that was killed is known to be dead after so long. Brokers allow no less by default."""

REBALANCE_MS = 8_000
"""So long the group waits for members that do not answer before new ones get partitions. With the usual five minutes it
waits until the last dead one is known to be, and never ends if processes are killed faster than that."""

CLOSE_SECONDS = 5.0
AGAIN_SECONDS = 1.0


class KafkaSource:
    """The member of the group in this process.

    connection: how the brokers are reached.
    topics: the names of the topics and of the group.
    """

    def __init__(self, connection: Connection, topics: Topics) -> None:
        self._connection = connection
        self._topics = topics
        self._thread: threading.Thread | None = None
        self._loop = asyncio.get_running_loop()
        self._batches: asyncio.Queue[Sequence[Received]] = asyncio.Queue()
        self._done: queue.SimpleQueue[Mapping[tuple[str, int], int]] = queue.SimpleQueue()
        self._is_wanted = threading.Event()
        self._is_closed = threading.Event()
        self._troubles = Troubles(topics.workers)
        self._is_paused = False

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="kafka-source", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Leave the group. Bounded, whatever the brokers do."""
        self._is_closed.set()
        self._is_wanted.set()
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join, CLOSE_SECONDS)

    async def take(self, seconds: float) -> Sequence[Received]:
        self._is_wanted.set()
        try:
            async with asyncio.timeout(seconds):
                return await self._batches.get()
        except TimeoutError:
            return ()

    def done(self, through: Mapping[tuple[str, int], int]) -> None:
        self._done.put(through)

    def _work(self) -> None:
        if (consumer := self._opened()) is None:
            return
        try:
            held: list[Received] = []
            while not self._is_closed.is_set():
                held += self._consume(consumer)
                if held and self._is_wanted.is_set():
                    self._is_wanted.clear()
                    self._hand_over(held)
                    held = []
                self._keep_pace(consumer)
                self._store(consumer)
        finally:
            # Closing commits what was stored. The process does not wait for the thread if the brokers are gone.
            self._store(consumer)
            consumer.close()

    def _opened(self) -> Consumer | None:
        """None when it is closed before: a file of certificates may be missing, and be there later."""
        while not self._is_closed.is_set():
            try:
                consumer = Consumer(self._properties())
                consumer.subscribe(list(self._topics.incoming))
            except KafkaException as error:
                self._troubles(error.args[0])
                self._is_closed.wait(AGAIN_SECONDS)
            else:
                return consumer
        return None

    def _store(self, consumer: Consumer) -> None:
        """In this thread, as all calls of the consumer: while another one polled, such a call has hung for good."""
        with suppress(queue.Empty):
            while True:
                for (topic, partition), offset in self._done.get_nowait().items():
                    # Another member may have the partition by now, and gets the records again.
                    with suppress(KafkaException):
                        consumer.store_offsets(offsets=[TopicPartition(topic, partition, offset + 1)])

    def _properties(self) -> dict[str, object]:
        return self._connection.properties(
            self._topics.workers,
            group_id=self._topics.workers,
            auto_offset_reset="earliest",
            enable_auto_offset_store=False,
            auto_commit_interval_ms=1_000,
            partition_assignment_strategy="cooperative-sticky",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=SESSION_MS // 6,
            max_poll_interval_ms=REBALANCE_MS,
            topic_metadata_refresh_interval_ms=10_000,
            queued_max_messages_kbytes=8_192,
            allow_auto_create_topics=False,
        )

    def _consume(self, consumer: Consumer) -> list[Received]:
        try:
            messages = consumer.consume(AT_ONCE, POLL_SECONDS)
        except KafkaException as error:
            self._troubles(error.args[0])
            self._is_closed.wait(AGAIN_SECONDS)
            return []
        found = []
        for message in messages:
            if (problem := message.error()) is None:
                found.append(received(message))
            else:
                self._troubles(problem)
        return found

    def _hand_over(self, records: Sequence[Received]) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            self._loop.call_soon_threadsafe(partial(self._batches.put_nowait, records))

    def _keep_pace(self, consumer: Consumer) -> None:
        """Wait a little for who takes records, and pause if it takes longer."""
        if self._is_wanted.is_set() or self._is_wanted.wait(0 if self._is_paused else PATIENCE_SECONDS):
            if self._is_paused:
                self._is_paused = False
                _each(consumer.resume, consumer)
            return
        # Also those that have come since the last time.
        self._is_paused = True
        _each(consumer.pause, consumer)


def _each(change: object, consumer: Consumer) -> None:
    with suppress(KafkaException):
        change(consumer.assignment())  # type: ignore[operator]


def received(message: Message) -> Received:
    """A message that is no error."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return Received(topic, partition, offset, message.timestamp()[1], message.key(), message.value(), _headers(message))


def _headers(message: Message) -> dict[str, bytes]:
    found: list[tuple[str, bytes | None]] = list(message.headers() or ())  # type: ignore[arg-type]
    return {name: value or b"" for name, value in found}
