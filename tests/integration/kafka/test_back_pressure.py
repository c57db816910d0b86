"""A consumer that takes no more records for a while, and stays a member of its group."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from confluent_kafka import Consumer

from app.adapters.kafka import source
from app.engine.execution_filter import ExecutionFilter
from tests.support import gated_tasks
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.gated_tasks import Gates
from tests.support.kafka_house import KafkaHouse, engine_with, trigger
from tests.support.tcp_proxy import proxy_to
from tests.support.tenant import CALLER

pytestmark = pytest.mark.server

RECORDS = 40
PLACES = AT_ONCE = 4
IMPATIENT_MS = 3_000
"""A member that does not poll for so long is taken for dead."""


class WatchedConsumer(Consumer):
    """Counts what happens to it."""

    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self, properties: dict[str, Any]) -> None:
        impatient = {"session.timeout.ms": IMPATIENT_MS, "max.poll.interval.ms": IMPATIENT_MS}
        super().__init__(properties | impatient | {"heartbeat.interval.ms": IMPATIENT_MS // 10})

    def subscribe(self, topics: list[str]) -> None:  # type: ignore[override]
        marks = {f"on_{name}": self._mark(name) for name in ("assign", "revoke", "lost")}
        super().subscribe(topics, **marks)  # type: ignore[arg-type]

    def pause(self, partitions: list[Any]) -> None:
        self.seen["pause"] += 1
        super().pause(partitions)

    def resume(self, partitions: list[Any]) -> None:
        self.seen["resume"] += 1
        super().resume(partitions)

    def _mark(self, name: str) -> Any:
        return lambda consumer, partitions: self.seen.update([name])


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """What has happened to the consumer of the one engine."""
    monkeypatch.setattr(WatchedConsumer, "seen", Counter())
    monkeypatch.setattr(source, "Consumer", WatchedConsumer)
    monkeypatch.setattr(source, "AT_ONCE", AT_ONCE)
    monkeypatch.setattr(source, "PATIENCE_SECONDS", 0.1)
    return WatchedConsumer.seen


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> Gates:
    gates = Gates()
    monkeypatch.setattr(gated_tasks, "gates", gates)
    return gates


async def paused_for_longer_than_a_dead_member(seen: Counter[str]) -> None:
    """Each pause is a poll, and a poll takes so long when nothing comes."""
    begun = seen["pause"]
    while seen["pause"] - begun < 1.5 * IMPATIENT_MS / 1_000 / source.POLL_SECONDS:
        await asyncio.sleep(0.05)


async def test_while_all_places_are_taken_records_wait_in_kafka_and_the_member_stays(
    house: KafkaHouse, database_url: str, seen: Counter[str], gates: Gates
):
    made = await store_workflow(
        database_url, workflow("gated", [sync("a", 1, "python", config={"function": "test.gated"})])
    )
    settings = house.settings(database_url, engine_max_executions=PLACES)
    async with engine_with(settings) as process:
        house.send(house.topics.trigger, *(trigger(made, f"first-{n}") for n in range(PLACES)))
        while process.engine.room > 0:
            await asyncio.sleep(0.05)
        resumed = seen["resume"]
        house.send(house.topics.trigger, *(trigger(made, f"then-{n}") for n in range(RECORDS)))
        await paused_for_longer_than_a_dead_member(seen)
        taken = await process.executions.list_executions(CALLER, ExecutionFilter(made.id), None, 1_000)
        # One batch may have been on its way, and another one asked for.
        assert len(taken.executions) <= PLACES + 3 * AT_ONCE
        assert (seen["assign"], seen["revoke"], seen["lost"], seen["resume"]) == (1, 0, 0, resumed)
        gates.open("a")
        ends = await house.completions(PLACES + RECORDS)
        assert (seen["assign"], seen["revoke"], seen["lost"]) == (1, 0, 0)
    assert {end["status"] for end in ends.values()} == {"success"}
    assert seen["resume"] > resumed


async def test_while_postgresql_is_away_records_wait_and_their_offsets_are_not_committed(
    house: KafkaHouse, database_url: str, seen: Counter[str]
):
    made = await store_workflow(database_url, workflow("away", [sync("a", 1)]))
    # The cluster of tests forgets the offsets in transactions, and the relay begins again when it has lost its lease.
    plain = {"kafka_transactions": False}
    async with proxy_to(database_url) as (proxy, url), engine_with(house.settings(url, **plain)):
        house.send(house.topics.trigger, trigger(made, "before"))
        await house.completions(1)
        while house.committed(house.topics.trigger) != 1:
            await asyncio.sleep(0.1)
        await proxy.vanish()
        house.send(house.topics.trigger, *(trigger(made, f"run-{n}") for n in range(RECORDS)))
        await paused_for_longer_than_a_dead_member(seen)
        assert house.committed(house.topics.trigger) == 1
        await proxy.start()
        ends = await house.completions(1 + RECORDS)
        while house.committed(house.topics.trigger) != 1 + RECORDS:
            await asyncio.sleep(0.1)
        assert (seen["assign"], seen["revoke"], seen["lost"]) == (1, 0, 0)
    assert {end["status"] for end in ends.values()} == {"success"}
    assert house.stored(house.topics.dead(house.topics.trigger)) == 0
