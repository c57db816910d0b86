"""The state of an execution: what histories amount to, and which histories cannot be."""

import pytest

from app.domain.events import EventType
from app.domain.executions import Failure
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.deciding.state import IllegalHistory, fold
from app.engine.task_view import task_executions
from tests.support.histories import NOON, at, event
from tests.support.stories import parallel, plan_of, story, sync

PLAN = plan_of(sync("a"), parallel("b"), parallel("c"), sync("d", 1))
A, B, C, D = range(4)
BEGUN = ("created", "started", "a started")
FORKED = (*BEGUN, "a completed", "b started", "c started")


def state_of(*words: str):
    return fold(PLAN, story(PLAN, *words))


def test_nothing_has_happened() -> None:
    state = state_of()
    assert (state.status, state.sequence, state.progress) == (ExecutionStatus.PENDING, 0, 0)
    assert list(state.ready) == [A]
    assert not state.is_final
    assert not state.is_stopping


@pytest.mark.parametrize(
    ("words", "ready", "open"),
    [
        (("created", "started"), [A], []),
        (BEGUN, [], [A]),
        ((*BEGUN, "a progressed"), [], [A]),
        ((*BEGUN, "a retrying"), [], [A]),
        ((*BEGUN, "a retrying", "a started"), [], [A]),
        ((*BEGUN, "a completed"), [B, C], []),
        (FORKED, [], [B, C]),
        ((*FORKED, "c completed"), [], [B]),
        ((*FORKED, "c completed", "b completed"), [D], []),
    ],
)
def test_tasks_become_ready_when_all_before_them_have_completed(words, ready, open) -> None:
    state = state_of(*words)
    assert (list(state.ready), list(state.open)) == (ready, open)


def test_a_completed_history() -> None:
    state = state_of(*FORKED, "b completed", "c completed", "d started", "d completed", "completed")
    assert (state.status, state.course.done, state.is_final) == (ExecutionStatus.COMPLETED, 4, True)
    assert {task.status for task in state.tasks} == {TaskStatus.COMPLETED}
    assert state.tasks[A].output == '{"done":true}'
    assert (state.tasks[A].first_started_at, state.tasks[A].ended_at) == (at(3), at(4))


def test_a_failure_stops_the_execution() -> None:
    state = state_of(*FORKED, "b failed")
    assert state.is_stopping
    assert state.failure == Failure("broken", "task 'b' failed: it broke")
    assert state.tasks[B].failure == Failure("broken", "it broke")
    state = state_of(*FORKED, "b failed", "c failed", "failed")
    assert state.failure == Failure("broken", "task 'b' failed: it broke"), "the first failure is the reason"
    assert state.status is ExecutionStatus.FAILED


def test_a_cancel_stops_the_execution() -> None:
    state = state_of(*BEGUN, "cancel")
    assert state.is_stopping
    assert (state.cancel_reason, state.failure) == ("no longer wanted", None)
    assert state_of("created", "cancel", "cancelled").status is ExecutionStatus.CANCELLED


def test_retries_count_failures_but_not_lost_engines() -> None:
    state = state_of(*BEGUN, "a retrying", "a started", "a lost", "a started", "a lost")
    task = state.tasks[A]
    assert (task.status, task.attempt, task.failures, task.retry_at) == (TaskStatus.RETRYING, 3, 1, NOON)
    assert task.first_started_at == at(3)
    state = state_of(*BEGUN, "a retrying")
    assert state.tasks[A].retry_at == at(1_000)


def test_what_a_running_attempt_says_of_itself_ends_with_it() -> None:
    assert state_of(*BEGUN, "a progressed").reported == {A: 50}
    assert state_of(*BEGUN, "a progressed", "a retrying").reported == {}
    assert state_of(*BEGUN, "a progressed", "a completed").reported == {}


def test_thousands_of_tasks_that_were_skipped_before_their_turn_are_passed_at_once() -> None:
    count = 2_000
    plan = plan_of(*(sync(f"t{number}") for number in range(count)), sync("last"))
    skipped = (f"t{number} skipped" for number in range(1, count))
    state = fold(plan, story(plan, "created", "started", "t0 started", *skipped, "t0 completed"))
    assert list(state.ready) == [count]


def test_gates_are_passed_in_the_order_of_the_graph() -> None:
    """Behind the gate after `a` and `b` both tasks were skipped, and behind these comes another gate."""
    plan = plan_of(parallel("a"), parallel("b"), parallel("c", 1), parallel("d", 1), parallel("e", 2), parallel("f", 2))
    words = ("created", "started", "a started", "b started", "d skipped", "c skipped", "b completed")
    assert list(fold(plan, story(plan, *words)).ready) == []
    state = fold(plan, story(plan, *words, "a completed"))
    assert [plan.tasks[index].name for index in state.ready] == ["e", "f"]


def test_a_workflow_without_tasks() -> None:
    plan = plan_of()
    assert fold(plan, story(plan, "created", "started", "completed")).status is ExecutionStatus.COMPLETED


@pytest.mark.parametrize(
    "words",
    [
        ("created", "started", "b started"),
        ("created", "started", "a completed"),
        ("created", "started", "a progressed"),
        ("created", "started", "a cancelled"),
        (*BEGUN, "a started"),
        (*BEGUN, "a completed", "a started"),
        (*BEGUN, "a completed", "a progressed"),
        (*BEGUN, "a completed", "a failed"),
        (*BEGUN, "a retrying", "a completed"),
        (*BEGUN, "a retrying", "a progressed"),
        (*BEGUN, "completed"),
        (*BEGUN, "failed"),
        (*BEGUN, "cancel", "cancelled"),
        (*FORKED, "b failed", "c retrying", "c started"),
        (*BEGUN, "a completed", "cancel", "b started"),
        ("created", "completed"),
        ("created", "cancel", "cancelled", "started"),
        ("created", "cancel", "cancelled", "cancelled"),
        ("created", "cancel", "cancelled", "cancel"),
    ],
)
def test_histories_that_cannot_be(words) -> None:
    *before, last = story(PLAN, *words)
    state = fold(PLAN, before)
    with pytest.raises(IllegalHistory):
        state.apply(last)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 5},
        {"sequence": 3},
        {"task_id": None},
        {"task_id": 999},
        {"attempt": 2},
        {"status": ExecutionStatus.PENDING},
        {"status": ExecutionStatus.COMPLETED},
        {"type": EventType.EXECUTION_COMPLETED, "task_id": None},
    ],
)
def test_events_that_do_not_fit(changes) -> None:
    state = state_of(*BEGUN)
    fitting = event(4, EventType.TASK_COMPLETED, task_id=101, attempt=1)
    with pytest.raises(IllegalHistory):
        state.apply(fitting._replace(**changes))
    state_of(*BEGUN).apply(fitting)


async def test_what_people_see_of_each_task() -> None:
    events = story(PLAN, *BEGUN, "a retrying", "a started", "a completed", "b started", "c started", "c failed")
    a, b, c, d = await task_executions(PLAN, events)
    assert (a.name, a.status, a.attempt, a.started_at, a.finished_at) == ("a", TaskStatus.COMPLETED, 2, at(3), at(6))
    assert (a.output, a.failure) == ('{"done":true}', None), "an attempt that failed is no failure of the task"
    assert (b.status, b.finished_at) == (TaskStatus.RUNNING, None)
    assert (c.status, c.failure) == (TaskStatus.FAILED, Failure("broken", "it broke"))
    assert (d.task_id, d.status, d.attempt, d.started_at) == (104, TaskStatus.PENDING, 0, None)
