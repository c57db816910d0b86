"""The executions that an engine holds."""

from uuid import UUID, uuid4

import pytest

from app.domain.executions import Execution
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus
from app.engine.deciding.state import ExecutionState
from app.engine.running.attempts import Attempts
from app.engine.running.collaborators import Collaborators
from app.engine.running.held_runs import HeldRuns
from app.engine.running.limits import Limits
from app.engine.running.places import Places
from app.engine.running.recorder import Recorder
from app.engine.running.run import Run
from app.engine.watching.watchers import Hub
from tests.support.histories import NOON
from tests.support.inline_evaluator import inline_evaluations
from tests.support.memory_house import House
from tests.support.stories import plan_of


class Bench:
    def __init__(self) -> None:
        house = House()
        self.attempts = Attempts(house, 100)
        limits = Limits(100)
        recorder, hub = Recorder(house.recording), Hub(lambda *_: None)
        shared = Collaborators(recorder, self.attempts, hub, inline_evaluations(), house.clock, house.openings(limits))
        self.gone: list[Run] = []
        self.places = Places(2)
        self.held = HeldRuns(self.places, shared, limits, self.gone.append)

    def add(self, execution_id: UUID | None = None) -> Run:
        execution = Execution(execution_id or uuid4(), 1, 1, 1, ExecutionStatus.PENDING, Payload("{}"), NOON)
        run = self.held.new_run(execution, ExecutionState(plan_of()))
        self.held.add(run)
        return run


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_a_run_that_was_lost_does_not_take_its_successor_with_it(bench: Bench) -> None:
    lost = bench.add()
    successor = bench.add(lost.id)
    bench.held.remove(lost)
    assert bench.held.get(lost.id) is successor


async def test_all_are_dropped_although_each_is_removed_meanwhile(bench: Bench) -> None:
    runs = [bench.add(), bench.add()]
    for run in runs:
        run._on_gone = bench.held.remove
    bench.held.drop_all()
    assert all(run.is_lost for run in runs)
    assert len(bench.held) == 0
