"""A real broker and real engines, both killed: nothing is lost, and nothing is published twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from app.domain.refs import Ref
from app.engine.triggering.service import TriggerRequest
from app.kafka.topics import Topics
from app.wiring.kafka_parts import administration
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.kafka_broker import KafkaBroker
from tests.support.kafka_house import KafkaHouse, event_of, fresh_prefix, rest_with, trigger
from tests.support.kafka_worker import KafkaWorker
from tests.support.tenant import CALLER, TENANT, TENANT_ID
from tests.support.walls import logins_for

pytestmark = [pytest.mark.server, pytest.mark.slow]

RUNS = 120


@pytest.fixture
async def house(kafka_broker: KafkaBroker) -> AsyncIterator[KafkaHouse]:
    return KafkaHouse(kafka_broker.address, Topics(fresh_prefix()))


@pytest.fixture
async def workers(house: KafkaHouse, database_url: str, tmp_path) -> AsyncIterator[list[KafkaWorker]]:
    """Two, started, on one database."""
    administration(house.settings(database_url)).make_topics(4, 1)
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": house.address,
        "KAFKA_PREFIX": house.topics.prefix,
        "KAFKA_TENANT": TENANT,
        **logins_for(database_url),
    }
    async with AsyncExitStack() as stack:
        started = [KafkaWorker(tmp_path / f"worker-{number}.log", **environment) for number in range(2)]
        for worker in started:
            stack.push_async_callback(worker.close)
        await asyncio.gather(*(worker.start() for worker in started))
        yield started


async def relay_of(workers: list[KafkaWorker]) -> KafkaWorker:
    """The one that publishes."""
    while True:
        for worker in workers:
            if "kafka_relay_began" in worker.log_tail(1_000):
                return worker
        await asyncio.sleep(0.05)


async def test_every_event_is_published_once_although_the_relay_and_the_broker_are_killed(
    kafka_broker: KafkaBroker, house: KafkaHouse, workers: list[KafkaWorker], database_url: str
):
    made = await store_workflow(database_url, workflow("killed", [sync("a", 1), sync("b", 2)]))
    relay = await relay_of(workers)
    values = [trigger(made, f"run-{number}") for number in range(RUNS)]
    third = RUNS // 3
    # Each comes twice, and each kill is in the middle of what has just come.
    await asyncio.to_thread(house.send, house.topics.trigger, *values[:third], *values[:third])
    await house.read(house.topics.completed, 1)
    await relay.kill()
    await asyncio.to_thread(house.send, house.topics.trigger, *values[third:])
    await relay.start()
    await house.read(house.topics.completed, third + 1)
    kafka_broker.kill()
    await asyncio.to_thread(kafka_broker.start)
    await asyncio.to_thread(house.send, house.topics.trigger, *values[third:])
    ends = await house.completions(RUNS)
    assert ends.keys() == {f"run-{number}" for number in range(RUNS)}
    assert {end["status"] for end in ends.values()} == {"success"}
    async with rest_with(house.settings(database_url)) as rest:
        last = RUNS * 7
        published = [event_of(message) for message in await house.read(house.topics.events, last)]
        expected = (await rest.feed.page(CALLER, 0, last + 1_000)).events
    positions = Counter(event["position"] for event in published)
    assert set(positions.values()) == {1}
    assert positions.keys() == {found.position for found in expected}
    by_execution: dict[str, list[int]] = {}
    for event in published:
        by_execution.setdefault(event["execution_id"], []).append(event["sequence"])
    assert all(sequence == sorted(sequence) for sequence in by_execution.values())


async def test_while_the_broker_is_away_triggers_are_accepted_and_run_and_their_ends_follow(
    kafka_broker: KafkaBroker, house: KafkaHouse, workers: list[KafkaWorker], database_url: str
):
    made = await store_workflow(database_url, workflow("away", [sync("a", 1)]))
    await relay_of(workers)
    kafka_broker.kill()
    try:
        async with rest_with(house.settings(database_url, kafka_fallback_seconds=2)) as rest:
            request = TriggerRequest(Ref(tenant_id=TENANT_ID, id=made.id))
            run = await rest.triggers.trigger(CALLER, request)
            assert (await rest.executions.wait(CALLER, run, 60)).status.is_final
    finally:
        await asyncio.to_thread(kafka_broker.start)
    ends = await house.completions(1)
    assert ends.keys() == {str(run)}
