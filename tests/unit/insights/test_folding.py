"""Histories as samples, and which executions are looked at for which task."""

from dataclasses import replace
from uuid import UUID

from app.domain.definitions import RetryPolicy, Task
from app.domain.events import EventType
from app.domain.states import ExecutionStatus
from app.insights.folding import StoredEvent, StoredExecution, fold
from app.insights.samples import Execution, Outcome, Sample
from app.insights.shapes import Shapes, shape_of, shape_of_workflow
from tests.support.samples import NOW, workflow_of

ONE = UUID(int=1)
ROW = StoredExecution(ONE, 1, ExecutionStatus.COMPLETED, 0.0, 0.5, 9.0, None, "in")


def event(type: EventType, at: float, attempt: int = 1, **fields: object) -> StoredEvent:
    return StoredEvent(ONE, type, at, 7, attempt, **fields)  # type: ignore[arg-type]


def folded(*events: StoredEvent, row: StoredExecution = ROW) -> Execution:
    return fold([row], events, 20.0)[0]


def test_attempts_with_their_failures() -> None:
    found = folded(
        event(EventType.TASK_STARTED, 1.0),
        event(EventType.TASK_RETRYING, 3.0, code="busy", message="m"),
        event(EventType.TASK_STARTED, 4.0, 2),
        event(EventType.TASK_COMPLETED, 6.5, 2, size=12),
    )
    (run,) = found.runs[7]
    first, second = run.attempts
    assert (first.seconds, first.outcome, first.code, first.message) == (2.0, Outcome.FAILED, "busy", "m")
    assert (second.number, second.seconds, second.outcome) == (2, 2.5, Outcome.COMPLETED)
    assert (run.seconds, run.output_bytes, run.ended_at) == (5.5, 12, 6.5)


def test_attempts_that_were_lost_with_their_engine_say_nothing() -> None:
    found = folded(
        event(EventType.TASK_STARTED, 1.0),
        event(EventType.TASK_RETRYING, 3.0, code="engine_lost"),
        event(EventType.TASK_STARTED, 3.0, 2),
        event(EventType.TASK_FAILED, 6.0, 2, code="engine_lost"),
    )
    assert [attempt.outcome for attempt in found.runs[7][0].attempts] == [Outcome.LOST, Outcome.LOST]


def test_reused_completions_are_left_out() -> None:
    found = folded(event(EventType.TASK_REUSED, 1.0))
    assert (found.runs, found.reused) == ({}, {7})


def test_skipped_tasks_have_no_attempts() -> None:
    (run,) = folded(event(EventType.TASK_SKIPPED, 1.0)).runs[7]
    assert (run.attempts, run.seconds, run.outcome) == ((), 0.0, Outcome.CANCELLED)


def test_what_runs_now_has_run_until_now() -> None:
    (run,) = folded(event(EventType.TASK_STARTED, 1.0), row=ROW._replace(finished_at=None)).runs[7]
    assert (run.outcome, run.attempts[0].outcome, run.attempts[0].seconds) == (Outcome.OPEN, Outcome.OPEN, 19.0)


def test_elements_and_pauses() -> None:
    found = folded(
        event(EventType.TASK_STARTED, 1.0),
        event(EventType.TASK_ITEM_COMPLETED, 2.0, place=1, places=2),
        event(EventType.EXECUTION_PAUSED, 2.5)._replace(task_id=None),
        event(EventType.TASK_ITEM_COMPLETED, 3.0, place=0, places=2),
        event(EventType.TASK_COMPLETED, 3.0),
    )
    assert [(one.index, one.ended_at) for one in found.runs[7][0].elements] == [(1, 2.0), (0, 3.0)]
    assert (found.runs[7][0].element_count, found.was_paused) == (2, True)


def test_a_task_that_is_visited_again_has_a_run_for_each_visit() -> None:
    events = [event(EventType.TASK_STARTED, 1.0), event(EventType.TASK_COMPLETED, 2.0)]
    again = [event(EventType.TASK_STARTED, 3.0), event(EventType.TASK_FAILED, 4.0, code="c")]
    assert [run.outcome for run in folded(*events, *again).runs[7]] == [Outcome.COMPLETED, Outcome.FAILED]


PLAIN = Task("a", type="http", id=7, config={"url": "u"})


def test_a_shape_is_what_an_attempt_depends_on() -> None:
    same = [replace(PLAIN, name="b"), replace(PLAIN, sequence=3), replace(PLAIN, description="d", when="true")]
    others = [
        replace(PLAIN, type="log"),
        replace(PLAIN, config={"url": "v"}),
        replace(PLAIN, retry=RetryPolicy()),
        replace(PLAIN, timeout_seconds=3.0),
        replace(PLAIN, for_each="${input.l}"),
    ]
    assert {shape_of(one) for one in same} == {shape_of(PLAIN)}
    assert len({shape_of(one) for one in (PLAIN, *others)}) == 6


def test_the_shape_of_a_workflow_is_its_work_and_its_order() -> None:
    before = workflow_of(PLAIN)
    assert shape_of_workflow(workflow_of(replace(PLAIN, timeout_seconds=3.0))) == shape_of_workflow(before)
    assert shape_of_workflow(workflow_of(replace(PLAIN, depends_on=()))) != shape_of_workflow(before)
    assert shape_of_workflow(workflow_of(replace(PLAIN, when="true"))) != shape_of_workflow(before)


def test_executions_of_all_revisions_with_the_same_shape_are_looked_at() -> None:
    revisions = {
        1: workflow_of(PLAIN),
        2: workflow_of(replace(PLAIN, timeout_seconds=3.0), revision=2),
        3: workflow_of(replace(PLAIN, name="renamed"), revision=3),
    }
    rows = [ROW._replace(id=UUID(int=number), revision=number) for number in (1, 2, 3)]
    sample = Sample(revisions[3], fold(rows, [], NOW), (), NOW)
    found = Shapes(sample, revisions).of_task(revisions[3].tasks[0])
    assert [one.revision for one in found.sample.executions] == [1, 3]
