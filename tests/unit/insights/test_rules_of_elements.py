"""The rules about `for_each`, unused tasks, large outputs and full engines."""

from dataclasses import replace
from uuid import UUID

import pytest

from app.domain.definitions import Task
from app.domain.routing import Condition, RouteOutcome
from app.insights.definition import Definition
from app.insights.elements import loads_of, spans_of
from app.insights.rules import capacity, less_concurrency, more_concurrency, never_reached, unread_output
from app.insights.rules.capacity import Fullness
from app.insights.samples import Attempt, Element, Outcome, Sample, TaskRun, TaskSample
from tests.support.samples import NOW, SKIPPED, attempt, execution, run, sample_of, workflow_of

LOOP = Task("each", type="http", id=7, for_each="${input.list}", max_concurrency=4)


def elements_run(at: float, count: int, concurrency: int, seconds: list[float]) -> TaskRun:
    """A run whose elements start in order, each as soon as a place is free."""
    free, found = [at] * concurrency, []
    for index in range(count):
        start = min(free)
        free[free.index(start)] = end = start + seconds[index % len(seconds)]
        found.append(Element(index, end))
    found.sort(key=lambda one: one.ended_at)
    end = max(free)
    return TaskRun((Attempt(1, at, end - at, Outcome.COMPLETED),), Outcome.COMPLETED, end, 0, tuple(found), count)


def loops(count: int = 25, elements: int = 40, slower_when_busy: float = 0.0) -> TaskSample:
    """Runs whose elements take a second, more or less; the last ones have few others beside them."""
    runs = []
    for number in range(count):
        times = [1.0 + ((3 * index + number) % 7) / 20 for index in range(elements)]
        times = [time + (slower_when_busy if index < elements - 4 else 0) for index, time in enumerate(times)]
        runs.append(elements_run(NOW - 86_400 + 900 * number, elements, 4, times))
    return sample_of(LOOP, runs)


def test_the_starts_of_elements_follow_from_the_ends() -> None:
    spans = spans_of(elements_run(0.0, 6, 2, [1.0, 2.0]), 2)
    assert [(span.start, span.end) for span in spans] == [(0, 1), (0, 2), (1, 2), (2, 4), (2, 3), (3, 5)]
    assert loads_of(spans) == [1, 1, 1, 1, 1, 0]


def test_busy_places_are_doubled() -> None:
    found = more_concurrency.look(loops())
    assert found is not None
    assert found.holds, found.evidence
    assert found.patch is not None
    assert found.patch[-1]["value"] == 8
    assert found.prediction["seconds"] < 0.6 * found.prediction["seconds_now"]


def test_elements_that_take_longer_beside_others_are_left_alone() -> None:
    found = more_concurrency.look(loops(slower_when_busy=0.8))
    assert found is not None
    assert not found.holds


def test_few_elements_or_few_runs_say_nothing() -> None:
    assert more_concurrency.look(loops(count=19)) is None
    assert more_concurrency.look(loops(elements=7)) is None


def overloaded(every: int, *, calm_ones_fail: bool) -> TaskSample:
    """Attempts of ten elements, in pairs at the same time and alone by turns; some fail of too much load."""
    runs = []
    for number in range(120):
        is_calm = number % 3 == 0
        at = NOW - 500_000 + 1_000 * number - (0 if number % 3 != 2 else 999)
        fails = number % every == 0 if calm_ones_fail else not is_calm and number % every in (1, 2)
        code = "http_status" if fails else ""
        message = "https://a answered 429 Too Many Requests" if fails else ""
        outcome = Outcome.FAILED if fails else Outcome.COMPLETED
        done = 5 if fails else 10
        elements = tuple(Element(index, at + index / 2) for index in range(done))
        runs.append(TaskRun((Attempt(1, at, 6.0, outcome, code, message),), outcome, at + 6, 0, elements, 10))
    return sample_of(replace(LOOP, max_concurrency=10), runs)


def test_fewer_elements_run_at_a_time_when_load_makes_them_fail() -> None:
    found = less_concurrency.look(overloaded(3, calm_ones_fail=False))
    assert found is not None
    assert found.holds, found.evidence
    assert found.patch is not None
    assert found.patch[-1]["value"] == 7


def test_failures_that_do_not_depend_on_load_are_left_alone() -> None:
    found = less_concurrency.look(overloaded(3, calm_ones_fail=True))
    assert found is not None
    assert not found.holds


def unreached(count: int = 320, days: float = 29.5, reached: int = 0) -> TaskSample:
    runs = [run(attempt(at=NOW)) if number < reached else SKIPPED for number in range(count)]
    return sample_of(Task("b", type="log", id=7), runs, days=days)


def test_a_task_that_never_ran_is_told() -> None:
    of_task = unreached()
    found = never_reached.look(of_task, Definition(of_task.sample.workflow))
    assert found is not None
    assert found.holds
    assert found.patch is None


@pytest.mark.parametrize("options", [{"count": 299}, {"days": 20.0}])
def test_few_executions_or_days_say_nothing(options: dict) -> None:
    of_task = unreached(**options)
    assert never_reached.look(of_task, Definition(of_task.sample.workflow)) is None


def test_a_task_that_ran_once_is_needed() -> None:
    of_task = unreached(reached=1)
    found = never_reached.look(of_task, Definition(of_task.sample.workflow))
    assert found is not None
    assert not found.holds


def test_compensations_and_paths_after_failures_are_expected_not_to_run() -> None:
    of_task = unreached()
    undone = workflow_of(Task("a", type="log", id=6, compensate=("b",)), of_task.task)
    assert never_reached.look(of_task, Definition(undone)) is None
    condition = Condition("c", "a", RouteOutcome.SUCCESS, "end", "b")
    routed = replace(workflow_of(Task("a", type="log", id=6), of_task.task), start_task="a", conditions=(condition,))
    assert never_reached.is_failure_path(routed, of_task.task)


def large(bytes_: int, *, is_used: bool = False, is_last: bool = False) -> object:
    big, other = Task("big", type="http", id=7), "${tasks.big.output.status}" if is_used else "."
    rest = () if is_last else (Task("next", type="log", id=8, sequence=1, config={"message": other}),)
    workflow = workflow_of(big, *rest)
    executions = [execution(n, {7: [run(attempt(), output_bytes=bytes_)]}, NOW - 86_400 + n) for n in range(100)]
    return unread_output.look(TaskSample(big, Sample(workflow, executions, (), NOW)), Definition(workflow))


def test_large_outputs_that_nothing_uses_are_told() -> None:
    found = large(100_000)
    assert found is not None
    assert found.holds  # type: ignore[attr-defined]
    small = large(10_000)
    assert small is not None
    assert not small.holds  # type: ignore[attr-defined]


def test_outputs_that_are_used_or_shown_are_needed() -> None:
    assert large(100_000, is_used=True) is None
    assert large(100_000, is_last=True) is None


def waiting(seconds: float, minutes: float = 20) -> object:
    executions = [
        replace(execution(n, {}, NOW - 1_000 + n), started_at=NOW - 1_000 + n + seconds, id=UUID(int=n + 1))
        for n in range(200)
    ]
    full = Fullness(NOW - 1_100, NOW - 1_100 + 60 * minutes, 3)
    return capacity.look(Sample(workflow_of(LOOP), executions, (), NOW), full)


def test_more_engines_are_needed_when_executions_wait_while_all_are_full() -> None:
    found = waiting(4.0)
    assert found is not None
    assert found.holds  # type: ignore[attr-defined]
    assert found.prediction == {"engines": 4}  # type: ignore[attr-defined]
    short = waiting(0.5)
    assert short is not None
    assert not short.holds  # type: ignore[attr-defined]
    assert waiting(4.0, minutes=14) is None
