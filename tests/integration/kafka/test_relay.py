"""What the relay publishes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from app.adapters.database.feed import PostgresFeedRetention
from app.adapters.database.pool import open_pool
from app.api.grpc.entity_messages import start_of
from app.api.grpc.generated.machine_pb2 import StartRequest as EntityStartRequest
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.engine.service import StartRequest
from app.feed.documents import feed_event_json
from app.machines.deciding import TransitionRequest
from app.machines.parsing import parse_machine
from app.wiring.kafka_parts import set_position
from tests.support.engine_process import settings_for, store_workflow, sync, workflow
from tests.support.kafka_house import KafkaHouse, engine_with, event_of, headers_of
from tests.support.machines import FRAUD
from tests.support.tenant import CALLER, TENANT, TENANT_ID
from tests.support.walls import engine_url

pytestmark = pytest.mark.server


@pytest.mark.parametrize("transactions", [True, False])
async def test_every_event_is_published_once_with_the_bytes_of_the_feed(house: KafkaHouse, database_url, transactions):
    made = await store_workflow(database_url, workflow("published", [sync("a", 1), sync("b", 2)]))
    settings = house.settings(database_url, kafka_transactions=transactions, kafka_completed="all")
    async with engine_with(settings) as process:
        request = StartRequest(Ref(tenant_id=TENANT_ID, id=made.id), Payload('{"x":1}'))
        started = [await process.executions.start(CALLER, request) for _ in range(5)]
        ends = await house.completions(5)
        expected = (await process.feed.page(CALLER, 0, 1_000)).events
        messages = sorted(
            await house.read(house.topics.events, len(expected)), key=lambda one: event_of(one)["position"]
        )
    assert [message.value() for message in messages] == [feed_event_json(found) for found in expected]
    assert ends.keys() == {str(one.execution.id) for one in started}
    assert all(end["status"] == "success" and "error" not in end for end in ends.values())
    assert await house.all(house.topics.trigger) == []


async def test_records_are_cloud_events_and_their_key_is_the_run(house: KafkaHouse, database_url):
    made = await store_workflow(database_url, workflow("headers", [sync("a", 1)]))
    async with engine_with(house.settings(database_url)) as process:
        started = await process.executions.start(CALLER, StartRequest(Ref(tenant_id=TENANT_ID, id=made.id)))
        first, *_ = await house.read(house.topics.events, 1)
    event, headers = event_of(first), headers_of(first)
    assert first.key() == str(started.execution.id).encode()
    assert headers["ce_specversion"] == "1.0"
    assert headers["ce_id"] == f"{started.execution.id}/{event['sequence']}"
    assert headers["ce_type"] == f"{house.topics.prefix}.event.{event['type']}"
    assert headers["ce_time"] == event["occurred_at"]
    assert headers["tenant"] == TENANT


async def test_only_the_ends_of_triggered_executions_are_published_unless_all_are_wanted(house, database_url):
    made = await store_workflow(database_url, workflow("mixed", [sync("a", 1)]))
    async with engine_with(house.settings(database_url)) as process:
        await process.executions.start(CALLER, StartRequest(Ref(tenant_id=TENANT_ID, id=made.id)))
        house.send(house.topics.trigger, {"workflow_id": "mixed", "run_id": "by-kafka", "payload": {}})
        ends = await house.completions(1)
        await asyncio.sleep(0)
        assert [event_of(one)["run_id"] for one in await house.all(house.topics.completed)] == ["by-kafka"]
    assert ends["by-kafka"]["workflow_id"] == made.id
    assert ends["by-kafka"]["status"] == "success"


async def test_a_large_output_is_left_out(house: KafkaHouse, database_url):
    made = await store_workflow(
        database_url, workflow("large", [sync("a", 1, "transform", config={"value": "${input.text}"})])
    )
    settings = house.settings(database_url, max_input_bytes=2_000_000, max_output_bytes=1_500_000)
    async with engine_with(settings) as process:
        text = Payload(orjson.dumps({"text": "x" * 1_000_000}).decode())
        await process.executions.start(CALLER, StartRequest(Ref(tenant_id=TENANT_ID, id=made.id), text))
        messages = await house.read(house.topics.events, 4)
    omitted = [event_of(one) for one in messages if event_of(one).get("output_omitted")]
    assert {event["type"] for event in omitted} >= {"task_completed"}
    assert all(event["output"] is None for event in omitted)


@asynccontextmanager
async def removing(database_url: str) -> AsyncIterator[PostgresFeedRetention]:
    """Every event is old enough to be removed."""
    async with open_pool(engine_url(database_url), size=1, timeout_seconds=20) as pool:
        yield PostgresFeedRetention(pool, hours=0)


async def positions(house: KafkaHouse, count: int) -> list[int]:
    return sorted(event_of(one)["position"] for one in await house.read(house.topics.events, count))


async def test_events_that_were_removed_first_are_reported_and_what_is_kept_is_published(
    house: KafkaHouse, database_url, capsys
):
    made = await store_workflow(database_url, workflow("expired", [sync("a", 1)]))
    settings = house.settings(database_url, kafka_transactions=False)
    request = StartRequest(Ref(tenant_id=TENANT_ID, id=made.id))
    async with engine_with(settings_for(database_url)) as process, removing(database_url) as retention:
        before = (await process.executions.start(CALLER, request)).execution.id
        await process.executions.wait(CALLER, before, 60)
        removed = (await process.feed.page(CALLER, 0, 1_000)).next_position
        await retention.remove(1_000)
        kept = (await process.executions.start(CALLER, request)).execution.id
        await process.executions.wait(CALLER, kept, 60)
        last = (await process.feed.page(CALLER, removed, 1_000)).next_position
    await set_position(settings, 1)
    async with engine_with(settings):
        assert await positions(house, last - removed) == list(range(removed + 1, last + 1))
    assert "kafka_events_lost" in capsys.readouterr().out


async def test_a_position_of_another_database_is_reported_and_all_that_is_kept_is_published(
    house: KafkaHouse, database_url, capsys
):
    made = await store_workflow(database_url, workflow("elsewhere", [sync("a", 1)]))
    settings = house.settings(database_url, kafka_transactions=False)
    await set_position(settings, 1_000_000)
    async with engine_with(settings) as process:
        await process.executions.start(CALLER, StartRequest(Ref(tenant_id=TENANT_ID, id=made.id)))
        assert (await positions(house, 4))[:4] == [1, 2, 3, 4]
    assert "kafka_position_unknown" in capsys.readouterr().out


async def test_events_of_entities_are_published_with_their_key_and_end_nothing(house: KafkaHouse, database_url):
    """Of a tenant that has no workflow."""
    async with engine_with(house.settings(database_url, kafka_completed="all")) as process:
        await process.machines.definitions.create(CALLER, parse_machine(FRAUD))
        entities = process.machines.entities
        asked = EntityStartRequest(machine="fraud_detection", entity_table="t", entity_id="1")
        entity_id = (await entities.start(CALLER, start_of(asked, entities.actor(CALLER), TENANT_ID))).entity.id
        cancel = TransitionRequest(entities.actor(CALLER), transition="cancel")
        await entities.transition(CALLER, entity_id, cancel)
        first, last = await house.read(house.topics.events, 2)
        expected = (await process.feed.page(CALLER, 0, 10)).events
        ends = await house.all(house.topics.completed)
    assert [message.value() for message in (first, last)] == [feed_event_json(found) for found in expected]
    assert (first.key(), last.key()) == (str(entity_id).encode(),) * 2
    headers = headers_of(last)
    assert headers["ce_id"] == f"{entity_id}/2"
    assert headers["ce_type"] == f"{house.topics.prefix}.event.transitioned"
    assert (headers["ce_subject"], headers["tenant"]) == (str(entity_id), TENANT)
    assert ends == []
