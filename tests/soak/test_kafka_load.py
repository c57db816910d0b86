"""Kafka under load, with a real broker: nothing is lost or doubled, and what waits does not fill the memory.

`KAFKA_RUNS` says how many executions are triggered, `KAFKA_WAITING` how many records wait.
"""

import asyncio
import os
import random
import statistics
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from app.kafka.topics import Topics
from app.wiring.kafka_parts import administration
from tests.support.chaos import ChaosPlan
from tests.support.databases import ask
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.kafka_broker import KafkaBroker
from tests.support.kafka_house import KafkaHouse, fresh_prefix, trigger
from tests.support.kafka_load import (
    Ends,
    Memory,
    environment_of,
    kept_workers,
    kill_again_and_again,
    trigger_over_rest,
)
from tests.support.process_usage import MIB, machine_load
from tests.support.rest_server_process import RestServerProcess

pytestmark = [pytest.mark.server, pytest.mark.timeout(0)]

RUNS = int(os.environ.get("KAFKA_RUNS") or 10_000)
WAITING = int(os.environ.get("KAFKA_WAITING") or 50_000)
ENGINES, PLACES, PENDING = 3, 100, 1_000
MOST_BYTES = 300 * MIB
QUIET_SECONDS = 5.0


@pytest.fixture
async def house(kafka_broker: KafkaBroker) -> AsyncIterator[KafkaHouse]:
    return KafkaHouse(kafka_broker.address, Topics(fresh_prefix()))


@pytest.fixture
async def rest(house: KafkaHouse, database_url: str, tmp_path: Path) -> AsyncIterator[RestServerProcess]:
    settings = environment_of(house) | {"RATE_LIMIT_ANONYMOUS": "off"}
    server = RestServerProcess(database_url, "", tmp_path / "rest.log", **settings)
    await server.start()
    yield server
    await server.close()


async def test_every_trigger_runs_once_and_its_end_is_published_once(
    kafka_broker: KafkaBroker,
    house: KafkaHouse,
    rest: RestServerProcess,
    database_url: str,
    tmp_path: Path,
    plan: ChaosPlan,
    tell: Callable[[object], None],
) -> None:
    """Half comes by REST, half by records, each twice. An engine is killed every three seconds, the broker once."""
    made = await store_workflow(database_url, workflow("loaded", [sync("a", 1), sync("b", 2)]))
    half, chance = RUNS // 2, random.Random(plan.seed)
    by_rest, produced = [f"rest-{n}" for n in range(half)], [f"record-{n}" for n in range(RUNS - half)]
    records = [trigger(made, run_id) for run_id in produced]
    async with kept_workers(house, database_url, tmp_path, ENGINES) as workers, Ends(house).reading() as ends:
        began = time.monotonic()
        killing = asyncio.create_task(kill_again_and_again(workers, chance))
        calling = asyncio.create_task(trigger_over_rest(rest.url, "loaded", by_rest))
        await asyncio.to_thread(house.send, house.topics.trigger, *records)
        await ends.reach(RUNS // 4)
        kafka_broker.kill()
        await asyncio.to_thread(kafka_broker.start)
        await asyncio.to_thread(house.send, house.topics.trigger, *reversed(records))
        answers = sorted(await calling)
        await ends.reach(RUNS)
        seconds = time.monotonic() - began
        killing.cancel()
        kills = sum(len(worker.ends) for worker in workers)
        await asyncio.sleep(QUIET_SECONDS)
    tell(
        f"{RUNS} executions from {2 * RUNS} triggers in {seconds:.0f} s with {kills} kills of engines and 1 of the "
        f"broker, seed {plan.seed}; an answer of REST took {statistics.median(answers) * 1000:.1f} ms, "
        f"99 of 100 at most {answers[int(len(answers) * 0.99)] * 1000:.0f} ms ({machine_load()})"
    )
    assert ends.seen.keys() == {*by_rest, *produced}
    assert set(ends.seen.values()) == {1}
    assert ends.failed == []
    assert await ask(database_url, "SELECT count(*) FROM executions") == RUNS
    assert [death for worker in workers for death in worker.deaths] == []


def member_of(house: KafkaHouse) -> str:
    """The id that the only member of the group has got. One that was taken for dead gets another."""
    group = house.topics.workers
    described = AdminClient({"bootstrap.servers": house.address}).describe_consumer_groups([group])[group].result()
    (member,) = described.members
    return str(member.member_id)


async def test_what_waits_in_kafka_takes_no_memory_and_the_member_stays(
    kafka_broker: KafkaBroker, house: KafkaHouse, database_url: str, tmp_path: Path, tell: Callable[[object], None]
) -> None:
    """More than an engine has places for, first with all places taken, and then until all have run."""
    made = await store_workflow(
        database_url, workflow("waiting", [sync("a", 1, "python", config={"function": "test.gated_by_file"})])
    )
    gate = {"GATE": str(tmp_path / "gate"), "PYTHON_MODULES": "tests.support.gated_by_file"}
    settings = gate | {"ENGINE_MAX_EXECUTIONS": str(PLACES), "KAFKA_MAX_PENDING": str(PENDING)}
    async with kept_workers(house, database_url, tmp_path, 1, **settings) as (engine,), Ends(house).reading() as ends:
        memory, admin = Memory(engine.server.pid), administration(house.settings(database_url))
        watching = asyncio.create_task(memory.watch())
        for first in range(0, WAITING, 5_000):
            records = [trigger(made, f"run-{n}") for n in range(first, min(first + 5_000, WAITING))]
            await asyncio.to_thread(house.send, house.topics.trigger, *records)
        # One workflow alone does not get the last places of an engine, so the limit of what is pending is reached.
        while "kafka_paused" not in engine.server.log_tail(1_000):
            await asyncio.sleep(0.2)
        member, rebalances = await asyncio.to_thread(member_of, house), kafka_broker.rebalances(house.topics.workers)
        before = memory.most_bytes
        # As long as the group waits for a member that does not answer, and half of it again.
        await asyncio.sleep(15)
        waiting = (await asyncio.to_thread(admin.state))[0].waiting
        tell(
            f"{waiting} of {WAITING} records wait for {PLACES} places: {before / MIB:.0f} MiB while they came, "
            f"{memory.most_bytes / MIB:.0f} MiB while all places were taken"
        )
        began = time.monotonic()
        (tmp_path / "gate").touch()
        await ends.reach(WAITING)
        seconds = time.monotonic() - began
        watching.cancel()
        assert await asyncio.to_thread(member_of, house) == member
        # The first member of a new group joins it by one.
        assert kafka_broker.rebalances(house.topics.workers) == rebalances > 0
    tell(
        f"{WAITING} ran within {seconds:.0f} s, and the engine took {memory.most_bytes / MIB:.0f} MiB at most "
        f"({machine_load()})"
    )
    assert waiting is not None
    assert waiting > WAITING - PENDING - 10 * PLACES
    assert memory.most_bytes < MOST_BYTES
    assert set(ends.seen.values()) == {1}
    assert engine.ends == []
