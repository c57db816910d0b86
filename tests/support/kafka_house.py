"""A service with Kafka in the test's event loop: an engine's process, the topics, and readers of them."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from app.adapters.kafka.connection import Connection
from app.api.rest.dependencies import Services
from app.background.defects import Defects
from app.config import Settings
from app.domain.definitions import Workflow
from app.kafka.topics import Topics
from app.wiring.grpc_process import EngineProcess, open_engine_process
from app.wiring.rest_process import open_rest_process
from tests.support.engine_process import settings_for
from tests.support.tenant import TENANT

_numbers = itertools.count(1)
WAIT_SECONDS = 60.0
SHORT = {"engine_poll_seconds": 0.1, "watch_poll_seconds": 0.1}


def fresh_prefix() -> str:
    """Tests share a cluster, but no topics and groups."""
    return f"t{next(_numbers)}-{uuid4().hex[:6]}"


@dataclass
class KafkaHouse:
    """What a test asks of the topics of one service.

    address: the brokers.
    topics: their names.
    """

    address: str
    topics: Topics

    def settings(self, database_url: str, **changes: Any) -> Settings:
        kafka = {"kafka_bootstrap_servers": self.address, "kafka_prefix": self.topics.prefix, "kafka_tenant": TENANT}
        return settings_for(database_url, **kafka, **SHORT, **changes)

    @property
    def connection(self) -> Connection:
        return Connection(self.address)

    def send(self, topic: str, *values: Any, headers: Mapping[str, bytes] | None = None, key: str = "k") -> None:
        """Values that are no bytes are sent as JSON. Returns when the brokers have them."""
        producer = Producer({"bootstrap.servers": self.address, "log_level": 0})
        for value in values:
            producer.produce(topic, raw(value), key, headers=dict(headers or {}))
        assert producer.flush(WAIT_SECONDS) == 0

    def committed(self, topic: str) -> int:
        """How many records of an incoming topic the engines need not get again."""
        with self._places(topic) as (reader, places):
            return sum(max(0, place.offset) for place in reader.committed(places, timeout=30))

    def stored(self, topic: str) -> int:
        """How many records there are, with the ends of transactions."""
        with self._places(topic) as (reader, places):
            return sum(reader.get_watermark_offsets(place, timeout=30)[1] for place in places)

    async def read(self, topic: str, count: int, seconds: float = WAIT_SECONDS) -> Sequence[Message]:
        """The first so many records of all partitions, as a reader of committed ones gets them."""
        return await asyncio.to_thread(self._read, topic, count, seconds)

    async def all(self, topic: str) -> Sequence[Message]:
        """Those that are there now."""
        return await self.read(topic, 1_000_000, 3.0)

    async def completions(self, count: int) -> Mapping[str, Any]:
        """By run id. Fails if one comes twice."""
        found = [orjson.loads(message.value() or b"") for message in await self.read(self.topics.completed, count)]
        assert len(found) == count
        assert len({end["run_id"] for end in found}) == count
        return {end["run_id"]: end for end in found}

    @contextmanager
    def _places(self, topic: str) -> Iterator[tuple[Consumer, list[TopicPartition]]]:
        reader = Consumer({"bootstrap.servers": self.address, "group.id": self.topics.workers, "log_level": 0})
        try:
            partitions = reader.list_topics(topic, timeout=30).topics[topic].partitions
            yield reader, [TopicPartition(topic, number) for number in partitions]
        finally:
            reader.close()

    def _read(self, topic: str, count: int, seconds: float) -> Sequence[Message]:
        reader = Consumer(
            {"bootstrap.servers": self.address, "group.id": uuid4().hex, "log_level": 0, "enable.auto.commit": False}
        )
        try:
            partitions = reader.list_topics(topic, timeout=30).topics[topic].partitions
            reader.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
            found: list[Message] = []
            for _ in range(int(seconds / 0.2)):
                found += (message for message in reader.consume(1_000, 0.2) if message.error() is None)
                if len(found) >= count:
                    break
            return found
        finally:
            reader.close()


def raw(value: Any) -> bytes | None:
    """As a record has it."""
    return value if isinstance(value, bytes | None) else orjson.dumps(value)


def event_of(message: Message) -> Any:
    return orjson.loads(message.value() or b"")


def headers_of(message: Message) -> Mapping[str, str]:
    return {name: value.decode() for name, value in message.headers() or ()}


@asynccontextmanager
async def engine_with(settings: Settings) -> AsyncIterator[EngineProcess]:
    async with open_engine_process(settings) as process:
        yield process
    process.defects.raise_first()


def trigger(workflow: Workflow, run_id: str | UUID | None = None, **payload: Any) -> Mapping[str, Any]:
    value: dict[str, Any] = {"workflow_id": workflow.key, "payload": payload}
    return value if run_id is None else value | {"run_id": str(run_id)}


@asynccontextmanager
async def rest_with(settings: Settings) -> AsyncIterator[Services]:
    """The services of a REST process."""
    defects = Defects()
    async with open_rest_process(settings, defects) as services:
        yield services
    defects.raise_first()
