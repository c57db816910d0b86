"""What an approved suggestion has changed: the executions since then, compared with those before."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from statistics import NormalDist
from typing import Any

from app.insights.bounds import newcombe, quantile_of
from app.insights.codes import is_overload
from app.insights.ranks import greater, shift, thinned
from app.insights.samples import Execution, Outcome, TaskRun
from app.insights.suggestions import Rule

LOOKS = (30, 100, 300)
"""After so many executions it is looked at."""
ALPHA = 0.05 / len(LOOKS)
"""Of each look, so that all of them together err in 5 % of the cases."""
Z = NormalDist().inv_cdf(1 - ALPHA / 2)


class Verdict(StrEnum):
    BETTER = "better"
    NO_DIFFERENCE = "no difference seen"
    WORSE = "worse"
    TOO_FEW = "too few yet"


Runs = Sequence[tuple[Execution, TaskRun]]
Shares = Callable[[Runs], tuple[int, int]]
Times = Callable[[Runs], Sequence[float]]


def _failed(runs: Runs) -> tuple[int, int]:
    ended = [run for _, run in runs if run.outcome in (Outcome.COMPLETED, Outcome.FAILED)]
    return sum(run.outcome is Outcome.FAILED for run in ended), len(ended)


def _overloaded(runs: Runs) -> tuple[int, int]:
    """Errors for each element."""
    errors = sum(is_overload(attempt) for _, run in runs for attempt in run.attempts)
    return errors, errors + sum(len(run.elements) for _, run in runs)


def _seconds(runs: Runs) -> list[float]:
    return [run.seconds for _, run in runs if run.outcome is Outcome.COMPLETED and len(run.attempts) > 0]


def _seconds_of_failures(runs: Runs) -> list[float]:
    return [run.seconds for _, run in runs if run.outcome is Outcome.FAILED]


def _seconds_of_executions(runs: Runs) -> list[float]:
    times = {one.id: (one.started_at, one.finished_at) for one, _ in runs if one.completed and not one.was_paused}
    return [end - begin for begin, end in times.values() if begin is not None and end is not None]


SHARES: Mapping[str, Shares] = {
    Rule.ADD_RETRIES: _failed,
    Rule.MORE_ATTEMPTS: _failed,
    Rule.SET_TIMEOUT: _failed,
    Rule.LESS_CONCURRENCY: _overloaded,
}
TIMES: Mapping[str, Times] = {
    Rule.RUN_SIDE_BY_SIDE: _seconds_of_executions,
    Rule.MORE_CONCURRENCY: _seconds,
    Rule.STOP_USELESS_RETRIES: _seconds_of_failures,
}
LEAST_TIMES = 10


def next_look(seen: int, executions: int) -> int | None:
    """The largest of the looks that is due now; None if none is. `seen` is the last one; 0 for none."""
    due = [look for look in LOOKS if seen < look <= executions]
    return due[-1] if due else None


def effect_of(rule: str, before: Runs, after: Runs, look: int) -> dict[str, Any]:
    """The verdict on a change, after the first `look` executions with it, and what it rests on."""
    some = after[:look]
    if rule in SHARES:
        return {"executions": look, **_of_shares(SHARES[rule](before), SHARES[rule](some))}
    if rule in TIMES:
        return {"executions": look, **_of_times(TIMES[rule](before), TIMES[rule](some))}
    return {"executions": look, "verdict": Verdict.NO_DIFFERENCE.value}


def _of_shares(before: tuple[int, int], after: tuple[int, int]) -> dict[str, Any]:
    facts = {"measure": "share", "before": list(before), "after": list(after), "alpha": ALPHA}
    if not before[1] or not after[1]:
        return facts | {"verdict": Verdict.TOO_FEW.value}
    grown = newcombe(before, after, Z)
    verdict = _verdict(grown.high < 0, grown.low > 0)
    return facts | {"change": grown.estimate, "low": grown.low, "high": grown.high, "verdict": verdict}


def _of_times(before: Sequence[float], after: Sequence[float]) -> dict[str, Any]:
    facts: dict[str, Any] = {"measure": "seconds", "before": len(before), "after": len(after), "alpha": ALPHA}
    if min(len(before), len(after)) < LEAST_TIMES:
        return facts | {"verdict": Verdict.TOO_FEW.value}
    old, new = thinned(before, 300), thinned(after, 300)
    moved = shift(old, new, 1 - ALPHA / 2)
    slower, faster = greater(old, new), greater(new, old)
    verdict = _verdict(faster < ALPHA / 2, slower < ALPHA / 2)
    medians = {"median_before": quantile_of(old, 0.5), "median_after": quantile_of(new, 0.5)}
    p_values = {"p_value_slower": slower, "p_value_faster": faster}
    return (
        facts
        | medians
        | p_values
        | {
            "change": moved.estimate,
            "low": moved.low,
            "high": moved.high,
            "verdict": verdict,
        }
    )


def _verdict(is_better: bool, is_worse: bool) -> str:
    if is_better:
        return Verdict.BETTER.value
    return (Verdict.WORSE if is_worse else Verdict.NO_DIFFERENCE).value
