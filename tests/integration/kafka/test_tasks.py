"""Tasks that publish, and records that are signals."""

from uuid import uuid4

import pytest

from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.engine.service import StartRequest
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.kafka_fixtures import MockCluster
from tests.support.kafka_house import KafkaHouse, engine_with, event_of, headers_of
from tests.support.tenant import CALLER, TENANT_ID, needs_default

pytestmark = pytest.mark.server


def publishing(topic: str, **config):
    return [sync("publish", 1, "kafka", config={"topic": topic, **config})]


async def run(process, made, topic: str = ""):
    request = StartRequest(Ref(tenant_id=TENANT_ID, id=made.id), Payload(f'{{"name":"x","topic":"{topic}"}}'))
    started = await process.executions.start(CALLER, request)
    return await process.executions.wait(CALLER, started.execution.id, 60)


async def test_a_task_publishes_a_record(house: KafkaHouse, kafka_mock: MockCluster, database_url):
    topic = f"orders-{uuid4().hex}"
    kafka_mock.make_topics(topic)
    tasks = publishing(topic, key="${input.name}", value={"to": "${input.name}"}, headers={"kind": "new"})
    made = await store_workflow(database_url, workflow("publishing", tasks))
    async with engine_with(house.settings(database_url, kafka_task_topics=topic)) as process:
        ended = await run(process, made)
        (record,) = await house.read(topic, 1)
    assert ended.failure is None
    assert (record.key(), event_of(record)) == (b"x", {"to": "x"})
    assert headers_of(record) == {"kind": "new", "task-key": f"{ended.id}/{made.tasks[0].id}"}


async def code_of_task(process, execution) -> str:
    (task,) = await process.executions.tasks(CALLER, execution.id)
    assert task.failure is not None
    return task.failure.code


@needs_default("KAFKA_TASK_TOPICS is for it alone")
@pytest.mark.parametrize(("allowed", "code"), [("other", "topic_refused"), ("*", "kafka_unreachable")])
async def test_a_topic_is_refused_or_missing(house: KafkaHouse, database_url, allowed, code):
    made = await store_workflow(database_url, workflow("to-nowhere", publishing("${input.topic}")))
    async with engine_with(house.settings(database_url, kafka_task_topics=allowed)) as process:
        assert await code_of_task(process, await run(process, made, topic="no-such-topic")) == code
        # An asterisk does not stand for the topics of the service: records there act for everyone.
        assert await code_of_task(process, await run(process, made, topic=house.topics.signals)) == "topic_refused"


async def test_a_record_is_a_signal(house: KafkaHouse, database_url):
    made = await store_workflow(database_url, workflow("waits", [sync("a", 1, "signal", config={"name": "go"})]))
    async with engine_with(house.settings(database_url)) as process:
        request = StartRequest(Ref(tenant_id=TENANT_ID, id=made.id))
        execution_id = (await process.executions.start(CALLER, request)).execution.id
        signal = {"execution_id": str(execution_id), "name": "go", "payload": {"n": 1}}
        house.send(house.topics.signals, b"no", signal | {"name": "other"}, signal | {"execution_id": "x"}, signal)
        ended = await process.executions.wait(CALLER, execution_id, 60)
        letters = await house.read(house.topics.dead(house.topics.signals), 3)
        tasks = await process.executions.tasks(CALLER, execution_id)
    assert ended.status.value == "completed"
    assert tasks[0].output == '{"n":1}'
    codes = {headers_of(letter)["dlq_code"] for letter in letters}
    assert codes == {"not_json", "signal_refused", "execution_id_invalid"}
