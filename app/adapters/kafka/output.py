"""Publishes the feed: events and the position in one transaction."""

import asyncio
from collections.abc import Sequence

import structlog
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from app.adapters.kafka.connection import Connection, in_words, reaching_kafka
from app.adapters.kafka.existing_topics import refuse_missing
from app.adapters.kafka.own_thread import OwnThread
from app.kafka.ports import Fenced, KafkaUnreachable
from app.kafka.records import Record
from app.kafka.topics import Topics

log = structlog.get_logger(__name__)

CALL_SECONDS = 15.0
CLOSE_SECONDS = 5.0
FULL_SECONDS = 0.05


class KafkaOutput:
    """All calls block in a thread of its own.

    connection: how the brokers are reached.
    topics: the names of the topics, and of the relay.
    transactions: whether the brokers have transactions. Without, records may be published again after a failure.
    """

    def __init__(self, connection: Connection, topics: Topics, *, transactions: bool) -> None:
        self._connection = connection
        self._topics = topics
        self._transactions = transactions
        self._thread = OwnThread("kafka-relay")
        self._producer: Producer | None = None
        self._offsets: Consumer | None = None
        self._failure: KafkaError | None = None
        self._stored = OFFSET_INVALID

    async def open(self) -> int | None:
        return await self._thread.call(self._open)

    async def publish(self, records: Sequence[Record], position: int) -> None:
        await self._thread.call(self._publish, records, position)

    async def close(self) -> None:
        closing = asyncio.wrap_future(self._thread.submit(self._close))
        await asyncio.wait((closing,), timeout=CLOSE_SECONDS)
        self._thread.end()

    def _open(self) -> int | None:
        self._close()
        with reaching_kafka():
            self._producer = Producer(self._properties())
            refuse_missing(self._producer, self._topics.relayed)
            if self._transactions:
                # Shuts out the one before, and ends what it has begun. Only then it is sure what was published.
                self._producer.init_transactions(CALL_SECONDS)
            group = self._topics.relay_group
            properties = self._connection.properties(group, group_id=group, enable_auto_commit=False)
            self._offsets = Consumer(properties)
            found = self._offsets.committed([self._place()], timeout=CALL_SECONDS)[0]
        if found.error is not None:
            raise in_words(found.error)
        self._stored = found.offset
        return None if found.offset == OFFSET_INVALID else found.offset

    def _properties(self) -> dict[str, object]:
        own: dict[str, object] = {
            "enable_idempotence": True,
            "linger_ms": 5,
            "compression_type": "lz4",
            "partitioner": "murmur2_random",
            # The pause while a broker is busy with the end of the transaction before: 9 ms a transaction, else 90.
            "retry_backoff_ms": 5,
            "delivery_timeout_ms": int(CALL_SECONDS * 1000),
        }
        if self._transactions:
            own |= {"transactional_id": self._topics.relay_group, "transaction_timeout_ms": int(CALL_SECONDS * 1000)}
        return self._connection.properties(self._topics.relay_group, **own)

    def _place(self, position: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self._topics.relay, 0, position)

    def _publish(self, records: Sequence[Record], position: int) -> None:
        producer, offsets = self._producer, self._offsets
        if producer is None or offsets is None:
            raise KafkaUnreachable("what publishes to Kafka has been closed")
        try:
            with reaching_kafka():
                if self._transactions:
                    self._publish_together(producer, offsets, records, position)
                else:
                    self._publish_apart(producer, offsets, records, position)
        except BaseException:
            # What has become of it is found out by opening again.
            self._close()
            raise

    def _publish_together(
        self, producer: Producer, offsets: Consumer, records: Sequence[Record], position: int
    ) -> None:
        producer.begin_transaction()
        self._send(producer, records)
        group = offsets.consumer_group_metadata()
        producer.send_offsets_to_transaction([self._place(position)], group, CALL_SECONDS)
        producer.commit_transaction(CALL_SECONDS)

    def _publish_apart(self, producer: Producer, offsets: Consumer, records: Sequence[Record], position: int) -> None:
        # Without transactions nothing else shows that another process has begun, or that the position was set.
        if offsets.committed([self._place()], timeout=CALL_SECONDS)[0].offset != self._stored:
            raise Fenced("another process publishes to Kafka now, or has set the position")
        self._send(producer, records)
        if producer.flush(CALL_SECONDS):
            raise KafkaUnreachable(f"the brokers of Kafka have not taken all records within {CALL_SECONDS:g} s")
        if self._failure is not None:
            raise KafkaException(self._failure)
        offsets.commit(offsets=[self._place(position)], asynchronous=False)
        self._stored = position

    def _send(self, producer: Producer, records: Sequence[Record]) -> None:
        self._failure = None
        for record in records:
            while True:
                try:
                    producer.produce(
                        record.topic,
                        record.value,
                        record.key,
                        headers=dict(record.headers),
                        on_delivery=self._delivered,
                    )
                    break
                except BufferError:
                    producer.poll(FULL_SECONDS)
            producer.poll(0)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failure = error

    def _close(self) -> None:
        """What was not published is forgotten, so that closing does not wait for the brokers."""
        producer, self._producer = self._producer, None
        offsets, self._offsets = self._offsets, None
        if producer is not None:
            producer.purge()
        if offsets is not None:
            offsets.close()
