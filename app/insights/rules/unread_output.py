"""R9: a task stores large outputs that no other task uses."""

from app.insights.bounds import at_least, quantile_below, quantile_of
from app.insights.definition import Definition
from app.insights.findings import Finding, evidence_of
from app.insights.samples import Outcome, TaskSample
from app.insights.suggestions import Rule

FORMULA = "unread_output/1: order statistic of p95"
LARGE = 64 * 1024
QUANTILE = 0.95
LEAST_RUNS = 59
"""Fewer outputs cannot bound the 95th percentile at 95 %."""


def look(of_task: TaskSample, definition: Definition) -> Finding | None:
    task = of_task.task
    if task.name in definition.used or task.name in definition.compensations or _is_last(definition, task.id):
        return None
    sizes = [float(run.output_bytes) for _, run in of_task.runs if run.outcome is Outcome.COMPLETED]
    if len(sizes) < LEAST_RUNS:
        return None
    n, k = len(sizes), sum(size > LARGE for size in sizes)
    low, typical = quantile_below(sizes, QUANTILE), quantile_of(sizes, QUANTILE)
    a_day = sum(sizes) / of_task.sample.days
    return Finding(
        rule=Rule.UNREAD_OUTPUT,
        workflow=of_task.sample.workflow,
        task=task,
        holds=low is not None and low > LARGE,
        evidence=evidence_of(
            of_task.sample, FORMULA, (n, k), (typical, low, None), at_least(k, n, 1 - QUANTILE), {"bytes_a_day": a_day}
        ),
        title=f"Return less from {task.name!r}: nothing uses its output of up to {typical / 1024:.0f} KiB",
        rationale=(
            f"{k} of {n} outputs have more than 64 KiB, no expression names them, and the task is not the last one."
            f" They take {a_day / 2**20:.1f} MiB of the histories a day."
        ),
        prediction={"bytes_a_day": a_day},
    )


def _is_last(definition: Definition, task_id: int) -> bool:
    """Whether its output is, or may be, a part of the execution's output."""
    if definition.workflow.start_task is not None:
        return True
    tasks = definition.workflow.tasks
    index = next(index for index, task in enumerate(tasks) if task.id == task_id)
    return not definition.graph.successors[index]
