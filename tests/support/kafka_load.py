"""Load for Kafka: triggers by both ways, engines and a broker that are killed meanwhile, and a reader of all ends."""

import asyncio
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from app.wiring.kafka_parts import administration
from tests.support.chaos_house import Kept
from tests.support.clients import rest_client
from tests.support.kafka_house import KafkaHouse, event_of
from tests.support.kafka_worker import KafkaWorker
from tests.support.process_usage import resident_bytes
from tests.support.tenant import TENANT
from tests.support.walls import logins_for

PARTITIONS = 6
REST_CALLERS = 8
KILL_SECONDS = 3.0
POLL_SECONDS = 0.2
ACCEPTED = 202


def environment_of(house: KafkaHouse) -> dict[str, str]:
    return {"KAFKA_BOOTSTRAP_SERVERS": house.address, "KAFKA_PREFIX": house.topics.prefix, "KAFKA_TENANT": TENANT}


@asynccontextmanager
async def kept_workers(
    house: KafkaHouse, database_url: str, folder: Path, count: int, **settings: str
) -> AsyncIterator[Sequence[Kept]]:
    """Engines that are started again whenever they end. The topics are made first."""
    administration(house.settings(database_url)).make_topics(PARTITIONS, 1)
    environment = environment_of(house) | logins_for(database_url) | settings
    workers = [Kept(KafkaWorker(folder / f"worker-{n}.log", **environment), 0.0) for n in range(count)]
    async with AsyncExitStack() as stack:
        keepers = [asyncio.create_task(worker.keep_up()) for worker in workers]
        for worker in workers:
            stack.push_async_callback(worker.server.close)
        stack.push_async_callback(_cancel, keepers)
        await asyncio.gather(*(worker.is_up.wait() for worker in workers))
        yield workers


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def kill_again_and_again(workers: Sequence[Kept], chance: random.Random) -> None:
    """One that is up, every three seconds."""
    while True:
        await asyncio.sleep(KILL_SECONDS)
        if up := [worker for worker in workers if worker.is_up.is_set()]:
            chance.choice(up).kill(signal.SIGKILL, 0.0)


async def trigger_over_rest(url: str, workflow: str, run_ids: Sequence[str]) -> Sequence[float]:
    """Each twice, in an order of its own; how long each answer took."""
    left = [*run_ids, *reversed(run_ids)]
    seconds: list[float] = []

    async def call(rest: httpx.AsyncClient) -> None:
        while left:
            body = {"workflow_id": workflow, "run_id": left.pop(), "payload": {"by": "rest"}}
            began = time.monotonic()
            answer = await rest.post("/trigger", json=body)
            seconds.append(time.monotonic() - began)
            assert answer.status_code == ACCEPTED, answer.text

    async with rest_client(base_url=url, timeout=60) as rest:
        await asyncio.gather(*(call(rest) for _ in range(REST_CALLERS)))
    return seconds


@dataclass
class Ends:
    """All ends that a reader of committed records gets, as often as it gets them.

    seen: by run id.
    failed: those that are no success.
    """

    house: KafkaHouse
    seen: Counter[str] = field(default_factory=Counter)
    failed: list[object] = field(default_factory=list)
    _is_closed: bool = False

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["Ends"]:
        reading = asyncio.create_task(asyncio.to_thread(self._read))
        try:
            yield self
        finally:
            self._is_closed = True
            await reading

    async def reach(self, count: int) -> None:
        while len(self.seen) < count:
            await asyncio.sleep(POLL_SECONDS)

    def _read(self) -> None:
        topic = self.house.topics.completed
        properties = {"bootstrap.servers": self.house.address, "group.id": uuid4().hex, "log_level": 0}
        reader = Consumer({**properties, "enable.auto.commit": False, "isolation.level": "read_committed"})
        try:
            partitions = reader.list_topics(topic, timeout=30).topics[topic].partitions
            reader.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
            while not self._is_closed:
                for message in reader.consume(1_000, POLL_SECONDS):
                    if message.error() is None:
                        end = event_of(message)
                        self.seen[end["run_id"]] += 1
                        if end["status"] != "success":
                            self.failed.append(end)
        finally:
            reader.close()


@dataclass
class Memory:
    """The most that a process has had, looked at all the time."""

    pid: int
    most_bytes: int = 0

    async def watch(self) -> None:
        while True:
            with suppress(subprocess.SubprocessError, ValueError):
                self.most_bytes = max(self.most_bytes, resident_bytes(self.pid))
            await asyncio.sleep(POLL_SECONDS)
