"""Publishes single records, for tasks and dead letters."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial

from confluent_kafka import KafkaError, Message, Producer

from app.adapters.kafka.connection import Connection, in_words, reaching_kafka
from app.adapters.kafka.existing_topics import refuse_missing
from app.adapters.kafka.own_thread import OwnThread
from app.kafka.ports import KafkaUnreachable
from app.kafka.records import Record

DELIVERY_SECONDS = 10.0
POLL_SECONDS = 0.5
CLOSE_SECONDS = 5.0


class KafkaPublisher:
    """A producer, and a thread that serves it from the first record on.

    connection: how the brokers are reached.
    name: what the brokers know it by.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._producer: Producer | None = None
        self._known: set[str] = set()
        self._asking = OwnThread(f"{name}-topics")
        self._is_closed = threading.Event()

    async def publish(self, records: Sequence[Record]) -> None:
        producer = self._opened()
        unknown = {record.topic for record in records} - self._known
        if unknown:
            await self._asking.call(refuse_missing, producer, unknown)
            self._known |= unknown
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in records]
        with reaching_kafka():
            for record, future in zip(records, futures, strict=True):
                _produce(producer, record, partial(_delivered, loop, future))
        await asyncio.gather(*futures)

    async def close(self) -> None:
        """Bounded. What the brokers have not taken by then is lost, and its callers have been told nothing else."""
        self._is_closed.set()
        if self._producer is not None:
            flushing = asyncio.wrap_future(self._asking.submit(self._producer.flush, CLOSE_SECONDS))
            await asyncio.wait((flushing,), timeout=CLOSE_SECONDS + 1)
        self._asking.end()

    def _opened(self) -> Producer:
        if self._is_closed.is_set():
            raise KafkaUnreachable("this process is stopping")
        if self._producer is None:
            with reaching_kafka():
                self._producer = Producer(self._properties())
            threading.Thread(target=self._serve, args=(self._producer,), name=self._name, daemon=True).start()
        return self._producer

    def _properties(self) -> dict[str, object]:
        return self._connection.properties(
            self._name,
            enable_idempotence=True,
            partitioner="murmur2_random",
            linger_ms=5,
            delivery_timeout_ms=int(DELIVERY_SECONDS * 1000),
        )

    def _serve(self, producer: Producer) -> None:
        while not self._is_closed.is_set():
            producer.poll(POLL_SECONDS)


def _produce(producer: Producer, record: Record, tell: Callable[[KafkaError | None, Message], None]) -> None:
    producer.produce(record.topic, record.value, record.key, headers=dict(record.headers), on_delivery=tell)


def _delivered(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[None]", error: KafkaError | None, message: Message
) -> None:
    try:
        loop.call_soon_threadsafe(_settle, future, error)
    except RuntimeError:
        # The event loop has ended meanwhile, and with it who waits.
        return


def _settle(future: "asyncio.Future[None]", error: KafkaError | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(in_words(error))
