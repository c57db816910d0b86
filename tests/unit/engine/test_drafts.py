"""Events are numbered and timed, and know the execution's status and progress."""

import json

import pytest

from app.domain.events import EventType
from app.domain.states import ExecutionStatus
from app.engine.deciding.drafts import Draft, take
from app.engine.deciding.event_data import LONGEST_MESSAGE, failure_data, progress_data
from app.engine.deciding.state import ExecutionState, fold
from tests.support.histories import at
from tests.support.stories import parallel, plan_of, story

PLAN = plan_of(*(parallel(name) for name in "abc"))
A, B, C = range(3)


def test_an_event_continues_its_history() -> None:
    state = fold(PLAN, story(PLAN, "created", "started"))
    event = take(state, Draft(EventType.TASK_STARTED, B, 1), at(9))
    assert (event.sequence, event.occurred_at, event.task_id, event.attempt) == (3, at(9), 102, 1)
    assert (event.status, event.progress_percent, event.data) == (ExecutionStatus.RUNNING, 0, None)
    assert (state.sequence, list(state.open)) == (3, [B])


@pytest.mark.parametrize(
    ("words", "type", "status"),
    [
        ((), EventType.EXECUTION_CREATED, ExecutionStatus.PENDING),
        (("created",), EventType.CANCEL_REQUESTED, ExecutionStatus.PENDING),
        (("created",), EventType.EXECUTION_STARTED, ExecutionStatus.RUNNING),
        (("created", "started"), EventType.EXECUTION_COMPLETED, ExecutionStatus.COMPLETED),
        (("created", "started"), EventType.EXECUTION_FAILED, ExecutionStatus.FAILED),
        (("created", "started"), EventType.EXECUTION_CANCELLED, ExecutionStatus.CANCELLED),
    ],
)
def test_an_event_shows_the_status_after_it(words, type, status) -> None:
    assert take(fold(PLAN, story(PLAN, *words)), Draft(type), at(9)).status is status


def progress_of(*drafts: Draft) -> list[int]:
    """After all three tasks have started."""
    state = ExecutionState(PLAN)
    begin = [Draft(EventType.EXECUTION_CREATED), Draft(EventType.EXECUTION_STARTED)]
    begin += [Draft(EventType.TASK_STARTED, index, 1) for index in (A, B, C)]
    return [take(state, draft, at(state.sequence)).progress_percent for draft in [*begin, *drafts]][5:]


def report(index: int, percent: float | None, attempt: int = 1) -> Draft:
    return Draft(EventType.TASK_PROGRESSED, index, attempt, data=progress_data(percent, ""))


def done(index: int) -> Draft:
    return Draft(EventType.TASK_COMPLETED, index, 1)


def test_progress_is_the_share_of_completed_tasks_and_100_at_the_end() -> None:
    assert progress_of(done(A), done(B), done(C), Draft(EventType.EXECUTION_COMPLETED)) == [33, 66, 100, 100]


def test_running_tasks_count_with_what_they_report() -> None:
    assert progress_of(report(A, 50), report(B, 30), report(A, 80), done(A), report(C, None)) == [16, 26, 36, 43, 43]


def test_progress_never_falls() -> None:
    retrying = Draft(EventType.TASK_RETRYING, A, 1, data=failure_data("broken", "", at(0)))
    again = Draft(EventType.TASK_STARTED, A, 2)
    assert progress_of(report(A, 90), report(A, 20), retrying, again, report(A, 10, 2), done(B)) == [30] * 5 + [36]


def test_an_execution_that_fails_keeps_its_progress() -> None:
    failed = Draft(EventType.TASK_FAILED, B, 1, data=failure_data("broken", ""))
    cancelled = Draft(EventType.TASK_CANCELLED, C, 1, data=failure_data("cancelled", ""))
    assert progress_of(done(A), failed, cancelled, Draft(EventType.EXECUTION_FAILED)) == [33, 33, 33, 33]


def test_a_workflow_without_tasks_is_done_at_once() -> None:
    plan = plan_of()
    state = fold(plan, story(plan, "created", "started"))
    assert take(state, Draft(EventType.EXECUTION_COMPLETED), at(9)).progress_percent == 100


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("plain", "plain"),
        ("a\x00b", "a\N{REPLACEMENT CHARACTER}b"),
        ("lone \ud800", "lone \ufffd\ufffd\ufffd"),
        ("x" * LONGEST_MESSAGE, "x" * LONGEST_MESSAGE),
        ("x" * (LONGEST_MESSAGE + 1), "x" * (LONGEST_MESSAGE - 1) + "…"),
    ],
)
def test_messages_are_made_storable(text, stored) -> None:
    assert json.loads(failure_data(text, text).text) == {"code": stored, "message": stored}
    assert json.loads(progress_data(None, text).text)["message"] == stored
