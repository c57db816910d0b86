"""R10: executions wait for a place because all engines are full."""

import math
from dataclasses import dataclass

from app.insights.bounds import at_least, quantile_below, quantile_of
from app.insights.findings import Finding, evidence_of, seconds
from app.insights.samples import Sample
from app.insights.suggestions import Rule

FORMULA = "capacity/1: order statistic of p95"
QUANTILE = 0.95
LEAST_SECONDS = 1.0
LEAST_MINUTES = 15.0
LEAST_EXECUTIONS = 59


@dataclass(frozen=True, slots=True)
class Fullness:
    """The last time for which all engines were full to 90 % or more.

    begin, end: from when to when; seconds since 1970.
    engines: how many there were.
    """

    begin: float
    end: float
    engines: int


def look(sample: Sample, full: Fullness | None) -> Finding | None:
    if full is None or full.end - full.begin < LEAST_MINUTES * 60:
        return None
    within = [one for one in sample.executions if full.begin <= one.created_at <= full.end]
    waits = [one.started_at - one.created_at for one in within if one.started_at is not None]
    if len(waits) < LEAST_EXECUTIONS:
        return None
    n, k = len(waits), sum(wait > LEAST_SECONDS for wait in waits)
    low, typical = quantile_below(waits, QUANTILE), quantile_of(waits, QUANTILE)
    needed = full.engines + max(math.ceil(full.engines / 4), 1)
    facts = {"full_from": full.begin, "full_until": full.end, "engines": full.engines}
    return Finding(
        rule=Rule.CAPACITY,
        workflow=sample.workflow,
        task=None,
        holds=low is not None and low > LEAST_SECONDS,
        evidence=evidence_of(sample, FORMULA, (n, k), (typical, low, None), at_least(k, n, 1 - QUANTILE), facts),
        title=f"Run {needed} engines instead of {full.engines}: executions wait up to {seconds(typical)} for a place",
        rationale=(
            f"For {(full.end - full.begin) / 60:.0f} minutes all engines were full to 90 % or more. Of {n} executions"
            f" that were started then, {k} waited for more than {LEAST_SECONDS:g} s."
        ),
        prediction={"engines": needed},
        seconds_a_day=sum(waits) / sample.days,
    )
