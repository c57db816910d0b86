"""What is due when a timer of an execution has run out, and how long an execution can be left alone."""

import asyncio
import weakref
from dataclasses import replace
from uuid import uuid4

import pytest

from app.domain.definitions import RetryPolicy
from app.domain.events import EventType
from app.domain.executions import Execution
from app.domain.states import ExecutionStatus
from app.engine.deciding.state import fold
from app.engine.planning.plan import compile_plan
from app.engine.ports import Parking
from app.engine.running.attempts import Attempts
from app.engine.running.collaborators import Collaborators
from app.engine.running.due_times import DEADLINE, DueTimes, Key
from app.engine.running.limits import Limits
from app.engine.running.preparing import Preparation
from app.engine.running.recorder import Recorder
from app.engine.watching.watchers import Hub
from tests.support.histories import at
from tests.support.inline_evaluator import inline_evaluations
from tests.support.memory_house import House, SettableClock
from tests.support.stories import story, sync, workflow_of

A = 0
PARK_AFTER = 5.0
BEGUN = ("created", "started", "a started")
RETRYING = (*BEGUN, "a retrying")
RETRY_DUE = at(1_000)
WAIT_DUE = at(100)
DEADLINE_DUE = at(62)


class Owner:
    def __init__(self) -> None:
        self.keys: list[Key] = []

    def due(self, key: Key) -> None:
        self.keys.append(key)


class Bench:
    """The due times of an execution of task `a` that started at second 2; it is second 10."""

    def __init__(self, *words: str, waits: bool = False, timeout: float | None = 60) -> None:
        house = House()
        workflow = workflow_of(sync("a", retry=RetryPolicy(max_attempts=3)))
        plan = compile_plan(replace(workflow, timeout_seconds=timeout))
        events = story(plan, *words)
        if waits:
            events[2] = events[2]._replace(data='{"until":"2026-01-02T12:01:40.123456Z","signal":null,"output":7}')
        self.state = fold(plan, events)
        self.clock = SettableClock()
        self.clock.instant = at(10)
        shared = Collaborators(
            Recorder(house.recording),
            Attempts(house, 100),
            Hub(lambda *_: None),
            inline_evaluations(),
            self.clock,
            house.openings(Limits(100)),
            chance=lambda: 0.0,
        )
        self.owner = Owner()
        execution = Execution(uuid4(), 1, workflow.id, 1, ExecutionStatus.RUNNING, "{}", created_at=at(1))
        preparation = Preparation(execution, self.state, shared.attempts, shared.secrets, shared.evaluations)
        self.due_times = DueTimes(self.state, preparation, shared, PARK_AFTER, self.owner)

    @property
    def timers(self) -> list[Key]:
        return list(self.due_times._timers._handles)

    def due(self, key: Key) -> list[tuple[EventType, int | None, int]]:
        return [(draft.type, draft.index, draft.attempt) for draft in self.due_times.drafts(key)]


async def test_a_retry_starts_when_it_is_due() -> None:
    bench = Bench(*RETRYING)
    bench.clock.instant = RETRY_DUE
    assert bench.due(A) == [(EventType.TASK_STARTED, A, 2)]


async def test_a_wait_ends_when_it_is_due() -> None:
    bench = Bench(*BEGUN, waits=True)
    bench.clock.instant = WAIT_DUE
    [draft] = bench.due_times.drafts(A)
    assert (draft.type, draft.index, draft.attempt) == (EventType.TASK_COMPLETED, A, 1)


async def test_the_execution_fails_at_its_deadline() -> None:
    bench = Bench(*BEGUN)
    bench.clock.instant = DEADLINE_DUE
    assert bench.due(DEADLINE) == [(EventType.EXECUTION_FAILING, None, 0)]


@pytest.mark.parametrize(("words", "key"), [(RETRYING, A), (BEGUN, DEADLINE)])
async def test_a_timer_that_ran_out_before_its_time_is_set_again(words: tuple[str, ...], key: Key) -> None:
    """The wall clock was set back while the timer ran."""
    bench = Bench(*words)
    assert bench.due(key) == []
    assert bench.timers == [key]
    bench.due_times.stop()


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ((*RETRYING, "paused"), A),
        ((*RETRYING, "a started"), A),
        ((*RETRYING, "a skipped"), A),
        ((*BEGUN, "cancel"), DEADLINE),
        ((*BEGUN, "a completed", "completed"), DEADLINE),
    ],
)
async def test_what_is_not_wanted_any_more_is_not_due(words: tuple[str, ...], key: Key) -> None:
    bench = Bench(*words)
    bench.clock.instant = at(2_000)
    assert bench.due(key) == []
    assert bench.timers == []


async def test_the_owner_is_told_when_a_timer_has_run_out() -> None:
    bench = Bench(*RETRYING)
    bench.clock.instant = RETRY_DUE
    bench.due_times.watch_open_tasks()
    while not bench.owner.keys:
        await asyncio.sleep(0)
    assert bench.owner.keys == [A]


async def test_no_timer_is_set_for_longer_than_a_minute_because_the_clock_may_be_wrong() -> None:
    """It is an hour behind while the timers are set, and right a little later."""
    bench = Bench(*BEGUN, waits=True)
    bench.clock.advance(-3600)
    loop = asyncio.get_running_loop()
    began = loop.time()
    bench.due_times.watch_open_tasks()
    bench.due_times.watch_deadline()
    assert all(handle.when() <= loop.time() + 60 for handle in bench.due_times._timers._handles.values())
    assert bench.due(A) == bench.due(DEADLINE) == []
    assert all(began + 59 < handle.when() <= loop.time() + 60 for handle in bench.due_times._timers._handles.values())
    bench.clock.advance(3600 + 100)
    assert bench.due(A) == [(EventType.TASK_COMPLETED, A, 1)]
    assert [kind for kind, _, _ in bench.due(DEADLINE)] == [EventType.EXECUTION_FAILING]


async def test_nothing_is_set_and_nobody_held_after_the_stop() -> None:
    bench = Bench(*RETRYING)
    bench.due_times.watch_open_tasks()
    bench.due_times.watch_deadline()
    assert bench.timers == [A, DEADLINE]
    bench.due_times.stop()
    bench.due_times.watch_open_tasks()
    bench.due_times.watch_deadline()
    assert bench.timers == []
    owner = weakref.ref(bench.owner)
    del bench.owner
    assert owner() is None


@pytest.mark.parametrize(
    ("words", "parking"),
    [
        (BEGUN, None),
        (RETRYING, Parking(52, DEADLINE_DUE)),
        ((*RETRYING, "paused"), Parking(52, DEADLINE_DUE)),
        ((*BEGUN, "a lost"), None),
    ],
)
async def test_an_execution_can_be_parked_when_it_only_waits_and_for_long(
    words: tuple[str, ...], parking: Parking | None
) -> None:
    assert Bench(*words).due_times.parking() == parking


async def test_an_execution_that_goes_on_by_a_command_alone_can_be_parked_for_any_time() -> None:
    assert Bench(*RETRYING, "paused", timeout=None).due_times.parking() == Parking(None)
    assert Bench(*RETRYING, timeout=None).due_times.parking() == Parking(990, RETRY_DUE)
