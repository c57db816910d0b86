"""The evidence of a suggestion, so that anyone can compute it again."""

import math
from collections.abc import Iterable
from typing import Any

from app.insights.documents import evidence_document
from app.insights.findings import Finding
from app.insights.samples import Execution, TaskRun
from app.insights.sampling import Taken
from app.insights.shapes import Shapes
from app.insights.suggestions import Evidence, Rule, Suggestion

Again = tuple[Taken, Finding | None] | None
Document = dict[str, Any]


def evidence_report(suggestion: Suggestion, again: Again) -> Document:
    """The stored numbers, those computed again now, and the observations.

    `again` is the sample as it is read now, and what it says; None if nothing can be read.
    """
    found = None if again is None else again[1]
    stored = suggestion.evidence
    return {
        "suggestion_id": suggestion.id,
        "rule": suggestion.rule,
        "evidence": None if stored is None else evidence_document(stored),
        "recomputed": None if found is None else evidence_document(found.evidence),
        "same": None if stored is None or found is None else is_same_result(stored, found.evidence),
        "observations": [] if again is None else list(_observations(suggestion, again[0])),
    }


def is_same_result(one: Evidence, other: Evidence) -> bool:
    """Whether the formula has given the same, but for the rounding of floating-point numbers."""
    numbers = ("estimate", "low", "high", "p_value")
    whole = ("formula", "n", "k", "first_id", "last_id")
    return all(getattr(one, name) == getattr(other, name) for name in whole) and all(
        _close(getattr(one, name), getattr(other, name)) for name in numbers
    )


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def _observations(suggestion: Suggestion, taken: Taken) -> Iterable[Document]:
    task = next((one for one in taken.sample.workflow.tasks if one.id == suggestion.task_id), None)
    names = {one.id: one.name for one in taken.sample.workflow.tasks}
    shapes = Shapes(taken.sample, taken.revisions)
    is_of_task = task is not None and suggestion.rule != Rule.RUN_SIDE_BY_SIDE
    sample = shapes.of_task(task).sample if task is not None and is_of_task else taken.sample
    for execution in sample.executions:
        wanted = {suggestion.task_id} if is_of_task else names.keys()
        runs = [(names[key], run) for key in execution.runs if key in wanted for run in execution.runs[key]]
        yield _observation(execution, runs)


def _observation(execution: Execution, runs: Iterable[tuple[str, TaskRun]]) -> Document:
    started, finished = execution.started_at, execution.finished_at
    return {
        "execution_id": str(execution.id),
        "revision": execution.revision,
        "completed": execution.completed,
        "waited_seconds": None if started is None else started - execution.created_at,
        "seconds": None if started is None or finished is None else finished - started,
        "runs": [_run(name, run) for name, run in runs],
    }


def _run(task: str, run: TaskRun) -> Document:
    return {
        "task": task,
        "outcome": run.outcome.name.lower(),
        "seconds": run.seconds,
        "output_bytes": run.output_bytes,
        "elements": run.element_count,
        "attempts": [
            {
                "number": attempt.number,
                "seconds": attempt.seconds,
                "outcome": attempt.outcome.name.lower(),
                "code": attempt.code or None,
            }
            for attempt in run.attempts
        ],
    }
