"""What has become of an approved suggestion."""

import random

import pytest

from app.insights.effects import ALPHA, Verdict, effect_of, next_look
from app.insights.samples import Execution, TaskRun
from app.insights.suggestions import Rule
from tests.support.samples import NOW, attempt, execution, failure, run

Runs = list[tuple[Execution, TaskRun]]


def runs(count: int, failures: int = 0, seconds: float = 1.0, seed: int = 1) -> Runs:
    chance, found = random.Random(seed), []
    for number in range(count):
        took = seconds * chance.lognormvariate(0, 0.2)
        fails = number * failures // count != (number + 1) * failures // count
        one = run(failure("http_timeout", seconds=took) if fails else attempt(seconds=took))
        found.append((execution(number, {7: [one]}, NOW), one))
    return found


@pytest.mark.parametrize(
    ("seen", "executions", "look"),
    [(0, 29, None), (0, 30, 30), (0, 99, 30), (30, 99, None), (30, 100, 100), (0, 400, 300), (300, 900, None)],
)
def test_it_is_looked_at_after_30_100_and_300_executions(seen: int, executions: int, look: int | None) -> None:
    assert next_look(seen, executions) == look


def test_the_three_looks_share_the_error() -> None:
    assert pytest.approx(0.05) == 3 * ALPHA


@pytest.mark.parametrize(
    ("failures", "verdict"), [(0, Verdict.BETTER), (8, Verdict.NO_DIFFERENCE), (40, Verdict.WORSE)]
)
def test_shares_of_failures(failures: int, verdict: Verdict) -> None:
    effect = effect_of(Rule.ADD_RETRIES, runs(500, 50), runs(120, failures * 120 // 100), 100)
    assert effect["verdict"] == verdict.value
    assert effect["after"][1] == effect["executions"] == 100


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0.5, Verdict.BETTER), (1.0, Verdict.NO_DIFFERENCE), (1.6, Verdict.WORSE)]
)
def test_times(seconds: float, verdict: Verdict) -> None:
    effect = effect_of(Rule.MORE_CONCURRENCY, runs(300), runs(100, seconds=seconds, seed=2), 100)
    assert effect["verdict"] == verdict.value
    assert effect["low"] <= effect["change"] <= effect["high"]
    assert effect["change"] == pytest.approx(seconds - 1, abs=0.08)


def test_few_times_say_nothing() -> None:
    assert effect_of(Rule.STOP_USELESS_RETRIES, runs(300, 5), runs(100), 100)["verdict"] == "too few yet"
    assert effect_of(Rule.ADD_RETRIES, [], runs(100), 100)["verdict"] == "too few yet"


def test_equal_histories_seldom_look_different() -> None:
    chance = random.Random(5)
    wrong = 0
    for _ in range(300):
        before = runs(300, sum(chance.random() < 0.08 for _ in range(300)))
        after = runs(100, sum(chance.random() < 0.08 for _ in range(100)))
        wrong += effect_of(Rule.ADD_RETRIES, before, after, 100)["verdict"] != Verdict.NO_DIFFERENCE.value
    assert wrong / 300 < 0.04
