"""What records start."""

from uuid import UUID, uuid4

import pytest

from app.domain.errors import RunIdTaken
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.domain.run_ids import derived_id, parse_run_id
from app.engine.execution_filter import ExecutionFilter
from app.engine.triggering.service import TriggerRequest
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.kafka_house import KafkaHouse, engine_with, event_of, headers_of, rest_with, trigger
from tests.support.tenant import CALLER, TENANT, TENANT_ID

pytestmark = pytest.mark.server

TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_record_starts_one_execution_however_often_it_comes(house: KafkaHouse, database_url):
    made = await store_workflow(database_url, workflow("once", [sync("a", 1)]))
    own = uuid4()
    async with engine_with(house.settings(database_url)) as process:
        for _ in range(3):
            house.send(house.topics.trigger, trigger(made, own, x=1), trigger(made, "a text", x=2))
        house.send(house.topics.trigger, trigger(made, "last"))
        await house.completions(3)
        page = await process.executions.list_executions(CALLER, ExecutionFilter(made.id), None, 100)
        assert (await process.executions.get(CALLER, own)).input == Payload('{"x":1}')
    found = {execution.id: execution for execution in page.executions}
    assert found.keys() == {own, derived_id("a text", TENANT), derived_id("last", TENANT)}
    assert found[own].started_by == f"kafka:{house.topics.trigger}"


async def test_records_without_a_run_id_are_each_their_own(house: KafkaHouse, database_url):
    made = await store_workflow(database_url, workflow("nameless", [sync("a", 1)]))
    async with engine_with(house.settings(database_url)):
        house.send(house.topics.trigger, trigger(made), trigger(made))
        ends = await house.completions(2)
    assert all(run_id.startswith(f"{house.topics.trigger}/") for run_id in ends)


async def test_the_trace_of_a_record_is_that_of_its_events_and_its_end(house: KafkaHouse, database_url):
    made = await store_workflow(database_url, workflow("traced", [sync("a", 1)]))
    async with engine_with(house.settings(database_url)):
        house.send(house.topics.trigger, trigger(made, "traced"), headers={"traceparent": TRACE})
        (end,) = await house.read(house.topics.completed, 1)
        events = await house.read(house.topics.events, 4)
    assert {headers_of(record).get("traceparent") for record in (end, *events)} == {TRACE.decode()}
    assert event_of(events[0])["type"] == "execution_created"
    assert headers_of(end)["ce_type"] == f"{house.topics.prefix}.completed"


async def test_a_failed_run_says_why(house: KafkaHouse, database_url):
    made = await store_workflow(
        database_url, workflow("failing", [sync("a", 1, "python", config={"function": "none"})])
    )
    async with engine_with(house.settings(database_url)):
        house.send(house.topics.trigger, trigger(made, "fails"))
        ends = await house.completions(1)
    assert ends["fails"]["status"] == "failed"
    assert ends["fails"]["error"].keys() == {"code", "message"}


async def test_a_trigger_over_rest_is_handed_over_by_its_record(house: KafkaHouse, database_url):
    """The fallback is a day away: without the record nothing would happen."""
    made = await store_workflow(database_url, workflow("handed-over", [sync("a", 1)]))
    settings = house.settings(database_url, kafka_fallback_seconds=86_400)
    async with engine_with(settings), rest_with(settings) as rest:
        ref = Ref(tenant_id=TENANT_ID, id=made.id)
        request = TriggerRequest(ref, Payload('{"y":2}'), traceparent=TRACE.decode())
        run = await rest.triggers.trigger(CALLER, request)
        ends = await house.completions(1)
        (record,) = await house.read(house.topics.trigger, 1)
    assert ends.keys() == {str(run)}
    assert event_of(record) == {"run_id": str(run), "workflow_id": made.id, "payload": {"y": 2}}
    assert UUID((record.key() or b"").decode()) == run
    assert headers_of(record)["traceparent"] == TRACE.decode()


async def test_without_brokers_any_engine_runs_it_after_the_fallback(house: KafkaHouse, database_url):
    made = await store_workflow(database_url, workflow("fallen-back", [sync("a", 1)]))
    unreachable = KafkaHouse("127.0.0.1:1", house.topics)
    settings = unreachable.settings(database_url, kafka_fallback_seconds=1)
    async with engine_with(settings) as process, rest_with(settings) as rest:
        run = await rest.triggers.trigger(CALLER, TriggerRequest(Ref(tenant_id=TENANT_ID, id=made.id)))
        assert (await process.executions.wait(CALLER, run, 60)).status.is_final


async def test_a_run_id_of_another_workflow_is_refused_everywhere(house: KafkaHouse, database_url):
    made = await store_workflow(database_url, workflow("first-owner", [sync("a", 1)]))
    other = await store_workflow(database_url, workflow("second-owner", [sync("a", 1)]))
    settings = house.settings(database_url)
    async with engine_with(settings), rest_with(settings) as rest:
        house.send(house.topics.trigger, trigger(made, "taken"))
        await house.completions(1)
        house.send(house.topics.trigger, trigger(other, "taken"))
        (letter,) = await house.read(house.topics.dead(house.topics.trigger), 1)
        taken = parse_run_id("taken", TENANT)
        with pytest.raises(RunIdTaken):
            await rest.triggers.trigger(CALLER, TriggerRequest(Ref(tenant_id=TENANT_ID, id=other.id), run_id=taken))
        await house.completions(1)
    assert headers_of(letter)["dlq_code"] == "run_id_taken"
