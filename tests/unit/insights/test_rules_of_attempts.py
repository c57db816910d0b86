"""The rules about retries and time limits: when they fire, when they do not, and what they change."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime
from statistics import NormalDist
from uuid import UUID

import pytest

from app.domain.definitions import RetryPolicy, Task
from app.insights.choosing import worthy
from app.insights.rules import add_retries, more_attempts, set_timeout, useless_retries
from app.insights.samples import Outcome, TaskSample
from tests.support.samples import NOW, attempt, execution, failure, lognormal, run, sample_of, spread

PLAIN = Task("fetch", type="http", id=7)
RETRIED = replace(PLAIN, retry=RetryPolicy(max_attempts=3))


def failing(share: int, code: str = "http_timeout", message: str = "", count: int = 100) -> list:
    """Every `share`-th run fails."""
    return spread(
        count,
        lambda number, at: run(failure(code, at=at, message=message) if number % share == 0 else attempt(at=at)),
    )


def test_retries_are_suggested_for_failures_that_pass() -> None:
    found = add_retries.look(sample_of(PLAIN, failing(10)))
    assert found is not None
    assert found.holds
    assert (found.evidence.n, found.evidence.k) == (100, 10)
    assert found.patch is not None
    assert found.patch[-1]["path"] == "/tasks/0/retry"
    assert (found.patch[-1]["value"]["max_attempts"], found.patch[-1]["value"]["jitter"]) == (3, 0.1)


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_statuses_that_pass_count_although_all_have_one_message(status: int) -> None:
    found = add_retries.look(sample_of(PLAIN, failing(10, "http_status", f"https://a answered {status} Sorry")))
    assert found is not None
    assert found.holds


@pytest.mark.parametrize(
    ("code", "message"),
    [("http_status", "https://a answered 404 Not Found"), ("invalid_config", ""), ("my_error", "always the same")],
)
def test_other_failures_do_not_count(code: str, message: str) -> None:
    found = add_retries.look(sample_of(PLAIN, failing(10, code, message)))
    assert found is not None
    assert not found.holds


def test_nothing_is_said_of_a_task_with_retries_or_with_few_attempts() -> None:
    assert add_retries.look(sample_of(RETRIED, failing(10))) is None
    assert add_retries.look(sample_of(PLAIN, failing(10, count=49))) is None


def test_a_few_failures_or_failures_of_one_hour_are_not_enough() -> None:
    few = add_retries.look(sample_of(PLAIN, failing(30)))
    assert few is not None
    assert not few.holds
    at_once = [run(failure("http_timeout", at=NOW)) for _ in range(20)] + failing(200, count=80)[1:]
    together = add_retries.look(sample_of(PLAIN, at_once))
    assert together is not None
    assert together.evidence.facts["hours"] == 1
    assert not together.holds


def of_inputs(*inputs: str) -> TaskSample:
    runs, found = failing(10), []
    for number, one in enumerate(runs):
        digest = inputs[0] if one.outcome is Outcome.FAILED else inputs[-1].format(number)
        found.append(execution(number, {PLAIN.id: [one]}, one.started_at, digest))
    sample = sample_of(PLAIN, runs).sample
    return TaskSample(PLAIN, replace(sample, executions=found))


def test_one_input_that_has_most_failures_speaks_against_retries() -> None:
    found = add_retries.look(of_inputs("bad", "good {}"))
    assert found is not None
    assert not found.holds


def test_one_input_that_all_executions_have_says_nothing() -> None:
    found = add_retries.look(of_inputs("same", "same"))
    assert found is not None
    assert found.holds


def repeated(successes: int, tries: int) -> TaskSample:
    """Failures with different messages of an unknown code; some executions were repeated."""
    runs = spread(100, lambda n, at: run(failure("mine", at=at, message=f"m{n}") if n % 5 == 0 else attempt(at=at)))
    executions = [execution(number, {PLAIN.id: [one]}, one.started_at) for number, one in enumerate(runs)]
    for number in range(tries):
        again = run(attempt(at=NOW - 100) if number < successes else failure("mine", at=NOW - 100, message="again"))
        executions.append(execution(200 + number, {PLAIN.id: [again]}, NOW - 100, origin=UUID(int=5 * number + 1)))
    sample = sample_of(PLAIN, runs).sample
    return TaskSample(PLAIN, replace(sample, executions=executions))


def test_unknown_codes_count_when_repeated_executions_have_succeeded() -> None:
    found = add_retries.look(repeated(14, 15))
    assert found is not None
    assert found.holds
    assert (found.evidence.facts["later_successes"], found.evidence.facts["later_tries"]) == (14, 15)
    some = add_retries.look(repeated(8, 15))
    assert some is not None
    assert not some.holds
    few = add_retries.look(repeated(11, 11))
    assert few is not None
    assert not few.holds


def test_attempts_that_were_lost_do_not_count() -> None:
    lost = [run(attempt(at=NOW, outcome=Outcome.LOST)) for _ in range(30)]
    found = add_retries.look(sample_of(PLAIN, [*lost, *failing(10)]))
    assert found is not None
    assert found.evidence.n == 100


def completed(times: list[float]) -> list:
    return spread(len(times), lambda number, at: run(attempt(at=at, seconds=times[number])))


def test_a_time_limit_is_suggested_when_attempts_hang() -> None:
    times = [2.0 * one for one in lognormal(1, 1000)]
    times[500] = 20.0
    found = set_timeout.look(sample_of(PLAIN, completed(times)))
    assert found is not None
    assert found.holds
    bound = found.evidence.high
    assert bound is not None
    assert sorted(times)[990] <= bound < 20
    limit = found.patch[-1]["value"] if found.patch else 0
    assert limit == 20.0  # 3 * 4.4 s is less than 4.4 s + 10 s, and 14.4 s is rounded up
    assert found.prediction["cut_share"] == 0


def test_no_time_limit_is_suggested_when_nothing_hangs() -> None:
    found = set_timeout.look(sample_of(PLAIN, completed(lognormal(2, 1000))))
    assert found is not None
    assert not found.holds


def test_298_attempts_cannot_bound_p99() -> None:
    assert set_timeout.look(sample_of(PLAIN, completed(lognormal(3, 298)))) is None
    assert set_timeout.look(sample_of(PLAIN, completed(lognormal(3, 299)))) is not None


@pytest.mark.parametrize(
    "task", [replace(PLAIN, timeout_seconds=5.0), replace(PLAIN, type="delay"), replace(PLAIN, type="workflow")]
)
def test_nothing_is_said_of_limited_and_of_waiting_tasks(task: Task) -> None:
    assert set_timeout.look(sample_of(task, completed(lognormal(4, 400)))) is None


def test_an_attempt_that_runs_now_may_be_the_one_that_hangs() -> None:
    of_task = sample_of(PLAIN, completed(lognormal(5, 400)))
    hanging = execution(900, {PLAIN.id: [run(attempt(at=NOW - 500, seconds=500, outcome=Outcome.OPEN))]})
    found = set_timeout.look(TaskSample(PLAIN, replace(of_task.sample, open=[hanging])))
    assert found is not None
    assert found.holds
    assert found.prediction["running_longer_now"] == 1


@pytest.mark.parametrize(
    ("value", "rounded"), [(1.0, 1.0), (1.1, 2.0), (14.4, 20.0), (21.0, 50.0), (50.1, 100.0), (0.3, 0.5)]
)
def test_limits_are_rounded_up(value: float, rounded: float) -> None:
    assert set_timeout.rounded_up(value) == pytest.approx(rounded)


def retried(code: str, successes: int, count: int = 40) -> list:
    def one(number: int, at: float):
        second = attempt(2, at + 3) if number < successes else failure(code, 2, at + 3)
        return run(failure(code, 1, at), second)

    return spread(count, one)


def test_a_code_after_which_nothing_succeeds_is_not_to_be_retried() -> None:
    runs = retried("gone", 0) + retried("busy", 20)
    found = useless_retries.look(sample_of(RETRIED, runs))
    assert found is not None
    assert found.holds
    assert found.patch is not None
    assert found.patch[-1]["value"]["non_retryable_errors"] == ["gone"]
    assert (found.evidence.n, found.evidence.k) == (40, 0)


def test_one_success_or_too_few_tries_keep_the_retries() -> None:
    once = useless_retries.look(sample_of(RETRIED, retried("gone", 1)))
    assert once is not None
    assert not once.holds
    assert useless_retries.look(sample_of(RETRIED, retried("gone", 0, 29))) is None
    assert useless_retries.look(sample_of(PLAIN, retried("gone", 0))) is None


def three_attempts(second: int, third: int, exhausted: int) -> list:
    """Runs that succeed at the second and the third attempt, and such that fail all three times."""

    def one(number: int, at: float):
        first = failure("http_timeout", 1, at)
        if number < second:
            return run(first, attempt(2, at + 2))
        if number < second + third:
            return run(first, failure("http_timeout", 2, at + 2), attempt(3, at + 5))
        return run(first, failure("http_timeout", 2, at + 2), failure("http_timeout", 3, at + 5))

    return spread(second + third + exhausted, one)


def test_more_attempts_are_suggested_while_the_last_one_still_helps() -> None:
    found = more_attempts.look(sample_of(RETRIED, three_attempts(60, 30, 25)))
    assert found is not None
    assert found.holds
    assert found.patch is not None
    assert found.patch[-1]["value"]["max_attempts"] == 5


def test_more_attempts_are_useless_when_the_last_one_hardly_succeeds() -> None:
    found = more_attempts.look(sample_of(RETRIED, three_attempts(60, 2, 40)))
    assert found is not None
    assert not found.holds
    assert more_attempts.look(sample_of(RETRIED, three_attempts(60, 30, 19))) is None


def test_ten_attempts_are_the_most() -> None:
    task = replace(PLAIN, retry=RetryPolicy(max_attempts=10))
    assert more_attempts.look(sample_of(task, three_attempts(60, 30, 25))) is None


def is_suggested(failures: int, count: int) -> bool:
    """Alone in its run, so that its p-value is compared with 5 %. The failures are in different hours."""
    runs = spread(count, lambda n, at: run(failure("http_timeout", at=at) if n < failures else attempt(at=at)))
    found = add_retries.look(sample_of(PLAIN, runs))
    return found is not None and worthy([found], datetime.fromtimestamp(NOW, UTC)) != []


def chance_of_suggestion(share: float, count: int) -> float:
    """Over all numbers of failures, if each first attempt fails with this chance."""
    return sum(
        math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(count + 1) if is_suggested(k, count)
    )


@pytest.mark.parametrize(
    ("share", "count", "least", "most"),
    [(0.01, 50, 0.0, 0.013), (0.02, 200, 0.0, 0.05), (0.08, 100, 0.76, 0.92), (0.08, 200, 0.98, 1.0)],
)
def test_how_often_retries_are_suggested(share: float, count: int, least: float, most: float) -> None:
    """Seldom for tasks that fail in 2 % of the cases or less, mostly for those that fail in 8 %."""
    assert least <= chance_of_suggestion(share, count) <= most


def test_how_many_good_attempts_a_time_limit_cuts() -> None:
    """Of attempts whose times are lognormal, from samples of the least size; without the factor 3 it would be more."""
    chance = random.Random(12)
    cut = bound_cut = 0.0
    for _ in range(100):
        times = [100 * chance.lognormvariate(0, 0.8) for _ in range(299)]
        found = set_timeout.look(sample_of(PLAIN, completed(times)))
        assert found is not None
        bound, limit = found.evidence.high or 0.0, float(found.evidence.facts["limit_seconds"])
        cut += 1 - NormalDist(0, 0.8).cdf(math.log(limit / 100))
        bound_cut += 1 - NormalDist(0, 0.8).cdf(math.log(bound / 100))
    assert cut / 100 < 0.0007
    assert bound_cut / 100 > 10 * cut / 100
