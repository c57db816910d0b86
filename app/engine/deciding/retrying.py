"""Whether a failed or lost attempt is made again, and when. Pure, like the decider."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from app.domain.definitions import MAX_TIMEOUT_SECONDS, RetryPolicy
from app.domain.events import EventType
from app.domain.handlers import TaskError
from app.engine.deciding.drafts import Draft
from app.engine.deciding.event_data import failure_data
from app.engine.deciding.state import ExecutionState
from app.engine.deciding.task_state import ENGINE_LOST, SUSPECT_AFTER_LOSSES, TaskState
from app.engine.ports import CANCEL, PAUSE

FIRST_SUSPECT_PAUSE_SECONDS = 10.0
LONGEST_SUSPECT_PAUSE_SECONDS = 60.0
LEAST_SUSPICIOUS_AFTER_SECONDS = 60.0
"""An attempt that ran for so long before its engine stopped is hardly the reason."""


def draft_of_failure(state: ExecutionState, index: int, error: TaskError, now: datetime, chance: float) -> Draft:
    """The task's running attempt has failed: the task fails, too, or waits for its next attempt."""
    task = state.tasks[index]
    due = retry_at(state.plan.tasks[index].retry, task.failures + 1, error, now, chance)
    stops = state.is_stopping and not state.is_compensation(index)
    if due is None or stops:
        return Draft(EventType.TASK_FAILED, index, task.attempt, data=failure_data(error.code, error.message))
    return Draft(EventType.TASK_RETRYING, index, task.attempt, data=failure_data(error.code, error.message, due))


def retry_at(policy: RetryPolicy, failures: int, error: TaskError, now: datetime, chance: float) -> datetime | None:
    """When to try again after the failure number `failures` (from 1); None when the task has failed.

    `chance`, from 0 to 1, spreads the wait within the policy's jitter. Exponential backoff with a cap, as in
    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/.
    """
    if not error.retryable or failures >= policy.max_attempts or error.code in policy.non_retryable_errors:
        return None
    wait = _backoff(policy, failures) * (1 - policy.jitter * chance)
    asked_for = min(error.retry_after_seconds or 0, MAX_TIMEOUT_SECONDS)
    return now + timedelta(seconds=max(wait, asked_for))


def _backoff(policy: RetryPolicy, failures: int) -> float:
    """Seconds between the failure number `failures` (from 1) and the next attempt, without jitter."""
    try:
        wait = policy.initial_interval_seconds * float(policy.backoff_coefficient) ** (failures - 1)
    except OverflowError:
        # More than a float can hold is more than any policy allows, unless there is no wait that could grow.
        wait = math.inf if policy.initial_interval_seconds else 0.0
    return min(wait, policy.max_interval_seconds)


def drafts_of_losses(
    state: ExecutionState, asked: str | None, now: datetime, max_lost_attempts: int
) -> Iterator[Draft]:
    """The attempts that ended with the engine before, recorded as lost and made again.

    asked: the type of the command that is applied first, None if there is none.
    max_lost_attempts: a task that has lost so many attempts fails.
    """
    lost = [index for index in state.open if state.tasks[index].has_attempt]
    # A task whose attempts keep ending with their engine may be what kills the engines.
    fatal = [index for index in lost if state.tasks[index].lost + 1 >= max_lost_attempts]
    stopping = asked == CANCEL or state.is_stopping or any(not state.plan.tasks[index].may_fail for index in fatal)
    for index in lost:
        if index in fatal:
            yield _draft_of_last_loss(index, state.tasks[index].attempt, max_lost_attempts)
        elif stopping and not state.is_compensation(index):
            yield _draft_of_loss_while_stopping(index, state.tasks[index].attempt)
        else:
            paused = asked == PAUSE or state.is_paused
            yield from _drafts_of_loss(state, index, now, paused=paused)


def _drafts_of_loss(state: ExecutionState, index: int, now: datetime, *, paused: bool) -> Sequence[Draft]:
    number, pause = state.tasks[index].attempt, _pause_after_loss(state.tasks[index], now)
    data = failure_data(ENGINE_LOST, "the engine that ran it stopped", now + timedelta(seconds=pause))
    lost = Draft(EventType.TASK_RETRYING, index, number, data=data)
    return (lost,) if paused or pause else (lost, Draft(EventType.TASK_STARTED, index, number + 1))


def _pause_after_loss(task: TaskState, now: datetime) -> float:
    """Seconds until the next attempt. A suspect waits, so that it does not stop every engine as soon as that starts.

    Of the attempts that were lost together, those that had run for less time are made again first, each of them alone:
    what stops an engine does so soon after its start.
    """
    losses = task.lost + 1
    if losses < SUSPECT_AFTER_LOSSES:
        return 0.0
    doublings = min(losses - SUSPECT_AFTER_LOSSES, 10)
    pause = min(FIRST_SUSPECT_PAUSE_SECONDS * 2.0**doublings, LONGEST_SUSPECT_PAUSE_SECONDS)
    ran = 0.0 if task.started_at is None else (now - task.started_at).total_seconds()
    return pause + min(max(ran / LEAST_SUSPICIOUS_AFTER_SECONDS, 0.0), 1.0)


def _draft_of_loss_while_stopping(index: int, number: int) -> Draft:
    data = failure_data("cancelled", "the engine that ran it stopped while the execution was ending")
    return Draft(EventType.TASK_CANCELLED, index, number, data=data)


def _draft_of_last_loss(index: int, number: int, times: int) -> Draft:
    message = f"{times} attempts ended with the engine that ran them; the task may be what stops engines"
    return Draft(EventType.TASK_FAILED, index, number, data=failure_data(ENGINE_LOST, message))
