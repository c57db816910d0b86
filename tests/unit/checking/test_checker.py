"""Each way in which a stored history can be broken, and what the checker says of it; and that it says nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.checking.findings import Finding, Rule
from app.checking.history import CLOCK_TOLERANCE, HistoryCheck
from app.checking.task_order import task_order
from app.domain.definitions import OnFailure
from app.domain.events import Event, EventType
from app.domain.states import ExecutionStatus
from tests.support.checked_histories import BEGUN, BOTH, DONE, FORKED, ID, ORDER, events_of, found, row_of, told
from tests.support.histories import NOON, at
from tests.support.stories import parallel, plan_of, story, sync, workflow_of


@pytest.mark.parametrize(
    "words",
    [
        ("created",),
        BEGUN,
        FORKED,
        DONE,
        ("created", "cancel", "cancelled"),
        (*BEGUN, "a progressed", "a retrying", "a started", "a lost", "a started", "a completed"),
        (*BEGUN, "paused", "a completed", "resumed", "b started"),
        (*BEGUN, "paused", "cancel", "a cancelled", "cancelled"),
        (*BEGUN, "a failed", "failed"),
        (*FORKED, "c failed", "d completed", "failed"),
        (*FORKED, "c failed", "d failed", "failed"),
        (*FORKED, "cancel", "c cancelled", "d cancelled", "cancelled"),
        (*BEGUN, "a retrying", "cancel", "a cancelled", "cancelled"),
    ],
)
def test_histories_in_which_nothing_is_wrong(words: Sequence[str]) -> None:
    assert told(events_of(*words)) == []


@pytest.mark.parametrize(
    ("words", "sequence", "rule", "sentence"),
    [
        (("created", "started", "created"), 3, Rule.OPENING, "event 3 is execution_created"),
        (("cancel", "cancelled"), 1, Rule.OPENING, "event 1 is cancel_requested"),
        (("created", "cancel", "failed"), 3, Rule.EXECUTION_TRANSITION, "pending becomes failed"),
        ((*DONE, "failed"), 14, Rule.AFTER_THE_END, "execution_failed follows execution_completed"),
        ((*DONE, "cancel"), 14, Rule.AFTER_THE_END, "cancel_requested follows execution_completed"),
        ((*BEGUN, "a failed", "a failed", "failed"), 5, Rule.TASK_TRANSITION, "task 'a' is failed at task_failed"),
        ((*BEGUN, "a retrying", "a completed"), 5, Rule.TASK_TRANSITION, "task 'a' is retrying at task_completed"),
        ((*BEGUN, "a retrying", "a progressed"), 5, Rule.TASK_TRANSITION, "task 'a' is retrying at task_progressed"),
        ((*BEGUN, "a started"), 4, Rule.TASK_TRANSITION, "task 'a' is running at task_started"),
        (("created", "started", "a completed"), 3, Rule.TASK_TRANSITION, "task 'a' is pending at task_completed"),
        ((*BOTH, "b completed"), 7, Rule.COMPLETED_TWICE, "task 'b' completed before"),
        ((*BOTH, "b started"), 7, Rule.TASK_TRANSITION, "task 'b' is completed at task_started"),
        (
            (*FORKED, "c failed", "failed"),
            10,
            Rule.OPEN_AT_THE_END,
            "task 'd' is still running at execution_failed",
        ),
        (
            (*BEGUN, "a retrying", "cancel", "cancelled"),
            6,
            Rule.OPEN_AT_THE_END,
            "task 'a' is still retrying at execution_cancelled",
        ),
        ((*DONE[:10], "completed"), 11, Rule.INCOMPLETE, "execution_completed comes without 'e'"),
        ((*FORKED, "c completed", "e started"), 10, Rule.DEPENDENCY, "task 'e' starts before 'd' has completed"),
        (
            (*BEGUN, "a completed", "c started"),
            5,
            Rule.DEPENDENCY,
            "task 'c' starts before 'b' has completed",
        ),
        (
            (*BEGUN, "b started"),
            4,
            Rule.OVERLAP,
            "task 'b' starts while 'a' runs, a sync task of the same group",
        ),
        (
            (*BEGUN, "a retrying", "b started"),
            5,
            Rule.OVERLAP,
            "task 'b' starts while 'a' runs, a sync task of the same group",
        ),
        (
            (*FORKED[:-1], "cancel", "d started"),
            9,
            Rule.STARTED_WHILE_STOPPING,
            "task 'd' starts after a cancel was requested",
        ),
        (
            (*FORKED[:-1], "c failed", "d started"),
            9,
            Rule.STARTED_WHILE_STOPPING,
            "task 'd' starts after task 'c' failed",
        ),
        (
            (*FORKED, "c retrying", "d failed", "c started"),
            11,
            Rule.STARTED_WHILE_STOPPING,
            "task 'c' starts after task 'd' failed",
        ),
    ],
)
def test_broken_histories(words: Sequence[str], sequence: int, rule: Rule, sentence: str) -> None:
    assert told(events_of(*words)) == [(sequence, rule, sentence)]


UNDOING = (
    sync("pay", compensate=("refund",)),
    sync("book", compensate=("unbook",), on_failure=OnFailure.CONTINUE),
    sync("ship", 1),
    sync("refund"),
    sync("unbook"),
)
PAID = ("created", "started", "pay started", "pay completed")
BOOKED = (*PAID, "book started", "book completed")
FAILED = (*BOOKED, "ship started", "ship failed")
UNDONE = (*FAILED, "unbook started", "unbook completed", "refund started", "refund completed", "failed")


def told_of_undoing(*words: str) -> list[tuple[int, Rule, str]]:
    events = story(plan_of(*UNDOING), *words)
    ends_well = EventType.EXECUTION_COMPLETED
    events = [event._replace(progress_percent=100) if event.type is ends_well else event for event in events]
    findings = found(events, row_of(events), task_order(workflow_of(*UNDOING)))
    return [(finding.sequence, finding.rule, finding.sentence) for finding in findings]


@pytest.mark.parametrize(
    "words",
    [
        UNDONE,
        (*BOOKED, "ship started", "ship completed", "completed"),
        (*PAID, "book started", "book failed", "ship started", "ship completed", "completed"),
        (*PAID, "ship skipped", "book skipped", "completed"),
        (*PAID, "failing", "refund started", "refund failed", "failed"),
        (*PAID, "cancel", "refund skipped", "cancelled"),
        (*FAILED, "paused", "resumed", *UNDONE[len(FAILED):]),
        ("created", "pay reused", "book skipped", "started", "ship started", "ship completed", "completed"),
    ],
)  # fmt: skip
def test_undoing_skipping_and_taking_over_with_nothing_wrong(words: Sequence[str]) -> None:
    assert told_of_undoing(*words) == []


@pytest.mark.parametrize(
    ("words", "sequence", "rule", "sentence"),
    [
        ((*PAID, "refund started"), 5, Rule.COMPENSATION, "task 'refund' undoes a task although the execution goes on"),
        (
            (*PAID, "book started", "cancel", "refund started"),
            7,
            Rule.COMPENSATION,
            "task 'refund' starts while 'book' has not ended",
        ),
        (
            (*FAILED, "refund started", "refund completed", "unbook started", "unbook completed", "failed"),
            9,
            Rule.COMPENSATION,
            "task 'refund' starts, and it is the turn of 'unbook'",
        ),
        (
            ("created", "started", "cancel", "refund started"),
            4,
            Rule.COMPENSATION,
            "task 'refund' starts, and nothing is to be undone",
        ),
        ((*FAILED, "failed"), 9, Rule.INCOMPLETE, "execution_failed comes without 'refund', 'unbook'"),
        ((*PAID, "cancel", "cancelled"), 6, Rule.INCOMPLETE, "execution_cancelled comes without 'refund'"),
        ((*PAID, "book skipped", "completed"), 6, Rule.INCOMPLETE, "execution_completed comes without 'ship'"),
        ((*PAID, "failing", "book started"), 6, Rule.STARTED_WHILE_STOPPING,
         "task 'book' starts after the execution began to fail"),
        ((*PAID, "book reused"), 5, Rule.REUSE, "task 'book' is taken over after the execution began"),
        (("created", "book reused"), 2, Rule.DEPENDENCY, "task 'book' starts before 'pay' has completed"),
        ((*PAID, "pay skipped"), 5, Rule.TASK_TRANSITION, "task 'pay' is completed at task_skipped"),
    ],
)  # fmt: skip
def test_broken_undoing(words: Sequence[str], sequence: int, rule: Rule, sentence: str) -> None:
    assert told_of_undoing(*words) == [(sequence, rule, sentence)]


@dataclass(frozen=True, slots=True)
class Changed:
    """Event number `at` of `words` is stored with other values."""

    words: Sequence[str]
    at: int
    values: dict[str, Any]

    def events(self) -> list[Event]:
        events = events_of(*self.words)
        events[self.at - 1] = events[self.at - 1]._replace(**self.values)
        return events


PAUSED = ExecutionStatus.PAUSED
BACK = at(7) - CLOCK_TOLERANCE - timedelta(milliseconds=1_500)


@pytest.mark.parametrize(
    ("changed", "rule", "sentence"),
    [
        (Changed(BEGUN, 3, {"sequence": 4}), Rule.NUMBERING, "event 4 follows event 2"),
        (Changed(BEGUN, 3, {"attempt": 2}), Rule.ATTEMPT, "attempt 2 of task 'a' starts after attempt 0"),
        (
            Changed((*BEGUN, "a completed"), 4, {"attempt": 2}),
            Rule.ATTEMPT,
            "task_completed is of attempt 2 of task 'a' during 1",
        ),
        (
            Changed((*BEGUN, "a retrying", "a started"), 5, {"attempt": 1}),
            Rule.ATTEMPT,
            "attempt 1 of task 'a' starts after attempt 1",
        ),
        (Changed(BEGUN, 3, {"task_id": 999}), Rule.UNKNOWN_TASK, "the revision has no task with the id 999"),
        (Changed(BEGUN, 3, {"task_id": None}), Rule.UNKNOWN_TASK, "task_started names no task"),
        (
            Changed(BEGUN, 3, {"status": PAUSED}),
            Rule.STARTED_WHILE_NOT_RUNNING,
            "task 'a' starts while the execution is paused",
        ),
        (
            Changed((*BEGUN, "a completed"), 4, {"status": ExecutionStatus.FAILED}),
            Rule.ENDING,
            "task_completed has the status failed",
        ),
        (
            Changed(DONE, 13, {"status": ExecutionStatus.FAILED}),
            Rule.ENDING,
            "execution_completed has the status failed",
        ),
        (
            Changed(DONE, 13, {"status": ExecutionStatus.RUNNING}),
            Rule.ENDING,
            "execution_completed has the status running",
        ),
        (
            Changed((*BEGUN, "a completed"), 4, {"status": ExecutionStatus.PENDING}),
            Rule.EXECUTION_TRANSITION,
            "running becomes pending",
        ),
        (
            Changed((*DONE[:8], "c progressed"), 9, {"progress_percent": 0}),
            Rule.PROGRESS,
            "progress falls from 40 to 0 percent",
        ),
        (
            Changed(DONE, 13, {"progress_percent": 90}),
            Rule.PROGRESS,
            "progress is 90 percent when the execution has completed",
        ),
        (Changed(FORKED, 8, {"occurred_at": BACK}), Rule.CLOCK, "it occurred 6.500 seconds before the event before it"),
    ],
)
def test_broken_events(changed: Changed, rule: Rule, sentence: str) -> None:
    events = changed.events()
    if rule is Rule.PROGRESS:
        events = [e._replace(progress_percent=40) if 3 < e.sequence < changed.at else e for e in events]
    row = row_of(events_of(*changed.words), status=_status_told_by(events))
    assert [(f.rule, f.sentence) for f in found(events, row)] == [(rule, sentence)]


def _status_told_by(events: Sequence[Event]) -> str:
    check = HistoryCheck(ID, ORDER)
    for event in events:
        check.take(event)
    return check.status


def test_without_its_revision_a_history_is_checked_as_far_as_possible() -> None:
    events = events_of(*BOTH, "b completed")
    rules = [finding.rule for finding in found(events, row_of(events), order=None)]
    assert rules == [Rule.COMPLETED_TWICE, Rule.NO_REVISION]


def test_an_async_task_and_one_with_dependencies_may_overlap_with_sync_tasks() -> None:
    tasks = (sync("a"), sync("b", depends_on=()), parallel("c", depends_on=()))
    events = story(plan_of(*tasks), "created", "started", "a started", "b started", "c started")
    assert found(events, row_of(events), task_order(workflow_of(*tasks))) == []


@dataclass(frozen=True, slots=True)
class Newer:
    """An event as a newer program may have stored it."""

    sequence: int
    type: str
    status: str
    task_id: int | None = None
    occurred_at: datetime = NOON
    progress_percent: int = 0
    attempt: int = 0
    data: str | None = None


def test_words_of_a_newer_program_pass() -> None:
    events = [
        *events_of(*BEGUN),
        Newer(4, "task_dreamt", "running", 101),
        Newer(5, "execution_dreamt", "dreaming"),
        Newer(6, "execution_woken", "running"),
        *(event._replace(sequence=7) for event in events_of(*BEGUN, "a completed")[3:]),
    ]
    assert found(events, row_of(events_of(*BEGUN))) == []


def test_a_finding_is_one_line_and_a_difference_of_clocks_a_warning() -> None:
    assert str(Finding(ID, 4, Rule.ROW, "broken")) == f"{ID} 4 row: broken"
    assert str(Finding(ID, 4, Rule.CLOCK, "early")) == f"{ID} 4 clock: warning: early"
    assert [rule for rule in Rule if rule.is_warning] == [Rule.CLOCK, Rule.FAMILY_SIZE]
