"""What operators do with the topics. All calls block."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from app.adapters.kafka.connection import Connection, in_words, reaching_kafka
from app.adapters.kafka.existing_topics import refuse_missing
from app.adapters.kafka.source import received
from app.kafka.dead_letters import CODE, without_reasons
from app.kafka.ports import KafkaUnreachable
from app.kafka.records import Record
from app.kafka.topics import Topics

CALL_SECONDS = 15.0
READ_SECONDS = 1.0
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic, and how much of it is left to read.

    partitions: how many it has; 0 if it does not exist.
    records: how many it keeps, about: the ends of transactions count, too.
    waiting: how many of these the group that reads it has not read; None if no group of the service does.
    """

    name: str
    partitions: int
    records: int
    waiting: int | None


class KafkaAdministration:
    """Makes, reads and resets what the service has in Kafka.

    connection: how the brokers are reached.
    topics: the names of the topics and groups.
    transactions: whether the brokers have transactions.
    """

    def __init__(self, connection: Connection, topics: Topics, *, transactions: bool) -> None:
        self._connection = connection
        self._topics = topics
        self._transactions = transactions

    def make_topics(self, partitions: int, replicas: int) -> Sequence[str]:
        """Make those that are missing; return their names.

        replicas: how many brokers keep each; -1 for what the brokers do by default.
        """
        client = AdminClient(self._connection.properties(f"{self._topics.prefix}-setup"))
        with reaching_kafka():
            existing = client.list_topics(timeout=CALL_SECONDS).topics
            wanted = self._topics.partitions(partitions)
            missing = [NewTopic(name, count, replicas) for name, count in wanted.items() if name not in existing]
            made = client.create_topics(missing, request_timeout=CALL_SECONDS) if missing else {}
            for future in made.values():
                _result_unless_there(future)
        return sorted(made)

    def state(self) -> Sequence[TopicState]:
        with self._reader(self._topics.workers) as workers, self._reader(self._topics.replay_group) as replay:
            groups = dict.fromkeys(self._topics.incoming, workers)
            groups |= {self._topics.dead(topic): replay for topic in self._topics.incoming}
            existing = workers.list_topics(timeout=CALL_SECONDS).topics
            return [
                _state(name, len(existing[name].partitions) if name in existing else 0, workers, groups.get(name))
                for name in self._topics.partitions(1)
            ]

    def position(self) -> int | None:
        """The position of the feed that was published last; None if none is known."""
        with self._reader(self._topics.relay_group) as reader:
            found = reader.committed([TopicPartition(self._topics.relay, 0)], timeout=CALL_SECONDS)[0]
        return None if found.offset == OFFSET_INVALID else found.offset

    def replay(self, topic: str, code: str | None, limit: int) -> int:
        """Send dead letters of an incoming topic to it again, those that were not yet, each once; return how many.

        code: only those with this code; the others are passed over for good.
        """
        dead, sent = self._topics.dead(topic), 0
        with self._reader(self._topics.replay_group) as reader:
            producer = self._producer()
            refuse_missing(producer, [topic, dead])
            reader.assign(_begin(reader, dead))
            while sent < limit:
                messages = reader.consume(min(AT_ONCE, limit - sent), READ_SECONDS)
                letters = [received(message) for message in messages if message.error() is None]
                if not letters:
                    break
                wanted = [one for one in letters if code is None or one.text(CODE) == code]
                through = {one.partition: one.offset + 1 for one in letters}
                places = [TopicPartition(dead, partition, offset) for partition, offset in through.items()]
                self._send_again(producer, reader, [without_reasons(one, topic) for one in wanted], places)
                sent += len(wanted)
        return sent

    def _send_again(
        self, producer: Producer, reader: Consumer, records: Sequence[Record], places: list[TopicPartition]
    ) -> None:
        if self._transactions:
            producer.begin_transaction()
        for record in records:
            producer.produce(record.topic, record.value, record.key, headers=dict(record.headers))
        if self._transactions:
            producer.send_offsets_to_transaction(places, reader.consumer_group_metadata(), CALL_SECONDS)
            producer.commit_transaction(CALL_SECONDS)
            return
        if producer.flush(CALL_SECONDS):
            raise KafkaUnreachable("the brokers of Kafka have not taken all dead letters; replay them again")
        reader.commit(offsets=places, asynchronous=False)

    def _producer(self) -> Producer:
        own = {"transactional_id": self._topics.replay_group} if self._transactions else {}
        producer = Producer(self._connection.properties(self._topics.replay_group, enable_idempotence=True, **own))
        if self._transactions:
            producer.init_transactions(CALL_SECONDS)
        return producer

    @contextmanager
    def _reader(self, group: str) -> Iterator[Consumer]:
        with reaching_kafka():
            reader = Consumer(self._connection.properties(group, group_id=group, enable_auto_commit=False))
            try:
                yield reader
            finally:
                reader.close()


def _result_unless_there(future: "Future[None]") -> None:
    try:
        future.result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise in_words(error.args[0]) from error


def _begin(reader: Consumer, topic: str) -> list[TopicPartition]:
    """The partitions, each where the group has stopped, or at its beginning."""
    return [
        TopicPartition(topic, number, max(offset, low))
        for number, (low, _, offset) in _reach(reader, reader, topic).items()
    ]


def _state(name: str, partitions: int, reader: Consumer, group: Consumer | None) -> TopicState:
    if not partitions:
        return TopicState(name, 0, 0, None if group is None else 0)
    reach = _reach(reader, group, name).values()
    waiting = None if group is None else sum(high - max(offset, low) for low, high, offset in reach)
    return TopicState(name, partitions, sum(high - low for low, high, _ in reach), waiting)


def _reach(reader: Consumer, group: Consumer | None, topic: str) -> Mapping[int, tuple[int, int, int]]:
    """By partition: the first offset, that behind the last, and the one at which the group continues."""
    found = {}
    for number in reader.list_topics(timeout=CALL_SECONDS).topics[topic].partitions:
        place = TopicPartition(topic, number)
        low, high = reader.get_watermark_offsets(place, timeout=CALL_SECONDS)
        offset = OFFSET_INVALID if group is None else group.committed([place], timeout=CALL_SECONDS)[0].offset
        found[number] = (low, high, offset)
    return found
