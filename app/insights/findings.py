"""What a rule has found in a sample, whether it suffices for a suggestion or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.domain.definitions import Task, Workflow
from app.domain.documents import task_document
from app.insights.bounds import CONFIDENCE, Interval
from app.insights.samples import Sample
from app.insights.suggestions import Evidence, Facts, Patch, Rule


@dataclass(frozen=True, slots=True)
class Finding:
    """One candidate. All candidates of one run are compared, also those that do not hold.

    task: the task; None if it is about the whole workflow.
    holds: whether its bounds and its effect are large enough.
    patch: None for mere advice.
    seconds_a_day: how much time it saves.
    """

    rule: Rule
    workflow: Workflow
    task: Task | None
    holds: bool
    evidence: Evidence
    title: str
    rationale: str
    prediction: Facts
    patch: Patch | None = None
    seconds_a_day: float = 0.0

    @property
    def place(self) -> tuple[int, int | None, str]:
        """One open suggestion has this place."""
        return self.workflow.id, None if self.task is None else self.task.id, self.rule


def evidence_of(
    sample: Sample,
    formula: str,
    counts: tuple[int, int | None],
    bounds: tuple[float, float | None, float | None] | Interval,
    p_value: float,
    facts: Mapping[str, Any],
) -> Evidence:
    """`counts` are n and k. `bounds` are the estimate, and what it is not below and not above."""
    if isinstance(bounds, Interval):
        bounds = (bounds.estimate, bounds.low, bounds.high)
    estimate, low, high = bounds
    return Evidence(
        formula=formula,
        first_id=sample.executions[0].id,
        last_id=sample.executions[-1].id,
        revision=sample.workflow.revision,
        until=datetime.fromtimestamp(sample.now, UTC),
        n=counts[0],
        k=counts[1],
        estimate=estimate,
        low=low,
        high=high,
        confidence=CONFIDENCE,
        p_value=p_value,
        facts=facts,
    )


def setting(workflow: Workflow, task: Task, field: str, value: Any) -> Patch:
    """Sets a field of a task, if the task and its field are as they are now."""
    index = next(index for index, one in enumerate(workflow.tasks) if one.id == task.id)
    path = f"/tasks/{index}"
    return (
        {"op": "test", "path": f"{path}/id", "value": task.id},
        {"op": "test", "path": f"{path}/{field}", "value": task_document(task)[field]},
        {"op": "replace", "path": f"{path}/{field}", "value": value},
    )


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def seconds(value: float) -> str:
    return f"{value:.3g} s"
