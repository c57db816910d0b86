"""What the elements of a `for_each` task have done: when each of them ran, and beside how many others.

A history has only the ends of elements. They start in the order of the list, each as soon as one before it has ended,
so their starts follow.
"""

import heapq
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from app.insights.samples import Outcome, TaskRun, TaskSample

DEFAULT_CONCURRENCY = 10
"""As many elements run at a time when a task sets no number."""


@dataclass(frozen=True, slots=True)
class Span:
    """When something ran."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def concurrency_of(of_task: TaskSample) -> int:
    return of_task.task.max_concurrency or DEFAULT_CONCURRENCY


def spans_of(run: TaskRun, concurrency: int) -> list[Span]:
    """When each element ran; none unless one attempt has completed all of them."""
    if run.outcome is not Outcome.COMPLETED or len(run.attempts) != 1 or len(run.elements) != run.element_count:
        return []
    ends = {element.index: element.ended_at for element in run.elements}
    if len(ends) != run.element_count:
        return []
    free = [run.started_at] * concurrency
    spans = []
    for index in sorted(ends):
        start = heapq.heappop(free)
        spans.append(Span(min(start, ends[index]), ends[index]))
        heapq.heappush(free, ends[index])
    return spans


def loads_of(spans: Sequence[Span]) -> list[int]:
    """How many of the others ran in the middle of each."""
    starts, ends = sorted(span.start for span in spans), sorted(span.end for span in spans)
    middles = ((span.start + span.end) / 2 for span in spans)
    return [bisect_right(starts, middle) - bisect_right(ends, middle) - 1 for middle in middles]
