"""`workflow kafka …` against the cluster in the process, which cannot make topics, nor keep offsets of transactions."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from typer.testing import CliRunner, Result

from app.adapters.kafka import administration, existing_topics, output
from app.cli import app
from app.kafka import relay
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.kafka_house import KafkaHouse, engine_with, event_of, headers_of, trigger
from tests.support.walls import logins_for

pytestmark = pytest.mark.server

Words = Callable[..., Awaitable[Result]]


@pytest.fixture
def said(house: KafkaHouse, database_url: str) -> Words:
    """Runs `workflow kafka` with these words."""
    kafka = {"KAFKA_BOOTSTRAP_SERVERS": house.address, "KAFKA_PREFIX": house.topics.prefix}
    environment = {**kafka, **logins_for(database_url), "KAFKA_TRANSACTIONS": "false"}

    async def say(*words: object, **changes: str) -> Result:
        runner = CliRunner(env=environment | changes)
        return await asyncio.to_thread(runner.invoke, app, ["kafka", *map(str, words)], catch_exceptions=False)

    return say


def letter(code: str) -> dict[str, bytes]:
    return {"dlq_code": code.encode(), "dlq_message": b"why", "dlq_offset": b"7", "mine": b"kept"}


async def test_setup_leaves_topics_as_they_are(said: Words):
    made = await said("setup", "--partitions", 9)
    assert (made.exit_code, made.stdout) == (0, "all topics exist\n")


async def test_status_tells_what_waits(house: KafkaHouse, said: Words):
    house.send(house.topics.trigger, {}, {}, {})
    house.send(house.topics.dead(house.topics.trigger), {}, {})
    shown = await said("status")
    assert shown.exit_code == 0
    rows = {line.split()[0]: line.split()[1:] for line in shown.stdout.splitlines() if house.topics.prefix in line}
    assert rows[house.topics.trigger] == ["4", "3", "3"]
    assert rows[house.topics.dead(house.topics.trigger)] == ["4", "2", "2"]
    assert rows[house.topics.events] == ["4", "0"]
    assert "no event was published" in shown.stdout


async def test_status_of_topics_that_do_not_exist(said: Words):
    state = json.loads((await said("status", "--json", KAFKA_PREFIX="elsewhere")).stdout)
    assert {topic["partitions"] for topic in state["topics"]} == {0}
    assert state["position"] is None
    assert (await said("status", KAFKA_PREFIX="elsewhere")).stdout.count("missing") == len(state["topics"])


async def test_after_a_run_nothing_waits_and_status_tells_the_position(
    house: KafkaHouse, said: Words, database_url: str
):
    made = await store_workflow(database_url, workflow("counted", [sync("a", 1)]))
    async with engine_with(house.settings(database_url, kafka_transactions=False)):
        house.send(house.topics.trigger, trigger(made, "one"))
        await house.completions(1)
    state = json.loads((await said("status", "--json")).stdout)
    topics = {topic["name"]: topic for topic in state["topics"]}
    assert topics[house.topics.trigger]["waiting"] == 0
    assert state["position"] == topics[house.topics.events]["records"] > 0


async def test_replay_sends_the_dead_letters_of_a_code_again_and_each_once(house: KafkaHouse, said: Words):
    dead = house.topics.dead(house.topics.trigger)
    for n, code in enumerate(("workflow_unknown", "not_json", "workflow_unknown")):
        house.send(dead, {"n": n}, headers=letter(code), key=f"key-{n}")
    assert (await said("replay-dlq", "--code", "workflow_unknown")).stdout == "sent 2 again\n"
    assert (await said("replay-dlq")).stdout == "sent 0 again\n"
    records = sorted(await house.read(house.topics.trigger, 2), key=lambda one: event_of(one)["n"])
    assert [(one.key(), event_of(one), headers_of(one)) for one in records] == [
        (b"key-0", {"n": 0}, {"mine": "kept"}),
        (b"key-2", {"n": 2}, {"mine": "kept"}),
    ]


async def test_replay_with_a_limit_leaves_the_rest_for_the_next_time(house: KafkaHouse, said: Words):
    house.send(house.topics.dead(house.topics.signals), *({"n": n} for n in range(5)), headers=letter("internal_error"))
    assert (await said("replay-dlq", "--signals", "--limit", 3)).stdout == "sent 3 again\n"
    assert (await said("replay-dlq", "--signals")).stdout == "sent 2 again\n"
    records = await house.read(house.topics.signals, 5)
    assert sorted(event_of(one)["n"] for one in records) == [0, 1, 2, 3, 4]
    assert house.stored(house.topics.trigger) == 0


async def test_what_follows_the_position_of_a_reset_is_published_again(
    house: KafkaHouse, said: Words, database_url: str
):
    made = await store_workflow(database_url, workflow("again", [sync("a", 1)]))
    settings = house.settings(database_url, kafka_transactions=False)
    async with engine_with(settings):
        house.send(house.topics.trigger, trigger(made, "one"))
        await house.completions(1)
    position = json.loads((await said("status", "--json")).stdout)["position"]
    back = await said("reset", position - 2)
    assert (back.exit_code, back.stdout) == (
        0,
        f"events behind position {position - 2} are published next; it was {position}\n",
    )
    async with engine_with(settings):
        events = await house.read(house.topics.events, position + 2)
    assert sorted(event_of(one)["position"] for one in events) == sorted(
        [*range(1, position + 1), position - 1, position]
    )


async def test_a_reset_while_the_service_runs_is_noticed_although_nothing_happens(
    house: KafkaHouse, said: Words, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(relay, "KEEP_SECONDS", 0.5)
    made = await store_workflow(database_url, workflow("noticed", [sync("a", 1)]))
    async with engine_with(house.settings(database_url, kafka_transactions=False)):
        house.send(house.topics.trigger, trigger(made, "one"))
        await house.completions(1)
        position = len(await house.all(house.topics.events))
        assert (await said("reset", position - 2)).stdout.endswith(f"it was {position}\n")
        events = await house.read(house.topics.events, position + 2)
    assert sorted(event_of(one)["position"] for one in events)[-3:] == [position - 1, position, position]


@pytest.mark.parametrize("words", [("setup",), ("status",), ("replay-dlq",), ("reset", 0)])
async def test_without_brokers_each_command_says_one_sentence(
    said: Words, monkeypatch: pytest.MonkeyPatch, words: tuple[object, ...]
):
    for module in (administration, existing_topics, output):
        for name in {"CALL_SECONDS", "ASK_SECONDS"} & vars(module).keys():
            monkeypatch.setattr(module, name, 0.5)
    refused = await said(*words, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith("error: Kafka does not do what it should: ")
    assert refused.stderr.count("\n") == 1


async def test_replay_and_reset_name_the_topics_that_are_missing(said: Words):
    for words in (("replay-dlq",), ("reset", 0)):
        refused = await said(*words, KAFKA_PREFIX="elsewhere")
        assert refused.exit_code == 2
        assert "Kafka has no topic elsewhere." in refused.stderr
        assert "`workflow kafka setup`" in refused.stderr


async def test_without_the_setting_the_commands_name_it(said: Words):
    refused = await said("status", KAFKA_BOOTSTRAP_SERVERS="")
    assert (refused.exit_code, refused.stderr.count("KAFKA_BOOTSTRAP_SERVERS is not set")) == (2, 1)
