"""R2: a task without a time limit hangs now and then."""

import math
from collections.abc import Sequence

from app.insights.bounds import quantile_above, quantile_of, wilson
from app.insights.definition import WAITING
from app.insights.findings import Finding, evidence_of, percent, seconds, setting
from app.insights.samples import Attempt, Outcome, TaskSample
from app.insights.suggestions import Rule

FORMULA = "set_timeout/1: order statistic of p99"
QUANTILE = 0.99
LEAST_ATTEMPTS = 299
"""Fewer attempts cannot bound the 99th percentile at 95 %: 0.99 ** 298 is above 5 %."""
FACTOR, LEAST_MARGIN = 3.0, 10.0
HANGS = 2.0
"""An attempt hangs when it takes so many times the 99th percentile. A task without such an attempt needs no limit."""
STEPS = (1, 2, 5, 10)


def look(of_task: TaskSample) -> Finding | None:
    if of_task.task.timeout_seconds is not None or of_task.task.type in WAITING:
        return None
    attempts = [attempt for _, attempt in of_task.attempts()]
    times = [one.seconds for one in attempts if one.outcome is Outcome.COMPLETED]
    if len(times) < LEAST_ATTEMPTS:
        return None
    bound = quantile_above(times, QUANTILE)
    assert bound is not None
    limit = rounded_up(max(FACTOR * bound, bound + LEAST_MARGIN))
    running = list(of_task.running())
    longest = max(one.seconds for one in (*attempts, *_stopped(of_task), *running))
    cut = wilson(sum(time > limit for time in times), len(times))
    typical = quantile_of(times, QUANTILE)
    facts = {"longest_seconds": longest, "limit_seconds": limit}
    return Finding(
        rule=Rule.SET_TIMEOUT,
        workflow=of_task.sample.workflow,
        task=of_task.task,
        holds=longest >= HANGS * typical,
        evidence=evidence_of(
            of_task.sample, FORMULA, (len(times), None), (typical, None, bound), QUANTILE ** len(times), facts
        ),
        title=f"Limit an attempt of {of_task.task.name!r} to {limit:g} s",
        rationale=(
            f"99 % of {len(times)} attempts took at most {seconds(bound)}, but one took {seconds(longest)}, and no time"
            f" limit is set. The limit would have cut {percent(cut.estimate)} of the attempts that completed."
        ),
        prediction={
            "cut_share": cut.estimate,
            "cut_share_high": cut.high,
            "running_longer_now": sum(one.seconds > limit for one in running),
        },
        patch=setting(of_task.sample.workflow, of_task.task, "timeout_seconds", limit),
        seconds_a_day=sum(max(one.seconds - limit, 0.0) for one in attempts) / of_task.sample.days,
    )


def rounded_up(value: float) -> float:
    """The next number that is 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in STEPS if step * power >= value * (1 - 1e-12))


def _stopped(of_task: TaskSample) -> Sequence[Attempt]:
    """Attempts that were cancelled: someone may have lost patience with them."""
    return [one for _, run in of_task.runs for one in run.attempts if one.outcome is Outcome.CANCELLED]
