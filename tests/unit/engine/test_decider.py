"""What an execution does next, and when a task is tried again."""

from decimal import Decimal
from math import inf, nan

import pytest

from app.domain.definitions import MAX_TIMEOUT_SECONDS, RetryPolicy
from app.domain.executions import Failure
from app.domain.handlers import TaskError
from app.domain.states import ExecutionStatus
from app.engine.deciding.decider import CancelTask, Finish, StartTask, StopAttempt, decide
from app.engine.deciding.retrying import retry_at
from app.engine.deciding.state import fold
from tests.support.histories import NOON
from tests.support.stories import parallel, plan_of, story, sync

PLAN = plan_of(sync("a"), parallel("b"), parallel("c"), sync("d", 1))
A, B, C, D = range(4)
BEGUN = ("created", "started", "a started")
FORKED = (*BEGUN, "a completed", "b started", "c started")
JOINED = (*FORKED, "b completed", "c completed")
COMPLETE = (*JOINED, "d started", "d completed")
BROKEN = Failure("broken", "task 'b' failed: it broke")
ASKED = Failure("cancelled", "no longer wanted")


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        (("created", "started"), [StartTask(A)]),
        (BEGUN, []),
        ((*BEGUN, "a completed"), [StartTask(B), StartTask(C)]),
        ((*BEGUN, "a completed", "b started"), [StartTask(C)]),
        (FORKED, []),
        ((*FORKED, "b completed"), []),
        ((*FORKED, "b retrying"), []),
        (JOINED, [StartTask(D)]),
        (COMPLETE, [Finish(ExecutionStatus.COMPLETED)]),
        ((*COMPLETE, "completed"), []),
        ((*FORKED, "b failed"), [StopAttempt(C)]),
        ((*FORKED, "c retrying", "b failed"), [CancelTask(C)]),
        ((*FORKED, "b failed", "c cancelled"), [Finish(ExecutionStatus.FAILED, BROKEN)]),
        ((*FORKED, "b failed", "c completed"), [Finish(ExecutionStatus.FAILED, BROKEN)]),
        ((*FORKED, "b failed", "c failed"), [Finish(ExecutionStatus.FAILED, BROKEN)]),
        ((*BEGUN, "a completed", "b started", "b failed"), [Finish(ExecutionStatus.FAILED, BROKEN)]),
        (("created", "cancel"), [Finish(ExecutionStatus.CANCELLED, ASKED)]),
        ((*FORKED, "cancel"), [StopAttempt(B), StopAttempt(C)]),
        ((*FORKED, "b retrying", "cancel"), [CancelTask(B), StopAttempt(C)]),
        ((*FORKED, "cancel", "b failed", "c cancelled"), [Finish(ExecutionStatus.CANCELLED, ASKED)]),
        ((*COMPLETE, "cancel"), [Finish(ExecutionStatus.CANCELLED, ASKED)]),
        ((*COMPLETE[:-1], "cancel", "d completed"), [Finish(ExecutionStatus.CANCELLED, ASKED)]),
    ],
)
def test_decisions(words, commands) -> None:
    assert sorted(decide(fold(PLAN, story(PLAN, *words))), key=repr) == sorted(commands, key=repr)


def test_a_workflow_without_tasks_finishes_at_once() -> None:
    plan = plan_of()
    assert decide(fold(plan, story(plan, "created", "started"))) == [Finish(ExecutionStatus.COMPLETED)]


def wait(policy: RetryPolicy, failures: int, error: TaskError | None = None, chance: float = 0.0) -> float | None:
    due = retry_at(policy, failures, error or TaskError("broken", "it broke"), NOON, chance)
    return None if due is None else (due - NOON).total_seconds()


BACKOFF = RetryPolicy(5, initial_interval_seconds=2, backoff_coefficient=3, max_interval_seconds=30, jitter=0.5)


@pytest.mark.parametrize(("failures", "seconds"), [(1, 2), (2, 6), (3, 18), (4, 30), (5, None), (6, None)])
def test_waits_grow_up_to_their_cap_until_no_attempt_is_left(failures, seconds) -> None:
    assert wait(BACKOFF, failures) == seconds


def test_without_a_policy_nothing_is_tried_again() -> None:
    assert wait(RetryPolicy(), 1) is None


def test_what_cannot_be_helped_is_not_tried_again() -> None:
    assert wait(BACKOFF, 1, TaskError("broken", "it broke", retryable=False)) is None


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 2.0), (0.5, 1.5), (1.0, 1.0)])
def test_jitter_shortens_a_wait_by_its_fraction_at_most(chance, seconds) -> None:
    assert wait(BACKOFF, 1, chance=chance) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("asked_for", "seconds"),
    [(None, 2), (1, 2), (45, 45), (-5, 2), (nan, 2), (inf, MAX_TIMEOUT_SECONDS), (1e300, MAX_TIMEOUT_SECONDS)],
)
def test_a_longer_wait_may_be_asked_for(asked_for, seconds) -> None:
    assert wait(BACKOFF, 1, TaskError("busy", "later", retry_after_seconds=asked_for)) == seconds


def test_a_thousand_failures_do_not_overflow() -> None:
    policy = RetryPolicy(1_000, 1e6, 100, MAX_TIMEOUT_SECONDS, 0)
    assert wait(policy, 999) == MAX_TIMEOUT_SECONDS
    assert retry_at(policy, 1_000, TaskError("broken", ""), NOON, 0) is None


@pytest.mark.parametrize("coefficient", [1, 1.0, 1.001, 1.05, 1.5, 2, 99.9, 100])
@pytest.mark.parametrize("initial", [0, 0.001, 1, 1e6])
@pytest.mark.parametrize("longest", [0, 1, 3600, MAX_TIMEOUT_SECONDS])
def test_waits_follow_their_formula_however_often_a_task_has_failed(initial, coefficient, longest) -> None:
    policy = RetryPolicy(100_000, initial, coefficient, longest, jitter=0)
    for failures in (1, 2, 64, 65, 66, 100, 171, 1_000, 15_000, 32_767, 99_999):
        exact = Decimal(str(initial)) * Decimal(str(coefficient)) ** (failures - 1)
        assert wait(policy, failures) == pytest.approx(float(min(exact, Decimal(longest))), rel=1e-9, abs=1e-6)
