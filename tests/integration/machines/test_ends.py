"""Executions that entities start: their ends fire transitions, each once, whatever dies in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from app.adapters.database.entities import PostgresEntityTimers
from app.engine.ports import StoreUnreachable
from app.machines.entity import Entity
from app.machines.machine import MAX_AUTOMATIC
from app.machines.ports import Stored
from app.machines.timers import EntityTimerLoop
from app.wiring.grpc_process import EngineProcess, open_engine_process
from tests.support.databases import ask
from tests.support.engine_process import settings_for, store_workflow, sync, workflow
from tests.support.machines import MachineHouse
from tests.support.tenant import CALLER

ORDER: dict[str, Any] = {
    "name": "order",
    "states": [
        {"name": "new", "initial": True},
        {"name": "paid", "on_enter": {"workflow": "ship", "on_completed": "ship", "on_failed": "fail"}},
        {"name": "failed"},
        {"name": "done", "final": True},
    ],
    "transitions": [
        {"from": "new", "to": "paid", "name": "pay"},
        {"from": "paid", "to": "done", "name": "ship"},
        {"from": "paid", "to": "failed", "name": "fail"},
    ],
}
WORKS, FAILS = sync("a", 1), sync("a", 1, "transform", config={"value": "${1 / 0}"})
FREE = "UPDATE entity_runs SET held_until = NULL"
LEFT = "SELECT count(*) FROM entity_runs"


@asynccontextmanager
async def engine(database_url: str, **settings: Any) -> AsyncIterator[EngineProcess]:
    async with open_engine_process(settings_for(database_url, **settings)) as process:
        yield process


async def in_state(house: MachineHouse, entity_id: UUID, state: str) -> Entity:
    while (entity := await house.entities.get(CALLER, entity_id)).state != state:
        await asyncio.sleep(0.02)
    return entity


async def started(house: MachineHouse, database_url: str, task=WORKS) -> Entity:
    await store_workflow(database_url, workflow("ship", [task]))
    entity = (await house.start(await house.define(ORDER))).entity
    return (await house.move(entity.id, to="paid")).entity


async def moves_of(house: MachineHouse, entity_id: UUID) -> list[tuple[str | None, str]]:
    events = await house.entities.history(CALLER, entity_id, 0, 1_000)
    return [(event.transition, event.actor.split(":")[0]) for event in events if event.type.value == "transitioned"]


@pytest.mark.parametrize(("task", "state", "name"), [(WORKS, "done", "ship"), (FAILS, "failed", "fail")])
async def test_the_end_of_an_execution_moves_its_entity(house: MachineHouse, database_url, task, state, name) -> None:
    entity = await started(house, database_url, task)
    # The notification must do: the next look would come too late.
    async with engine(database_url, engine_poll_seconds=50):
        await in_state(house, entity.id, state)
    assert (await moves_of(house, entity.id))[1:] == [(name, "execution")]
    assert await ask(database_url, LEFT) == 0


class DiesBeforeSettling(PostgresEntityTimers):
    async def settle(self, execution_id: UUID) -> None:
        raise StoreUnreachable("gone")


async def ended_with_no_engine(database_url: str) -> None:
    """As an engine of a version before would leave it: the end is not noted."""
    await ask(database_url, "UPDATE executions SET status = 'completed', started_at = now(), finished_at = now()")


async def test_an_end_has_its_effect_once_although_a_process_died(house: MachineHouse, database_url) -> None:
    entity = await started(house, database_url)
    await ended_with_no_engine(database_url)
    dying = EntityTimerLoop(DiesBeforeSettling(house.loop._timers._pool), house.writer)
    with pytest.raises(StoreUnreachable):
        await dying.fire_due()
    assert (await house.entities.get(CALLER, entity.id)).state == "done"
    assert not await house.loop.fire_due()
    assert await ask(database_url, LEFT) == 1
    await ask(database_url, FREE)
    assert await house.loop.fire_due()
    assert await ask(database_url, LEFT) == 0
    assert await moves_of(house, entity.id) == [("pay", CALLER.principal.partition(":")[0]), ("ship", "execution")]


async def test_of_two_engines_one_fires(house: MachineHouse, database_url) -> None:
    entity = await started(house, database_url)
    await ended_with_no_engine(database_url)
    rival = EntityTimerLoop(house.loop._timers, house.writer)
    await asyncio.gather(house.loop.fire_due(), rival.fire_due())
    assert len(await moves_of(house, entity.id)) == 2


async def test_an_execution_that_was_removed_counts_as_failed(house: MachineHouse, database_url) -> None:
    entity = await started(house, database_url)
    await ask(database_url, "DELETE FROM executions")
    await house.loop.fire_due()
    assert (await house.entities.get(CALLER, entity.id)).state == "failed"


async def test_an_end_that_was_noted_outlives_its_execution(house: MachineHouse, database_url) -> None:
    entity = await started(house, database_url)
    async with engine(database_url, engine_poll_seconds=50) as process:
        # Nothing fires here meanwhile: its process holds the row.
        await ask(database_url, "UPDATE entity_runs SET held_until = 'infinity'")
        run_id = await ask(database_url, "SELECT execution_id FROM entity_runs")
        await process.executions.wait(CALLER, run_id, 30)
    await ask(database_url, "DELETE FROM executions")
    await ask(database_url, FREE)
    await house.loop.fire_due()
    assert (await house.entities.get(CALLER, entity.id)).state == "done"


async def test_an_entity_that_has_left_stays_where_it_is(house: MachineHouse, database_url) -> None:
    entity = await started(house, database_url)
    await house.move(entity.id, to="failed")
    await ended_with_no_engine(database_url)
    await house.loop.fire_due()
    assert (await house.entities.get(CALLER, entity.id)).state == "failed"
    assert await ask(database_url, LEFT) == 0


async def test_a_circle_of_executions_ends(house: MachineHouse, database_url) -> None:
    await store_workflow(database_url, workflow("ship", [WORKS]))
    run = {"workflow": "ship", "on_completed": "go"}
    document = {
        "name": "circle",
        "states": [{"name": "a", "initial": True, "on_enter": run}, {"name": "b", "on_enter": run}],
        "transitions": [{"from": "a", "to": "b", "name": "go"}, {"from": "b", "to": "a", "name": "go"}],
    }
    entity = (await house.start(await house.define(document))).entity
    for _ in range(MAX_AUTOMATIC + 2):
        await ended_with_no_engine(database_url)
        await house.loop._timers.sweep(1_000)
        await house.loop.fire_due()
    found = await house.entities.get(CALLER, entity.id)
    assert found.automatic == len(await moves_of(house, entity.id)) == MAX_AUTOMATIC


TIMED: dict[str, Any] = {
    "name": "offer",
    "states": [
        {"name": "open", "initial": True, "after": {"seconds": 0, "to": "expired", "retry_seconds": 30}},
        {"name": "expired", "final": True},
    ],
    "transitions": [{"from": "open", "to": "expired", "name": "expire", "conditions": {"field_required": "reason"}}],
}


async def test_a_timer_that_is_blocked_is_tried_again(house: MachineHouse, database_url) -> None:
    entity = (await house.start(await house.define(TIMED))).entity
    await house.loop.fire_due()
    (blocked,) = await house.entities.history(CALLER, entity.id, 2, 10)
    assert (blocked.type.value, blocked.data["errors"]) == ("timer_blocked", ["field_required: reason"])
    house.clock.pass_by(30)
    found = await house.entities.get(CALLER, entity.id)
    assert found.due.at == house.clock.now()
    await house.entities.change_data(CALLER, entity.id, house.request(data={"reason": "old"}))
    await house.loop.fire_due()
    assert (await house.entities.get(CALLER, entity.id)).state == "expired"


async def test_a_timer_fires_although_a_workflow_has_changed(house: MachineHouse, database_url, monkeypatch) -> None:
    entity = (await house.start(await house.define(TIMED), data={"reason": "old"})).entity
    store, answers = house.store.store, [Stored.CHANGED]

    async def first_changed(tenant_id, step, effects=()):
        return answers.pop() if answers else await store(tenant_id, step, effects)

    monkeypatch.setattr(house.store, "store", first_changed)
    await house.loop.fire_due()
    assert (await house.entities.get(CALLER, entity.id)).state == "expired"


async def test_an_entity_that_cannot_be_judged_delays_no_other(house: MachineHouse, database_url, monkeypatch) -> None:
    machine = await house.define(TIMED)
    bad, good = [(await house.start(machine, key, data={"reason": "x"})).entity for key in ("bad", "good")]
    plan_of = house.writer.plan_of

    async def failing(entity):
        if entity.id == bad.id:
            raise RuntimeError("a mistake")
        return await plan_of(entity)

    monkeypatch.setattr(house.writer, "plan_of", failing)
    await house.loop.fire_due()
    assert (await house.entities.get(CALLER, good.id)).state == "expired"
    assert (await house.entities.get(CALLER, bad.id)).state == "open"


async def test_engines_fire_timers_when_they_are_due(house: MachineHouse, database_url) -> None:
    """Nearly a minute lies between two looks: the notification must do. Any of the two engines may fire."""
    async with engine(database_url, engine_poll_seconds=50), engine(database_url, engine_poll_seconds=50) as process:
        document = {**TIMED, "states": [{**TIMED["states"][0], "after": {"seconds": 0.2, "to": "expired"}}]}
        document["states"].append(TIMED["states"][1])
        machine = await house.define(document)
        house.clock.instant = await ask(database_url, "SELECT clock_timestamp()")
        house.writer._signals = process.executions._starter._signals
        entity = (await house.start(machine, data={"reason": "x"})).entity
        await in_state(house, entity.id, "expired")
    assert await moves_of(house, entity.id) == [("expire", "timer")]
