"""What an execution that follows conditions does next: branches, loops, their bounds, and its ends."""

import pytest

from app.checking.findings import Rule
from app.checking.history import HistoryCheck
from app.checking.task_order import task_order
from app.domain.definitions import RetryPolicy
from app.domain.events import Event, EventType
from app.domain.executions import Failure
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.deciding.decider import Finish, StartTask, decide
from app.engine.deciding.drafts import Draft, take
from app.engine.deciding.outputs import Outputs
from app.engine.deciding.state import IllegalHistory, fold
from app.engine.deciding.transitions import drafts_of_control
from app.engine.planning.plan import compile_plan
from app.engine.ports import SKIP, ControlCommand
from tests.support.checked_histories import ID
from tests.support.histories import NOON
from tests.support.routed import routed
from tests.support.stories import story

FLOW = routed("a b c", "a success b c", "b failure a end", "c any a end", max_visits=3)
PLAN = compile_plan(FLOW)
A, B, C = range(3)
COMPLETED = Finish(ExecutionStatus.COMPLETED)
BEGUN = ("created", "started")
AGAIN = (*BEGUN, "a started", "a completed", "b started", "b failed")
THRICE = (*AGAIN, *AGAIN[2:], *AGAIN[2:])


def failed(code: str, message: str) -> Finish:
    return Finish(ExecutionStatus.FAILED, Failure(code, message))


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        (BEGUN, [StartTask(A)]),
        ((*BEGUN, "a started"), []),
        ((*BEGUN, "a started", "a retrying"), []),
        ((*BEGUN, "a started", "a completed"), [StartTask(B)]),
        ((*BEGUN, "a started", "a failed"), [StartTask(C)]),
        ((*BEGUN, "a skipped"), [StartTask(B)]),
        ((*BEGUN, "a started", "a completed", "paused"), []),
        ((*BEGUN, "a started", "a completed", "paused", "resumed"), [StartTask(B)]),
        ((*BEGUN, "a started", "a completed", "b started", "b completed"), [COMPLETED]),
        ((*BEGUN, "a started", "a completed", "b started", "b skipped"), [COMPLETED]),
        (AGAIN, [StartTask(A)]),
        ((*AGAIN, "a started", "a failed"), [StartTask(C)]),
        ((*AGAIN, "a started", "a failed", "c started", "c failed"), [StartTask(A)]),
        ((*AGAIN, "a skipped"), [StartTask(B)]),
        (THRICE, [failed("too_many_visits", "task 'a' has run 3 times, which is the limit (max_visits)")]),
        ((*AGAIN, "cancel"), [Finish(ExecutionStatus.CANCELLED, Failure("cancelled", "no longer wanted"))]),
    ],
)
def test_decisions(words: tuple[str, ...], commands: list) -> None:
    assert list(decide(fold(PLAN, story(PLAN, *words)))) == commands


@pytest.mark.parametrize(
    ("condition", "word", "command"),
    [
        (None, "completed", COMPLETED),
        (None, "failed", failed("broken", "task 'a' failed: it broke")),
        (None, "skipped", COMPLETED),
        ("a success end end", "failed", failed("broken", "task 'a' failed: it broke")),
        ("a failure end a", "failed", failed("broken", "task 'a' failed: it broke")),
        ("a any end end", "failed", failed("broken", "task 'a' failed: it broke")),
        ("a failure a end", "completed", COMPLETED),
        ("a any end end", "completed", COMPLETED),
    ],
)
def test_how_an_execution_ends(condition: str | None, word: str, command: Finish) -> None:
    plan = compile_plan(routed("a", *([condition] if condition else [])))
    assert list(decide(fold(plan, story(plan, *BEGUN, "a started", f"a {word}")))) == [command]


def test_a_failure_that_was_followed_by_a_success_is_none() -> None:
    plan = compile_plan(routed("a b", "a failure b end"))
    state = fold(plan, story(plan, *BEGUN, "a started", "a failed", "b started", "b completed"))
    assert list(decide(state)) == [COMPLETED]


def test_a_new_visit_begins_with_a_whole_retry_policy() -> None:
    plan = compile_plan(routed("a", "a failure a end", retry=RetryPolicy(max_attempts=3)))
    once = (*BEGUN, "a started", "a retrying", "a started", "a lost", "a started")
    state = fold(plan, story(plan, *once, "a failed", "a started"))
    task = state.tasks[A]
    assert (task.attempt, task.failures, task.lost, task.status) == (4, 0, 0, TaskStatus.RUNNING)
    assert task.first_started_at == story(plan, *once, "a failed", "a started")[-1].occurred_at


def test_an_output_stays_until_its_task_completes_anew() -> None:
    state = fold(PLAN, story(PLAN, *AGAIN, "a started"))
    assert dict(Outputs(state, A)) == {"a": {"done": True}, "b": None}
    state = fold(PLAN, story(PLAN, *AGAIN, "a skipped"))
    assert dict(Outputs(state, B)) == {"a": None, "b": None}


def test_the_output_is_that_of_the_last_task_that_completed() -> None:
    state = fold(PLAN, story(PLAN, *BEGUN, "a started", "a completed", "b started", "b skipped"))
    assert state.course.output(100) == '{"done":true}'
    assert fold(PLAN, story(PLAN, *BEGUN, "a skipped", "b skipped")).course.output(100) is None


@pytest.mark.parametrize("word", ["b started", "c skipped", "a completed", "a reused"])
def test_only_the_task_whose_turn_it_is_may_begin(word: str) -> None:
    with pytest.raises(IllegalHistory):
        fold(PLAN, story(PLAN, *AGAIN, word))


@pytest.mark.parametrize(
    ("words", "name", "skips"),
    [
        (BEGUN, "a", True),
        (BEGUN, "b", False),
        (AGAIN, "a", True),
        (AGAIN, "b", False),
        (AGAIN, "c", False),
        ((*AGAIN, "a started", "a retrying"), "a", True),
        ((*AGAIN, "a started"), "b", False),
    ],
)
def test_only_the_task_whose_turn_it_is_can_be_skipped(words: tuple[str, ...], name: str, skips: bool) -> None:
    state = fold(PLAN, story(PLAN, *words))
    drafts = drafts_of_control(state, ControlCommand(1, ID, SKIP, "enough", name))
    assert [(draft.type, draft.index) for draft in drafts] == ([(EventType.TASK_SKIPPED, A)] if skips else [])


def test_progress_counts_each_task_once_and_reaches_the_end_at_the_end_only() -> None:
    state = fold(PLAN, ())
    percents = []
    again = (
        "a started",
        "a failed",
        "c started",
        "c completed",
        "a started",
        "a completed",
        "b started",
        "b completed",
    )
    for event in story(PLAN, *AGAIN, *again, "completed"):
        draft = Draft(event.type, PLAN.index_of.get(event.task_id or 0), event.attempt, event.data)
        percents.append(take(state, draft, NOON).progress_percent)
    assert percents == [0, 0, 0, 33, 33, 66, 66, 66, 66, 99, 99, 99, 99, 99, 100]


# The checker


def found(*words: str, workflow=FLOW) -> list[tuple[int, Rule, str]]:
    plan, check = compile_plan(workflow), HistoryCheck(ID, task_order(workflow))
    for event in story(plan, *words):
        check.take(whole(event))
    return [(finding.sequence, finding.rule, finding.sentence) for finding in check.found]


def whole(event: Event) -> Event:
    return event._replace(progress_percent=100) if event.type is EventType.EXECUTION_COMPLETED else event


@pytest.mark.parametrize(
    "words",
    [
        AGAIN,
        (*BEGUN, "a started", "a completed", "b started", "b completed", "completed"),
        (*BEGUN, "a started", "a retrying", "a started", "a lost", "a started", "a completed", "b started"),
        (*AGAIN, "a started", "a completed", "b started", "b completed", "completed"),
        (*AGAIN, "paused", "a skipped", "resumed", "b started", "b skipped", "completed"),
        (*THRICE, "failed"),
        (*AGAIN, "cancel", "cancelled"),
        (*AGAIN, "failing", "failed"),
        (*AGAIN, "a started", "cancel", "a cancelled", "cancelled"),
    ],
)
def test_histories_in_which_nothing_is_wrong(words: tuple[str, ...]) -> None:
    assert found(*words) == []


@pytest.mark.parametrize(
    ("words", "sequence", "rule", "sentence"),
    [
        ((*BEGUN, "b started"), 3, Rule.DEPENDENCY, "task 'b' starts although it is the turn of task 'a'"),
        (
            (*BEGUN, "a started", "a completed", "c started"),
            5,
            Rule.DEPENDENCY,
            "task 'c' starts although it is the turn of task 'b'",
        ),
        (
            (*BEGUN, "a started", "a completed", "a started"),
            5,
            Rule.DEPENDENCY,
            "task 'a' starts although it is the turn of task 'b'",
        ),
        (
            (*BEGUN, "a started", "a completed", "b started", "b completed", "a started"),
            7,
            Rule.DEPENDENCY,
            "task 'a' starts although the execution is to end",
        ),
        ((*BEGUN, "a started", "b started"), 4, Rule.OVERLAP, "task 'b' starts while 'a' has not ended"),
        ((*AGAIN, "a completed"), 7, Rule.COMPLETED_TWICE, "task 'a' completed before"),
        (
            (*THRICE, "a started"),
            15,
            Rule.STARTED_WHILE_STOPPING,
            "task 'a' starts after task 'a' had its 3 visits",
        ),
        (
            (*AGAIN, "completed"),
            7,
            Rule.INCOMPLETE,
            "execution_completed comes although it is the turn of task 'a'",
        ),
        (
            (*AGAIN, "failed"),
            7,
            Rule.INCOMPLETE,
            "execution_failed comes although it is the turn of task 'a'",
        ),
        (
            (*BEGUN, "a started", "a completed", "b started", "b completed", "failed"),
            7,
            Rule.INCOMPLETE,
            "execution_failed comes although nothing has failed",
        ),
        (
            (*BEGUN, "a started", "a completed", "b started", "b cancelled", "completed"),
            7,
            Rule.INCOMPLETE,
            "execution_completed comes after task 'b' cancelled",
        ),
        (
            (*AGAIN, "cancel", "a started"),
            8,
            Rule.STARTED_WHILE_STOPPING,
            "task 'a' starts after a cancel was requested",
        ),
    ],
)
def test_broken_histories(words: tuple[str, ...], sequence: int, rule: Rule, sentence: str) -> None:
    assert found(*words) == [(sequence, rule, sentence)]


def test_a_completion_after_the_last_failure_is_found() -> None:
    alone = routed("a")
    words = (*BEGUN, "a started", "a failed", "completed")
    assert found(*words, workflow=alone) == [(5, Rule.INCOMPLETE, "execution_completed comes after task 'a' failed")]


def test_an_attempt_that_is_counted_from_one_again_is_found() -> None:
    events = story(PLAN, *AGAIN, "a started")
    check = HistoryCheck(ID, task_order(FLOW))
    for event in (*events[:-1], events[-1]._replace(attempt=1)):
        check.take(event)
    sentence = "attempt 1 of task 'a' starts after attempt 1"
    assert [(each.sequence, each.rule, each.sentence) for each in check.found] == [(7, Rule.ATTEMPT, sentence)]
