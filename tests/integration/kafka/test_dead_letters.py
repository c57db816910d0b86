"""Records that can never work."""

import asyncio
from collections import Counter

import pytest

from app.kafka import intake
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.kafka_house import KafkaHouse, engine_with, event_of, headers_of, raw, trigger

pytestmark = pytest.mark.server

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}

POISON = {
    "empty": [None, b""],
    "not_json": [b"{", b"hello", b"\xff\xfe"],
    "json_refused": [
        b'{"workflow_id": NaN}',
        b'{"workflow_id": "a\\u0000"}',
        b'{"workflow_id": "strict", "workflow_id": "other"}',
        b'{"workflow_id": 99999999999999999999999}',
    ],
    "not_an_object": [[], "text", 7, b"null"],
    "workflow_id_missing": [{"payload": {}}, {"workflow_id": None}],
    "workflow_id_invalid": [{"workflow_id": True}, {"workflow_id": []}, {"workflow_id": "no such name"}],
    "run_id_invalid": [
        {"workflow_id": "strict", "run_id": 7},
        {"workflow_id": "strict", "run_id": ""},
        {"workflow_id": "strict", "run_id": "x" * 500},
    ],
    "payload_invalid": [{"workflow_id": "strict", "payload": []}],
    "payload_too_large": [{"workflow_id": "strict", "run_id": "large", "payload": {"n": "x" * 3_000}}],
    "too_large": [{"workflow_id": "strict", "payload": {"n": "x" * 100_000}}],
    "input_invalid": [{"workflow_id": "strict", "run_id": "invalid", "payload": {"n": "one"}}],
}


async def test_each_kind_of_poison_becomes_a_dead_letter_with_its_code_and_holds_up_nothing(house, database_url):
    made = await store_workflow(database_url, workflow("strict", [sync("a", 1)], input_schema=SCHEMA))
    values = [value for kind in POISON.values() for value in kind]
    settings = house.settings(database_url, max_input_bytes=2_000)
    async with engine_with(settings):
        house.send(house.topics.trigger, *values)
        house.send(house.topics.trigger, trigger(made, "good", n=1))
        letters = await house.read(house.topics.dead(house.topics.trigger), len(values))
        ends = await house.completions(3)
        while await asyncio.to_thread(house.committed, house.topics.trigger) != len(values) + 1:
            await asyncio.sleep(0.1)
        assert house.stored(house.topics.dead(house.topics.trigger)) == len(values) >= 20
    expected = Counter((code, raw(value)) for code, kind in POISON.items() for value in kind)
    assert Counter((headers_of(letter)["dlq_code"], letter.value()) for letter in letters) == expected
    assert ends["good"]["status"] == "success"
    assert {run: end["error"]["code"] for run, end in ends.items() if run != "good"} == {
        "invalid": "input_invalid",
        "large": "payload_too_large",
    }


async def test_a_dead_letter_is_the_record_as_it_came(house: KafkaHouse, database_url):
    async with engine_with(house.settings(database_url)):
        house.send(house.topics.trigger, b"\x00\xff", headers={"mine": b"\xfe"}, key="its key")
        (letter,) = await house.read(house.topics.dead(house.topics.trigger), 1)
    headers = dict(letter.headers() or ())
    assert (letter.key(), letter.value(), headers["mine"]) == (b"its key", b"\x00\xff", b"\xfe")
    assert headers["dlq_topic"] == house.topics.trigger.encode()
    assert headers["dlq_message"].startswith(b"value: is not JSON")


async def test_records_of_another_tenant_are_refused_unless_the_header_is_trusted(house: KafkaHouse, database_url):
    made = await store_workflow(database_url, workflow("own", [sync("a", 1)]))
    async with engine_with(house.settings(database_url)):
        house.send(house.topics.trigger, trigger(made, "theirs"), headers={"tenant": b"elsewhere"})
        (letter,) = await house.read(house.topics.dead(house.topics.trigger), 1)
    assert headers_of(letter)["dlq_code"] == "tenant_refused"
    async with engine_with(house.settings(database_url, kafka_tenant_from_header=True)):
        house.send(house.topics.trigger, trigger(made, "theirs"), headers={"tenant": b"elsewhere"})
        letters = await house.read(house.topics.dead(house.topics.trigger), 2)
    assert {headers_of(letter)["dlq_code"] for letter in letters} == {"tenant_refused", "tenant_unknown"}


async def test_a_workflow_that_is_not_there_yet_is_tried_again(house: KafkaHouse, database_url, monkeypatch):
    monkeypatch.setattr(intake, "AGAIN_SECONDS", 3.0)
    async with engine_with(house.settings(database_url)):
        house.send(
            house.topics.trigger, {"workflow_id": "late", "run_id": "r1"}, {"workflow_id": "never", "run_id": "r2"}
        )
        made = await store_workflow(database_url, workflow("late", [sync("a", 1)]))
        ends = await house.completions(2)
        (letter,) = await house.read(house.topics.dead(house.topics.trigger), 1)
    assert (ends["r1"]["workflow_id"], ends["r1"]["status"]) == (made.id, "success")
    assert ends["r2"]["error"]["code"] == "workflow_unknown"
    assert event_of(letter)["workflow_id"] == "never"
