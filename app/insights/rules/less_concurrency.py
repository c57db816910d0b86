"""R5: the elements of a task fail because too many run at a time."""

import math
from collections.abc import Sequence

from app.insights.bounds import at_least, wilson
from app.insights.codes import is_overload
from app.insights.elements import Span, concurrency_of, loads_of
from app.insights.findings import Finding, evidence_of, percent, setting
from app.insights.samples import Attempt, Outcome, TaskSample, is_told
from app.insights.suggestions import Rule

FORMULA = "less_concurrency/1: wilson"
LEAST_ELEMENTS, LEAST_FAILURES = 50, 5
LEAST_SHARE = 0.02
FACTOR = 0.7


class _Tried:
    """One attempt of the whole task.

    elements: how many were run in it.
    failed: whether one failed because of too much load. The first one that fails ends the attempt.
    """

    def __init__(self, attempt: Attempt, completed: int) -> None:
        self.failed = attempt.outcome is Outcome.FAILED and is_overload(attempt)
        self.elements = completed + (attempt.outcome is Outcome.FAILED)
        self.span = Span(attempt.at, attempt.at + attempt.seconds)


def look(of_task: TaskSample) -> Finding | None:
    concurrency = concurrency_of(of_task)
    wanted = math.ceil(FACTOR * concurrency)
    if of_task.task.for_each is None or wanted >= concurrency:
        return None
    tried = _tried(of_task)
    n, k = _counts(tried)
    calm = _calmest_third(tried)
    if n < LEAST_ELEMENTS or calm is None:
        return None
    share, calm_share = wilson(k, n), calm[1] / calm[0]
    facts = {"concurrency": concurrency, "calm_elements": calm[0], "calm_failures": calm[1]}
    return Finding(
        rule=Rule.LESS_CONCURRENCY,
        workflow=of_task.sample.workflow,
        task=of_task.task,
        holds=k >= LEAST_FAILURES and share.low > LEAST_SHARE and calm_share <= share.estimate / 2,
        evidence=evidence_of(of_task.sample, FORMULA, (n, k), share, at_least(k, n, LEAST_SHARE), facts),
        title=f"Run {wanted} elements of {of_task.task.name!r} at a time instead of {concurrency}",
        rationale=(
            f"{k} of {n} elements failed because of too much load ({percent(share.estimate)}), but only"
            f" {percent(calm_share)} in the calmest third of the attempts."
        ),
        prediction={"errors_per_element_now": share.estimate, "errors_per_element": calm_share},
        patch=setting(of_task.sample.workflow, of_task.task, "max_concurrency", wanted),
        seconds_a_day=sum(one.span.seconds for one in tried if one.failed) / of_task.sample.days,
    )


def _tried(of_task: TaskSample) -> list[_Tried]:
    found = []
    for _, run in of_task.runs:
        for attempt in run.attempts:
            end = attempt.at + attempt.seconds
            completed = sum(attempt.at <= element.ended_at <= end for element in run.elements)
            if is_told(attempt):
                found.append(_Tried(attempt, completed))
    return found


def _counts(tried: Sequence[_Tried]) -> tuple[int, int]:
    return sum(one.elements for one in tried), sum(one.failed for one in tried)


def _calmest_third(tried: Sequence[_Tried]) -> tuple[int, int] | None:
    """The elements and failures of the attempts beside which the fewest others ran; None if the load was always the
    same, or if that third has no elements.
    """
    loads = loads_of([one.span for one in tried])
    if len(set(loads)) < 2:
        return None
    limit = sorted(loads)[(len(loads) - 1) // 3]
    calm = [one for one, load in zip(tried, loads, strict=True) if load <= limit]
    counts = _counts(calm)
    return counts if counts[0] and len(calm) < len(tried) else None
