"""The simulation finds what it is there for: each promise is broken on purpose, and some seed tells."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.domain.events import Event
from app.engine.deciding.state import ExecutionState
from app.engine.deciding.task_state import TaskState
from app.engine.deciding.waits import WaitState
from app.engine.ports import FamilyChange, Step
from app.engine.running.child_openings import ChildOpenings
from app.engine.running.children import Children
from app.engine.running.claiming import Claiming
from app.engine.running.held_runs import HeldRuns
from app.engine.running.recorder import Recorder, WritePermit
from app.engine.watching.batch import Batch
from app.engine.watching.watcher import Watcher
from app.feed.entries import Entry, FeedBatch
from app.feed.reading import FeedReading
from app.machines.deciding import Step as EntityStep
from app.machines.entity import Entity
from app.machines.ports import Stored
from tests.support.memory.database import MemoryDatabase, StoredExecution
from tests.support.memory.entities_of_engines import EntitiesOfEngines
from tests.support.memory.executions import MemoryExecutionStore
from tests.support.memory.ownership import MemoryOwnership
from tests.support.memory.recording import MemoryRecording
from tests.support.simulated_world import simulate

MOST_SEEDS = 400


class Unfenced(MemoryRecording):
    """Writes for whoever asks."""

    async def record(self, engine_id: int, steps: Sequence[Step]) -> set[UUID]:
        await self._open(engine_id, steps)
        for step in steps:
            self._write(step)
        return {step.execution_id for step in steps}


class WithoutKey(MemoryRecording):
    """Takes the same event twice."""

    def _refuse_doubled_events(self, steps: Sequence[Step]) -> None:
        return


async def _nothing_is_stored(*_: object) -> set[UUID]:
    return set()


async def _nothing_to_reap(_: MemoryOwnership) -> int:
    return 0


async def _no_family_is_too_large(*_: object) -> int:
    return 0


async def _leave_orphans(_: Claiming, engine_id: int) -> None:
    return


def _of_whoever_asks(self: MemoryExecutionStore, _: int, execution_id: UUID) -> StoredExecution | None:
    return self._database.executions.get(execution_id)


def _act_at_once(self: Recorder, permit: WritePermit, step: Step, acknowledge: Callable[[bool], None]) -> None:
    _submit(self, permit, step, lambda stored: None)
    acknowledge(True)


def _take_newest(self: Watcher, after: int) -> Batch | None:
    newest = [event for batch in self._held for event in batch.events if event.sequence > after][-1:]
    self._held.clear()
    self._events = self._size = 0
    return Batch(newest) if newest else None


async def _of_all_tenants(self: FeedReading, _: int, after: int, entries: Sequence[Entry]) -> FeedBatch:
    batches = [await _batch(self, e.source.tenant_id, after, [e]) for e in entries if e.source is not None]
    return FeedBatch(after, entries[-1].last, [event for batch in batches for event in batch.events])


def _grow_without_births(self: MemoryDatabase, execution_id: UUID, events: Sequence[Event]) -> None:
    if self.executions[execution_id].execution.parent is None or events[0].sequence > 1:
        _grow(self, execution_id, events)
    else:
        self.histories[execution_id].extend(events)


def _stop_no_children(self: Children, *arguments: Any) -> FamilyChange | None:
    change = _change(self, *arguments)
    return None if change is None else replace(change, stopped={}, ends=False)


def _tell_no_parent(self: Children, *arguments: Any) -> FamilyChange | None:
    change = _change(self, *arguments)
    return None if change is None else replace(change, told=None)


def _keep_children(self: TaskState, wait: WaitState) -> None:
    self.wait = wait


def _store_whatever_has_happened(self: EntitiesOfEngines, entity_step: EntityStep) -> Stored | None:
    return _refused(self, entity_step) if entity_step.events[0].sequence == 1 else None


async def _never_answered(*_: object) -> None:
    return None


async def _start_nothing(*_: object) -> None:
    return None


async def _tell_nothing(*_: object) -> bool:
    return False


def _in_any_tenant(self: EntitiesOfEngines, _: int, entity_id: UUID) -> Entity | None:
    return self.rows.get(entity_id)


_refused = EntitiesOfEngines.refused
_submit = Recorder.submit
_change = Children.change
_batch = FeedReading.batch
_grow = MemoryDatabase.grow

SABOTAGE = {
    "engines work on without a lease": (HeldRuns, "drop_all", lambda _: None),
    "nobody frees what a dead engine owned": (MemoryOwnership, "reap", _nothing_to_reap),
    "claims without an answer are forgotten": (Claiming, "_give_back_orphans", _leave_orphans),
    "runs act before they have committed": (Recorder, "submit", _act_at_once),
    "a watcher that falls behind misses something": (Watcher, "take", _take_newest),
    "what has completed is not undone": (ExecutionState, "next_compensation", property(lambda _: None)),
    "keys are not unique": (MemoryDatabase, "_is_taken", lambda *_: False),
    "children run on after their parents": (Children, "change", _stop_no_children),
    "parents are not told that a child has ended": (Children, "change", _tell_no_parent),
    "a new attempt waits for the child of the one before": (TaskState, "begin_wait", _keep_children),
    "nobody wakes those for whom a command waits": (MemoryDatabase, "make_due", lambda *_: None),
    "what a tenant has exists for others": (MemoryExecutionStore, "_row", _of_whoever_asks),
    "readers of the feed get what they have read again": (FeedBatch, "rest", lambda batch, _: batch),
    "readers of the feed get what others have": (FeedReading, "batch", _of_all_tenants),
    "a commit is missing in the feed": (MemoryDatabase, "grow", _grow_without_births),
    "families may be of any depth": (ChildOpenings, "check_family", _no_family_is_too_large),
    "rivals for an entity both win": (EntitiesOfEngines, "refused", _store_whatever_has_happened),
    "what was asked of an entity is forgotten": (EntitiesOfEngines, "answered", _never_answered),
    "what an entity starts is not stored with its step": (EntitiesOfEngines, "start", _start_nothing),
    "ends of executions have no effect on entities": (MemoryRecording, "_change_entities", lambda *_: None),
    "timers that a dead process has claimed stay claimed": (
        EntitiesOfEngines,
        "is_free",
        lambda self, one: one not in self.held,
    ),
    "tasks are not told that an entity has come": (EntitiesOfEngines, "tell", _tell_nothing),
    "entities of other tenants exist": (EntitiesOfEngines, "_of", _in_any_tenant),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_broken_promise_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*SABOTAGE[name])
    assert some_seed_tells()


def test_a_recording_without_the_fence_is_noticed() -> None:
    assert some_seed_tells(Unfenced)


def test_a_recorder_that_sends_again_without_asking_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorder, "_stored", _nothing_is_stored)
    assert some_seed_tells(WithoutKey)


def some_seed_tells(recording: type[MemoryRecording] = MemoryRecording) -> bool:
    return any(simulate(seed, recording).problems for seed in range(MOST_SEEDS))
