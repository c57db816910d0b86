"""R8: a task that no execution has run for a long time."""

from app.domain.definitions import Task, Workflow
from app.domain.routing import RouteOutcome
from app.insights.bounds import at_most, wilson
from app.insights.definition import Definition
from app.insights.findings import Finding, evidence_of, percent
from app.insights.samples import TaskSample
from app.insights.suggestions import Rule

FORMULA = "never_reached/1: wilson"
LEAST_EXECUTIONS = 300
LEAST_DAYS = 29.0
"""The oldest execution of a sample of 30 days is hardly ever exactly 30 days old."""
MOST_SHARE = 0.01


def look(of_task: TaskSample, definition: Definition) -> Finding | None:
    task, workflow = of_task.task, of_task.sample.workflow
    if task.name in definition.compensations or is_failure_path(workflow, task):
        return None
    completed = [one for one in of_task.sample.executions if one.completed]
    if len(completed) < LEAST_EXECUTIONS or of_task.sample.days < LEAST_DAYS:
        return None
    k = sum(_is_reached(one.runs.get(task.id, ())) or task.id in one.reused for one in completed)
    n, share = len(completed), wilson(k, len(completed))
    return Finding(
        rule=Rule.NEVER_REACHED,
        workflow=workflow,
        task=task,
        holds=k == 0,
        evidence=evidence_of(
            of_task.sample, FORMULA, (n, k), share, at_most(k, n, MOST_SHARE), {"days": of_task.sample.days}
        ),
        title=f"{task.name!r} has not run for {of_task.sample.days:.0f} days: is it still needed?",
        rationale=f"None of {n} completed executions ran it; with 95 % at most {percent(share.high)} of them would.",
        prediction={},
    )


def _is_reached(runs: object) -> bool:
    return isinstance(runs, list | tuple) and any(run.attempts for run in runs)


def is_failure_path(workflow: Workflow, task: Task) -> bool:
    """Whether conditions lead to the task only after a failure."""
    return any(
        (one.outcome is RouteOutcome.FAILURE and one.target_task_success == task.name)
        or one.target_task_failure == task.name
        for one in workflow.conditions
    )
