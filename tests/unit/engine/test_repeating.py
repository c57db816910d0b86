"""What a retry or rerun takes over of an ended execution, and the events that say so."""

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.definitions import OnFailure, RetryPolicy, Task
from app.domain.events import Event, EventType
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.deciding.state import ExecutionState, fold
from app.engine.planning.plan import Plan
from app.engine.repeating import Origin, first_events, taken_over
from tests.support.histories import at
from tests.support.stories import parallel, plan_of, story, sync

ORIGIN = UUID("01990000-0000-7000-8000-000000000001")
CHAIN = plan_of(sync("a"), sync("b"), sync("c"))
FORK = plan_of(sync("a"), parallel("b", 1), parallel("c", 1), sync("d", 2))
UNDOABLE = plan_of(sync("a", compensate=("undo a",)), sync("b"), sync("undo a"))
TOLERANT = plan_of(sync("a", on_failure=OnFailure.CONTINUE), sync("b"))


def began(*words: str) -> tuple[str, ...]:
    return ("created", "started", *words)


def done(*names: str) -> tuple[str, ...]:
    return tuple(f"{name} {word}" for name in names for word in ("started", "completed"))


def names(plan: Plan, indices: Iterable[int]) -> set[str]:
    return {plan.tasks[index].name for index in indices}


def taken(plan: Plan, words: Sequence[str], from_task: str | None = None) -> set[str]:
    from_index = None if from_task is None else plan.index_named[from_task]
    return names(plan, taken_over(fold(plan, story(plan, *words)), from_index))


def repeated(plan: Plan, history: Sequence[Event], from_task: str | None = None) -> Sequence[Event]:
    from_index = None if from_task is None else plan.index_named[from_task]
    return first_events(plan, Origin(ORIGIN, plan, history, fold(plan, history)), from_index, at(100))


FAILED_LAST = began(*done("a", "b"), "c started", "c failed", "failed")
FORK_FAILED = began(*done("a"), "b started", "c started", "c completed", "b failed", "failed")
COMPLETED = began(*done("a", "b", "c"), "completed")


@pytest.mark.parametrize(
    ("plan", "words", "from_task", "expected"),
    [
        (CHAIN, FAILED_LAST, None, {"a", "b"}),
        (CHAIN, ("created", "cancel", "cancelled"), None, set()),
        (CHAIN, began("a started", "a failed", "failed"), None, set()),
        (CHAIN, began(*done("a"), "b started", "cancel", "b cancelled", "cancelled"), None, {"a"}),
        (FORK, FORK_FAILED, None, {"a", "c"}),
        (CHAIN, COMPLETED, "b", {"a"}),
        (CHAIN, COMPLETED, "a", set()),
        (CHAIN, COMPLETED, "c", {"a", "b"}),
        (FORK, FORK_FAILED, "c", {"a"}),
        (FORK, FORK_FAILED, "d", {"a", "c"}),
        (CHAIN, FAILED_LAST, "c", {"a", "b"}),
        (CHAIN, began("a skipped", *done("b"), "c started", "c failed", "failed"), None, {"a", "b"}),
        (CHAIN, began("b skipped", "a started", "a failed", "failed"), None, set()),
        (CHAIN, began("b skipped", *done("a"), "c started", "c failed", "failed"), None, {"a", "b"}),
        (TOLERANT, began("a started", "a failed", "b started", "b failed", "failed"), None, {"a"}),
        (UNDOABLE, began(*done("a"), "b started", "b failed", *done("undo a"), "failed"), None, set()),
        (UNDOABLE, began(*done("a"), "b started", "b failed", "undo a skipped", "failed"), None, {"a"}),
    ],
)
def test_what_is_taken_over(plan: Plan, words: Sequence[str], from_task: str | None, expected: set[str]) -> None:
    assert taken(plan, words, from_task) == expected


def test_what_a_compensation_has_begun_to_undo_is_run_again_and_so_is_all_behind_it() -> None:
    plan = plan_of(sync("a", compensate=("undo a",)), sync("b"), sync("c"), sync("undo a"))
    words = began(*done("a", "b"), "c started", "c failed", "undo a started", "undo a failed", "failed")

    assert taken(plan, words) == set()


@pytest.mark.parametrize(
    "undoing",
    [
        ("undo b started", "undo b skipped"),
        ("undo b started", "undo b retrying", "undo b skipped"),
        ("undo b skipped", "also undo b started", "also undo b skipped"),
        ("undo b started", "undo b failed", "also undo b skipped"),
    ],
)
def test_what_is_half_undone_is_run_again_although_the_rest_of_the_undoing_was_skipped(undoing: Sequence[str]) -> None:
    plan = plan_of(
        sync("a", compensate=("undo a",)),
        sync("b", compensate=("undo b", "also undo b"), retry=RetryPolicy(max_attempts=3)),
        sync("c"),
        sync("undo a"),
        sync("undo b", retry=RetryPolicy(max_attempts=3)),
        sync("also undo b"),
    )
    begun = began(*done("a", "b"), "c started", "c failed")
    assert taken(plan, (*begun, "undo b skipped", "also undo b skipped", "undo a skipped", "failed")) == {"a", "b"}
    rest = [] if any(word.startswith("also") for word in undoing) else ["also undo b skipped"]
    assert taken(plan, (*begun, *undoing, *rest, "undo a skipped", "failed")) == {"a"}


def test_the_completions_come_in_their_order_while_the_execution_is_pending() -> None:
    events = repeated(
        FORK, story(FORK, *began(*done("a", "c"), "b started", "b completed", "d started", "d failed", "failed"))
    )

    assert [(event.type, event.task_id) for event in events] == [
        (EventType.EXECUTION_CREATED, None),
        (EventType.TASK_REUSED, 101),
        (EventType.TASK_REUSED, 103),
        (EventType.TASK_REUSED, 102),
    ]
    assert {(event.status, event.attempt, event.occurred_at) for event in events} == {
        (ExecutionStatus.PENDING, 0, at(100))
    }
    assert [event.progress_percent for event in events] == [0, 25, 50, 75]


def test_the_order_is_that_of_the_history_and_not_of_the_clocks() -> None:
    history = story(FORK, *FORK_FAILED)
    turned = [event._replace(occurred_at=at(50 - event.sequence)) for event in history]

    assert [event.task_id for event in repeated(FORK, turned)] == [None, 101, 103]


def test_an_output_is_taken_over_byte_for_byte() -> None:
    output = '{ "n": 1.0, "big": 12345678901234567890,  "text": "\\u00fc" }'
    history = [
        event._replace(data=output) if event.type is EventType.TASK_COMPLETED else event
        for event in story(CHAIN, *FAILED_LAST)
    ]
    assert [event.data for event in repeated(CHAIN, history)[1:]] == [output, output]

    without = [event._replace(data=None) if event.data == output else event for event in history]
    assert [event.data for event in repeated(CHAIN, without)[1:]] == [None, None]


def test_the_first_event_names_the_origin_and_the_task() -> None:
    assert json.loads(repeated(CHAIN, story(CHAIN, *FAILED_LAST))[0].data or "") == {
        "origin_id": str(ORIGIN),
        "from_task": None,
    }
    first = repeated(CHAIN, story(CHAIN, *COMPLETED), "b")[0]
    assert json.loads(first.data or "") == {"origin_id": str(ORIGIN), "from_task": "b"}


def test_what_was_skipped_or_tolerated_is_skipped_again_and_says_why() -> None:
    skipped = repeated(CHAIN, story(CHAIN, *began("a skipped", "b started", "b failed", "failed")))
    tolerated = repeated(TOLERANT, story(TOLERANT, *began("a started", "a failed", "b started", "b failed", "failed")))

    for events, message in (
        (skipped, f"skipped in execution {ORIGIN}"),
        (tolerated, f"failed in execution {ORIGIN}, which went on without it"),
    ):
        assert [event.type for event in events] == [EventType.EXECUTION_CREATED, EventType.TASK_SKIPPED]
        assert (json.loads(events[1].data or ""), events[1].attempt) == ({"message": message}, 0)


def test_a_retry_can_be_retried() -> None:
    first = repeated(CHAIN, story(CHAIN, *FAILED_LAST))
    rest = story(CHAIN, "started", "c started", "c failed", "failed")
    history = [*first, *(event._replace(sequence=len(first) + event.sequence) for event in rest)]

    assert [(event.type, event.task_id, event.data) for event in repeated(CHAIN, history)[1:]] == [
        (EventType.TASK_REUSED, 101, '{"done":true}'),
        (EventType.TASK_REUSED, 102, '{"done":true}'),
    ]


def test_the_next_tasks_are_those_behind_what_was_taken_over() -> None:
    assert names(FORK, fold(FORK, repeated(FORK, story(FORK, *FORK_FAILED))).ready) == {"b"}
    everything = began(*done("a", "b"), "c skipped", "cancel", "cancelled")
    state = fold(CHAIN, repeated(CHAIN, story(CHAIN, *everything)))
    assert (list(state.ready), state.course.done) == ([], 3)


def test_a_completion_that_was_taken_over_can_be_undone() -> None:
    plan = plan_of(sync("a", compensate=("undo a",)), sync("b"), sync("undo a"))
    events = repeated(plan, story(plan, *began(*done("a", "b"), "completed")), "b")

    assert names(plan, fold(plan, events).to_undo) == {"a"}


@st.composite
def ended(draw: st.DrawFn) -> tuple[Plan, list[Event]]:
    """Any graph of up to eight tasks, of which some were skipped, some failed, and the others waited."""
    tasks: list[Task] = []
    for number in range(draw(st.integers(1, 8))):
        before = draw(st.sets(st.sampled_from([task.name for task in tasks]))) if tasks else set()
        tolerance = draw(st.sampled_from(OnFailure))
        tasks.append(sync(f"t{number}", depends_on=tuple(sorted(before)), on_failure=tolerance))
    words, passed, before_task = ["created", "started"], set[str](), ancestors(tasks)
    for task in draw(st.permutations(tasks)):
        ready = before_task[task.name] <= passed
        end = draw(st.sampled_from(["completed", "failed", "skipped"] if ready else ["skipped", "never"]))
        words += [] if end in ("never", "skipped") else [f"{task.name} started"]
        words += [] if end == "never" else [f"{task.name} {end}"]
        if end in ("completed", "skipped") or (end == "failed" and task.on_failure is OnFailure.CONTINUE):
            passed.add(task.name)
        elif end == "failed":
            break
    plan = plan_of(*tasks)
    return plan, story(plan, *words, "cancel", "cancelled")


def ancestors(tasks: Sequence[Task]) -> dict[str, set[str]]:
    """Whatever a task waits for, however far before it: a task that was skipped before its turn holds others up."""
    found: dict[str, set[str]] = {}
    for task in tasks:
        found[task.name] = set(task.depends_on or ()).union(*(found[name] for name in task.depends_on or ()))
    return found


@pytest.mark.slow
@given(ended(), st.data())
def test_exactly_what_stands_on_completions_alone_is_taken_over(found: tuple[Plan, list[Event]], data: st.DataObject):
    plan, history = found
    from_task = data.draw(st.none() | st.sampled_from([task.name for task in plan.tasks]))

    events = repeated(plan, history, from_task)

    state = fold(plan, events)
    got = [index for index, task in enumerate(state.tasks) if task.status is not TaskStatus.PENDING]
    assert set(got) == _standing(plan, fold(plan, history), from_task)
    ends = [event.task_id for event in history if event.task_id and event.type is not EventType.TASK_STARTED]
    assert [event.task_id for event in events[1:]] == [i for i in ends if plan.index_of[i or 0] in got]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))


def _standing(plan: Plan, origin: ExecutionState, from_task: str | None) -> set[int]:
    """The same by another way: drop what did not pass, then whatever waits for something dropped, to the end."""
    standing = {
        index
        for index, task in enumerate(origin.tasks)
        if task.status in (TaskStatus.COMPLETED, TaskStatus.SKIPPED)
        or (task.status is TaskStatus.FAILED and plan.tasks[index].may_fail)
    }
    standing -= set() if from_task is None else {plan.index_named[from_task]}
    dropped = set(range(len(plan.tasks))) - standing
    while dropped:
        behind = {after for node in dropped for after in plan.graph.successors[node]} & standing
        standing -= behind
        dropped = behind
    return standing
