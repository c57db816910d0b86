"""The evidence of a suggestion, so that anyone can compute it again."""

import math
from collections.abc import Iterable, Mapping
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
    tasks, shapes = taken.sample.workflow.tasks, Shapes(taken.sample, taken.revisions)
    task = next((one for one in tasks if one.id == suggestion.task_id), None)
    if task is None:
        yield from (_observation(one) for one in taken.sample.executions)
    elif suggestion.rule == Rule.RUN_SIDE_BY_SIDE:
        names = {one.id: one.name for one in tasks}
        for one in shapes.of_workflow().executions:
            yield _observation(one) | {"seconds_of_tasks": _seconds_of_tasks(one, names)}
    else:
        for one in shapes.of_task(task).sample.executions:
            yield _observation(one) | {"runs": [_run(run) for run in one.runs.get(task.id, ())]}


def _seconds_of_tasks(execution: Execution, names: Mapping[int, str]) -> Document:
    return {names[key]: runs[0].seconds for key, runs in execution.runs.items() if key in names and runs}


def _observation(execution: Execution) -> Document:
    started, finished = execution.started_at, execution.finished_at
    return {
        "execution_id": str(execution.id),
        "revision": execution.revision,
        "completed": execution.completed,
        "waited_seconds": None if started is None else started - execution.created_at,
        "seconds": None if started is None or finished is None else finished - started,
    }


def _run(run: TaskRun) -> Document:
    return {
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
