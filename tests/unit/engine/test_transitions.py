"""What happened, as the events that say so."""

import json
from uuid import uuid4

import pytest

from app.domain.definitions import RetryPolicy
from app.domain.events import EventType
from app.domain.handlers import TaskError
from app.domain.states import ExecutionStatus
from app.engine.deciding.decider import CancelTask, Finish, StartTask, StopAttempt, decide
from app.engine.deciding.drafts import Draft
from app.engine.deciding.outcomes import Failed, Stopped, Succeeded
from app.engine.deciding.state import fold
from app.engine.deciding.transitions import (
    draft_of_command,
    draft_of_outcome,
    drafts_of_control,
    drafts_of_resuming,
    first_to_apply,
    row_change,
)
from app.engine.ports import ControlCommand, RowChange
from tests.support.histories import NOON, at
from tests.support.stories import parallel, plan_of, story, sync

RETRY = RetryPolicy(max_attempts=2, initial_interval_seconds=4, jitter=0.5)
PLAN = plan_of(sync("a", retry=RETRY), parallel("b"), parallel("c", retry=RETRY))
A, B, C = range(3)
BEGUN = ("created", "started", "a started")
FORKED = (*BEGUN, "a completed", "b started", "c started")
BROKEN = Failed(TaskError("broken", "it broke"))


def state_of(*words: str):
    return fold(PLAN, story(PLAN, *words))


def cancel(id: int = 1, reason: str = "enough") -> ControlCommand:
    return ControlCommand(id, uuid4(), "cancel", reason)


def pause() -> ControlCommand:
    return ControlCommand(1, uuid4(), "pause")


def shown(draft: Draft) -> tuple:
    data = json.loads(draft.data.text) if draft.data else {}
    return draft.type, draft.index, draft.attempt, data.get("code") or data.get("message")


# Outcomes


def test_a_success_completes_the_task() -> None:
    draft = draft_of_outcome(state_of(*BEGUN), A, Succeeded("[1]"), NOON, 0)
    assert draft == Draft(EventType.TASK_COMPLETED, A, 1, "[1]")


def test_a_failure_is_repeated_while_its_policy_lasts() -> None:
    draft = draft_of_outcome(state_of(*BEGUN), A, BROKEN, NOON, 1.0)
    assert draft.type is EventType.TASK_RETRYING
    assert draft.data is not None
    assert json.loads(draft.data.text) == {
        "code": "broken",
        "message": "it broke",
        "retry_at": "2026-01-02T12:00:02.123456Z",
    }
    draft = draft_of_outcome(state_of(*BEGUN, "a retrying", "a started"), A, BROKEN, NOON, 1.0)
    assert shown(draft) == (EventType.TASK_FAILED, A, 2, "broken")


def test_lost_engines_use_up_no_attempts() -> None:
    state = state_of(*BEGUN, "a lost", "a started", "a lost", "a started")
    assert shown(draft_of_outcome(state, A, BROKEN, NOON, 0)) == (EventType.TASK_RETRYING, A, 3, "broken")


def test_nothing_is_repeated_when_the_execution_ends() -> None:
    state = state_of(*FORKED, "b failed")
    assert shown(draft_of_outcome(state, C, BROKEN, NOON, 0)) == (EventType.TASK_FAILED, C, 1, "broken")
    assert shown(draft_of_outcome(state, C, Stopped(), NOON, 0)) == (EventType.TASK_CANCELLED, C, 1, "cancelled")
    assert draft_of_outcome(state, C, Succeeded(None), NOON, 0).type is EventType.TASK_COMPLETED


def test_a_stopped_attempt_says_why() -> None:
    failed = draft_of_outcome(state_of(*FORKED, "b failed"), C, Stopped(), NOON, 0)
    assert failed.data is not None
    assert "the execution is failing" in failed.data.text
    asked = draft_of_outcome(state_of(*FORKED, "cancel"), C, Stopped(), NOON, 0)
    assert asked.data is not None
    assert "no longer wanted" in asked.data.text


# Commands of the decider


@pytest.mark.parametrize(
    ("words", "command", "expected"),
    [
        (("created", "started"), StartTask(A), (EventType.TASK_STARTED, A, 1, None)),
        ((*BEGUN, "a retrying"), StartTask(A), (EventType.TASK_STARTED, A, 2, None)),
        ((*FORKED, "c retrying", "cancel"), CancelTask(C), (EventType.TASK_CANCELLED, C, 1, "cancelled")),
        (("created", "cancel"), Finish(ExecutionStatus.COMPLETED), (EventType.EXECUTION_COMPLETED, None, 0, None)),
    ],
)
def test_commands_become_events(words, command, expected) -> None:
    draft = draft_of_command(state_of(*words), command, 1_000)
    assert draft is not None
    assert shown(draft) == expected


def test_an_attempt_that_is_told_to_stop_says_nothing_yet() -> None:
    assert draft_of_command(state_of(*FORKED, "b failed"), StopAttempt(C), 1_000) is None


def test_the_output_of_an_execution_is_that_of_its_last_tasks() -> None:
    state = state_of(*FORKED, "b completed", "c completed")
    (command,) = decide(state)
    draft = draft_of_command(state, command, 1_000)
    assert draft == Draft(EventType.EXECUTION_COMPLETED, text='{"b":{"done":true},"c":{"done":true}}')
    too_small = draft_of_command(state, command, len(draft.text or "") - 1)
    assert too_small == Draft(EventType.EXECUTION_COMPLETED)


def test_a_failed_execution_says_why() -> None:
    state = state_of(*FORKED, "b failed", "c cancelled")
    (command,) = decide(state)
    draft = draft_of_command(state, command, 1_000)
    assert draft is not None
    assert draft.data is not None
    assert json.loads(draft.data.text) == {"code": "broken", "message": "task 'b' failed: it broke"}


# Requests


@pytest.mark.parametrize(
    ("types", "first"),
    [
        ((), None),
        (("signal",), None),
        (("pause", "cancel", "cancel"), 2),
        (("signal", "pause", "resume", "pause"), 2),
        (("resume", "pause"), None),
    ],
)
def test_of_several_commands_the_first_cancel_or_else_the_first_pause_is_obeyed_first(types, first) -> None:
    found = first_to_apply([ControlCommand(n, uuid4(), word) for n, word in enumerate(types, 1)])
    assert (found and found.id) == first


@pytest.mark.parametrize(
    ("words", "command", "expected"),
    [
        (BEGUN, "pause", [(EventType.EXECUTION_PAUSED, None, 0, None)]),
        ((*BEGUN, "paused"), "pause", []),
        ((*BEGUN, "paused"), "resume", [(EventType.EXECUTION_RESUMED, None, 0, None)]),
        (BEGUN, "resume", []),
        ((*BEGUN, "paused"), "cancel", [(EventType.CANCEL_REQUESTED, None, 0, None)]),
        (("created", "cancel", "cancelled"), "pause", []),
        (("created", "cancel", "cancelled"), "resume", []),
        (("created", "cancel", "cancelled"), "signal", []),
        (BEGUN, "rewind", []),
    ],
)
def test_what_a_command_makes_of_an_execution(words, command, expected) -> None:
    drafts = drafts_of_control(state_of(*words), ControlCommand(1, uuid4(), command))
    assert [shown(draft)[:3] for draft in drafts] == [row[:3] for row in expected]


def test_a_signal_goes_into_the_history_with_its_payload_as_it_is() -> None:
    command = ControlCommand(1, uuid4(), "signal", name="approved", payload='{"b":1.0,"a":[]}')
    (draft,) = drafts_of_control(state_of(*BEGUN), command)
    assert draft.type is EventType.SIGNAL_RECEIVED
    assert draft.data is not None
    assert draft.data.text == '{"name":"approved","payload":{"b":1.0,"a":[]}}'


@pytest.mark.parametrize("words", [(*BEGUN, "cancel"), ("created", "cancel", "cancelled")])
def test_a_cancel_changes_nothing_twice(words) -> None:
    assert drafts_of_control(state_of(*words), cancel()) == ()


# Resuming


@pytest.mark.parametrize(
    ("words", "commands", "expected"),
    [
        (("created",), [], [(EventType.EXECUTION_STARTED, None, 0, None)]),
        (("created",), [cancel()], [(EventType.CANCEL_REQUESTED, None, 0, "enough")]),
        (
            ("created",),
            [pause()],
            [(EventType.EXECUTION_STARTED, None, 0, None), (EventType.EXECUTION_PAUSED, None, 0, "")],
        ),
        (BEGUN, [pause()], [(EventType.EXECUTION_PAUSED, None, 0, ""), (EventType.TASK_RETRYING, A, 1, "engine_lost")]),
        ((*BEGUN, "paused"), [], [(EventType.TASK_RETRYING, A, 1, "engine_lost")]),
        (("created", "started"), [], []),
        ((*BEGUN, "a retrying"), [], []),
        (
            BEGUN,
            [],
            [(EventType.TASK_RETRYING, A, 1, "engine_lost"), (EventType.TASK_STARTED, A, 2, None)],
        ),
        (
            (*FORKED, "b completed"),
            [],
            [(EventType.TASK_RETRYING, C, 1, "engine_lost"), (EventType.TASK_STARTED, C, 2, None)],
        ),
        ((*FORKED, "b failed"), [], [(EventType.TASK_CANCELLED, C, 1, "cancelled")]),
        ((*FORKED, "cancel", "b cancelled"), [], [(EventType.TASK_CANCELLED, C, 1, "cancelled")]),
        (
            (*FORKED, "b retrying"),
            [cancel()],
            [(EventType.CANCEL_REQUESTED, None, 0, "enough"), (EventType.TASK_CANCELLED, C, 1, "cancelled")],
        ),
    ],
)
def test_a_new_owner_first_says_what_became_of_the_attempts(words, commands, expected) -> None:
    drafts = drafts_of_resuming(state_of(*words), first_to_apply(commands), NOON, 20)
    assert [shown(draft) for draft in drafts] == expected


# The execution's row


@pytest.mark.parametrize(
    ("before", "words", "change"),
    [
        (ExecutionStatus.PENDING, ("created",), None),
        (ExecutionStatus.PENDING, ("created", "started"), RowChange(ExecutionStatus.RUNNING, at(2))),
        (
            ExecutionStatus.PENDING,
            ("created", "started", "completed"),
            RowChange(ExecutionStatus.COMPLETED, at(2), at(3)),
        ),
        (
            ExecutionStatus.PENDING,
            ("created", "cancel", "cancelled"),
            RowChange(
                ExecutionStatus.CANCELLED, None, at(3), failure='{"code":"cancelled","message":"no longer wanted"}'
            ),
        ),
        (ExecutionStatus.RUNNING, BEGUN, None),
    ],
)
def test_the_row_follows_the_events(before, words, change) -> None:
    assert row_change(before, story(plan_of() if "completed" in words else PLAN, *words)) == change


def test_no_events_change_nothing() -> None:
    assert row_change(ExecutionStatus.RUNNING, ()) is None
