"""R4: the elements of a task wait for each other, and would not run slower beside more of them."""

from collections.abc import Sequence
from statistics import median

from app.insights.bounds import quantile_below
from app.insights.elements import Span, concurrency_of, loads_of, spans_of
from app.insights.findings import Finding, evidence_of, percent, seconds, setting
from app.insights.ranks import greater, mostly_above, shift, thinned
from app.insights.samples import TaskSample
from app.insights.suggestions import Rule

FORMULA = "more_concurrency/1: order statistic of the median"
LEAST_RUNS = 20
BUSY = 0.9
MOST = 100
LEAST_COMPARED = 20
GROWTH = 0.1
"""By at most this part of their time may elements take longer in the busier half."""
LEAST_SECONDS, LEAST_SHARE = 0.5, 0.1
MOST_SPANS = 20_000


def look(of_task: TaskSample) -> Finding | None:
    concurrency = concurrency_of(of_task)
    if of_task.task.for_each is None or concurrency >= MOST:
        return None
    runs = [spans for _, run in of_task.runs if (spans := spans_of(run, concurrency))]
    runs = [spans for spans in runs if len(spans) >= 2 * concurrency]
    if len(runs) < LEAST_RUNS:
        return None
    growth = _growth(runs)
    if growth is None:
        return None
    wanted = min(2 * concurrency, MOST)
    busy = [_busy(spans, concurrency) for spans in runs]
    saved = [_wall(spans) - _predicted(spans, wanted) for spans in runs]
    total, gain = median(_wall(spans) for spans in runs), median(saved)
    low = quantile_below(busy, 0.5)
    facts = {"concurrency": concurrency, "growth": growth[0], "growth_high": growth[1], "growth_p_value": growth[2]}
    return Finding(
        rule=Rule.MORE_CONCURRENCY,
        workflow=of_task.sample.workflow,
        task=of_task.task,
        holds=(
            low is not None
            and low >= BUSY
            and growth[1] <= GROWTH
            and growth[2] > 0.05
            and gain >= max(LEAST_SECONDS, LEAST_SHARE * total)
        ),
        evidence=evidence_of(
            of_task.sample, FORMULA, (len(runs), None), (median(busy), low, None), mostly_above(busy, BUSY), facts
        ),
        title=f"Run {wanted} elements of {of_task.task.name!r} at a time instead of {concurrency}",
        rationale=(
            f"In {len(runs)} runs the {concurrency} places were busy for {percent(median(busy))} of the time, and"
            f" elements took no longer beside more others. Twice as many would save {seconds(gain)} of"
            f" {seconds(total)}."
        ),
        prediction={"seconds_now": total, "seconds": median(_predicted(spans, wanted) for spans in runs)},
        patch=setting(of_task.sample.workflow, of_task.task, "max_concurrency", wanted),
        seconds_a_day=sum(saved) / of_task.sample.days,
    )


def _wall(spans: Sequence[Span]) -> float:
    return max(span.end for span in spans) - min(span.start for span in spans)


def _predicted(spans: Sequence[Span], concurrency: int) -> float:
    times = [span.seconds for span in spans]
    return max(sum(times) / concurrency, max(times))


def _busy(spans: Sequence[Span], concurrency: int) -> float:
    return sum(span.seconds for span in spans) / max(concurrency * _wall(spans), 1e-9)


def _growth(runs: Sequence[Sequence[Span]]) -> tuple[float, float, float] | None:
    """By which part of its time an element takes longer in the busier half, with an upper bound, and the p-value of the
    claim that it does. None if too few elements ran beside fewer others.
    """
    spans = [span for spans in runs for span in spans][-MOST_SPANS:]
    loads = loads_of(spans)
    middle = median(loads)
    calm = [span.seconds for span, load in zip(spans, loads, strict=True) if load < middle]
    busy = [span.seconds for span, load in zip(spans, loads, strict=True) if load >= middle]
    if min(len(calm), len(busy)) < LEAST_COMPARED:
        return None
    calm, busy = thinned(calm, 300), thinned(busy, 300)
    found, typical = shift(calm, busy), max(median(calm), 1e-9)
    return found.estimate / typical, found.high / typical, greater(calm, busy)
