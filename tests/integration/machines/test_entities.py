"""Entities on a real database: starts, moves, rivals, repetitions, effects, timers, migrations."""

import asyncio
from collections import Counter
from dataclasses import replace
from uuid import uuid4

import pytest

from app.domain.definitions import TaskDraft, WorkflowDraft
from app.domain.errors import Conflict, NotFound
from app.domain.refs import Ref
from app.machines.deciding import TransitionRequest
from app.machines.entity import after
from app.machines.machine import MAX_AUTOMATIC
from app.machines.parsing import parse_machine
from app.machines.refusals import EffectFailed, EntityExists, MachineInUse, SequenceMismatch, TransitionRefused
from app.machines.timers import EntityTimerLoop
from tests.support.databases import ask
from tests.support.engine_process import store_workflow
from tests.support.machines import FRAUD, MachineHouse
from tests.support.tenant import CALLER, TENANT_ID


def ref(machine) -> Ref:
    return Ref(tenant_id=TENANT_ID, id=machine.id)


async def words(house: MachineHouse, entity_id) -> list[str]:
    return [event.type.value for event in await house.entities.history(CALLER, entity_id, 0, 1_000)]


async def test_an_entity_is_started_moved_and_ended(house: MachineHouse) -> None:
    machine = await house.define(FRAUD)
    assert (machine.key, machine.version, machine.revision) == ("fraud_detection", "1.0", 1)
    entity = (await house.start(machine, data={"amount": 5000})).entity
    with pytest.raises(TransitionRefused) as refused:
        await house.move(entity.id, transition="start_processing")
    assert (refused.value.code, list(refused.value.refusal.errors)) == (
        "conditions_not_met",
        ["field_required: approval_code"],
    )
    moved = await house.move(entity.id, to="processing", context={"approval_code": "x"}, data={"seen": True})
    assert (moved.entity.state, moved.entity.data) == ("processing", {"amount": 5000, "seen": True})
    house.clock.pass_by(5)
    done = (await house.move(entity.id, to="completed", notes="fine")).entity
    assert (done.is_final, done.completed_at) == (True, house.clock.now())
    with pytest.raises(TransitionRefused) as refused:
        await house.move(entity.id, transition="cancel")
    assert refused.value.code == "entity_is_final"
    stored = await house.entities.get(CALLER, entity.id)
    assert stored == done
    events = await house.entities.history(CALLER, entity.id, 0, 100)
    assert [event.sequence for event in events] == [1, 2, 3]
    finals = frozenset({"completed", "cancelled"})
    blank = replace(entity, state="", data={}, sequence=0)
    assert after(blank, events, finals) == done


async def test_a_second_start_is_refused_with_the_id(house: MachineHouse) -> None:
    machine = await house.define(FRAUD)
    entity = (await house.start(machine, idempotency_key="k")).entity
    with pytest.raises(EntityExists) as taken:
        await house.start(machine)
    assert taken.value.entity_id == str(entity.id)
    again = await house.start(machine, idempotency_key="k")
    assert (again.was_repeated, again.entity.id) == (True, entity.id)


async def test_of_rivals_one_wins(house: MachineHouse) -> None:
    machine = await house.define(FRAUD)
    entity = (await house.start(machine, data={"approval_code": "x"})).entity

    async def one() -> str:
        try:
            await house.move(entity.id, transition="start_processing")
        except TransitionRefused as refused:
            return refused.code
        return "won"

    found = Counter(await asyncio.gather(*(one() for _ in range(50))))
    assert found == {"won": 1, "transition_not_possible": 49}
    assert await words(house, entity.id) == ["entity_started", "transitioned"]


async def test_none_of_many_changes_is_lost(house: MachineHouse) -> None:
    machine = await house.define(FRAUD)
    entity = (await house.start(machine)).entity
    request = lambda n: TransitionRequest(house.entities.actor(CALLER), data={f"k{n}": n})  # noqa: E731
    await asyncio.gather(*(house.entities.change_data(CALLER, entity.id, request(n)) for n in range(30)))
    stored = await house.entities.get(CALLER, entity.id)
    assert (stored.sequence, stored.data) == (31, {f"k{n}": n for n in range(30)})


async def test_rivals_of_one_process_take_turns(house: MachineHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them is judged again after the others."""
    entity = (await house.start(await house.define(FRAUD))).entity
    store, found = house.store.store, Counter[str]()

    async def counting(*given) -> str:
        stored = await store(*given)
        found[stored] += 1
        return stored

    monkeypatch.setattr(house.store, "store", counting)
    request = lambda n: TransitionRequest(house.entities.actor(CALLER), data={f"k{n}": n})  # noqa: E731
    await asyncio.gather(*(house.entities.change_data(CALLER, entity.id, request(n)) for n in range(30)))
    assert found == {"stored": 30}
    assert not house.writer._locks


async def test_a_repeated_request_gets_the_first_answer(house: MachineHouse) -> None:
    machine = await house.define(FRAUD)
    entity = (await house.start(machine, data={"approval_code": "x"})).entity
    first, *others = await asyncio.gather(
        *(house.move(entity.id, transition="start_processing", idempotency_key="k") for _ in range(5))
    )
    assert {moved.event.sequence for moved in (first, *others)} == {2}
    await house.move(entity.id, transition="complete")
    late = await house.move(entity.id, transition="start_processing", idempotency_key="k")
    assert (late.was_repeated, late.event) == (True, first.event)


async def test_an_expected_sequence_that_has_passed_is_refused(house: MachineHouse) -> None:
    machine = await house.define(FRAUD)
    entity = (await house.start(machine, data={"approval_code": "x"})).entity
    await house.move(entity.id, to="processing", expected_sequence=1)
    with pytest.raises(SequenceMismatch):
        await house.move(entity.id, to="completed", expected_sequence=1)


async def test_another_tenant_sees_nothing(house: MachineHouse, other_tenant) -> None:
    machine = await house.define(FRAUD)
    entity = (await house.start(machine)).entity
    for asked in (
        house.entities.get(other_tenant, entity.id),
        house.entities.history(other_tenant, entity.id, 0, 10),
        house.move(entity.id, other_tenant, to="cancelled"),
        house.machines.get(other_tenant, Ref(tenant_id=other_tenant.tenant_id, id=machine.id)),
    ):
        with pytest.raises(NotFound):
            await asked


async def test_four_eyes(house: MachineHouse) -> None:
    document = {
        "name": "expense",
        "states": [{"name": "draft", "initial": True}, {"name": "sent"}, {"name": "paid", "final": True}],
        "transitions": [
            {"from": "draft", "to": "sent", "name": "submit"},
            {"from": "sent", "to": "paid", "name": "approve", "conditions": {"not_same_actor_as": "submit"}},
        ],
    }
    entity = (await house.start(await house.define(document))).entity
    await house.move(entity.id, to="sent")
    with pytest.raises(TransitionRefused, match="not_same_actor_as: submit"):
        await house.move(entity.id, to="paid")


RUNNING = {
    "name": "order",
    "states": [
        {"name": "new", "initial": True},
        {"name": "paid", "on_enter": {"workflow": "ship", "input": {"n": "${data.n}", "to": "${state}"}}},
        {"name": "failed"},
        {"name": "done", "final": True},
    ],
    "transitions": [
        {"from": "new", "to": "paid", "name": "pay"},
        {"from": "paid", "to": "done", "name": "ship"},
        {"from": "paid", "to": "failed", "name": "fail"},
    ],
}


async def test_an_execution_is_started_in_the_same_commit(house: MachineHouse, database_url: str) -> None:
    entity = (await house.start(await house.define(RUNNING), data={"n": 7})).entity
    with pytest.raises(EffectFailed, match="does not exist"):
        await house.move(entity.id, to="paid")
    assert (await house.entities.get(CALLER, entity.id)).sequence == 1
    await store_workflow(database_url, WorkflowDraft(name="ship", key="ship", tasks=(TaskDraft("a"),)))
    await house.move(entity.id, to="paid")
    events = await house.entities.history(CALLER, entity.id, 0, 10)
    assert [event.type.value for event in events] == ["entity_started", "transitioned", "workflow_started"]
    found = await ask(database_url, "SELECT input::text || idempotency_key FROM executions")
    assert found == f'{{"n":7,"to":"paid"}}entity:{entity.id}:2:on_enter'
    assert await ask(database_url, "SELECT id FROM executions") == events[-1].execution_id


async def test_timers_fire_once_and_never_after_the_state_was_left(house: MachineHouse, database_url: str) -> None:
    document = {
        "name": "offer",
        "states": [
            {"name": "open", "initial": True, "after": {"seconds": 2, "to": "expired"}},
            {"name": "taken", "final": True},
            {"name": "expired", "final": True},
        ],
        "transitions": [
            {"from": "open", "to": "taken", "name": "take"},
            {"from": "open", "to": "expired", "name": "expire"},
        ],
    }
    machine = await house.define(document)
    late = (await house.start(machine, "late")).entity
    early = (await house.start(machine, "early")).entity
    await house.move(early.id, to="taken")
    rival = EntityTimerLoop(house.loop._timers, house.writer)
    await asyncio.gather(house.loop.fire_due(), rival.fire_due())
    assert (await house.entities.get(CALLER, late.id)).state == "expired"
    assert await words(house, late.id) == ["entity_started", "timer_set", "transitioned"]
    assert await words(house, early.id) == ["entity_started", "timer_set", "transitioned"]
    assert (await house.entities.history(CALLER, late.id, 2, 1))[0].actor == "timer"


async def test_a_circle_of_timers_ends(house: MachineHouse, database_url: str) -> None:
    document = {
        "name": "circle",
        "states": [
            {"name": "a", "initial": True, "after": {"seconds": 0, "to": "b"}},
            {"name": "b", "after": {"seconds": 0, "to": "a"}},
        ],
        "transitions": [{"from": "a", "to": "b", "name": "go"}, {"from": "b", "to": "a", "name": "back"}],
    }
    entity = (await house.start(await house.define(document))).entity
    for _ in range(MAX_AUTOMATIC + 2):
        await house.loop.fire_due()
    found = await house.entities.get(CALLER, entity.id)
    assert (found.automatic, found.due) == (MAX_AUTOMATIC, None)
    assert (await words(house, entity.id))[-1] == "timer_blocked"


async def test_entities_are_migrated(house: MachineHouse) -> None:
    machine = await house.define(FRAUD)
    entity = (await house.start(machine)).entity
    renamed = {**FRAUD, "states": [{"name": "begin", "initial": True}, *FRAUD["states"][1:]]}
    renamed["transitions"] = [{"from": "begin", "to": "completed", "name": "finish"}]
    await house.machines.replace(CALLER, ref(machine), parse_machine(renamed))
    plan = await house.migrations.migrate(CALLER, ref(machine), 2, {}, dry_run=False)
    assert (list(plan.moved), list(plan.left)) == ([], [(entity.id, "initial_state")])
    states = {"initial_state": "begin"}
    tried = await house.migrations.migrate(CALLER, ref(machine), 2, states, dry_run=True)
    assert list(tried.moved) == [(entity.id, "begin")]
    assert (await house.entities.get(CALLER, entity.id)).revision == 1
    await house.migrations.migrate(CALLER, ref(machine), 2, states, dry_run=False)
    found = await house.entities.get(CALLER, entity.id)
    assert (found.revision, found.state, found.sequence) == (2, "begin", 2)
    await house.move(entity.id, to="completed")


async def test_a_machine_with_entities_stays(house: MachineHouse) -> None:
    machine = await house.define(FRAUD)
    with pytest.raises(Conflict):
        await house.define(FRAUD)
    await house.start(machine)
    with pytest.raises(MachineInUse):
        await house.machines.delete(CALLER, ref(machine))
    empty = await house.define({**FRAUD, "key": "other"})
    await house.machines.delete(CALLER, ref(empty))
    with pytest.raises(NotFound):
        await house.machines.get(CALLER, ref(empty))


async def test_unknown_ids_are_not_found(house: MachineHouse) -> None:
    with pytest.raises(NotFound):
        await house.entities.get(CALLER, uuid4())
