"""All rules, over one workflow."""

from collections.abc import Iterator, Sequence

from app.insights.definition import Definition
from app.insights.findings import Finding
from app.insights.rules import (
    add_retries,
    capacity,
    less_concurrency,
    more_attempts,
    more_concurrency,
    never_reached,
    set_timeout,
    side_by_side,
    unread_output,
    useless_retries,
)
from app.insights.rules.capacity import Fullness
from app.insights.samples import TaskSample
from app.insights.sampling import Taken
from app.insights.shapes import Shapes

OF_TASKS = (
    add_retries.look,
    set_timeout.look,
    more_concurrency.look,
    less_concurrency.look,
    useless_retries.look,
    more_attempts.look,
)
OF_PLACES = (never_reached.look, unread_output.look)
LEAST_EXECUTIONS = 20
"""No rule says anything about fewer."""


def look(taken: Taken, full: Fullness | None = None) -> Sequence[Finding]:
    """Every candidate, whether it holds or not. Nothing else is read, so that the same sample gives the same."""
    if len(taken.sample.executions) < LEAST_EXECUTIONS:
        return ()
    return list(_findings(taken, full))


def _findings(taken: Taken, full: Fullness | None) -> Iterator[Finding]:
    workflow = taken.sample.workflow
    shapes, definition = Shapes(taken.sample, taken.revisions), Definition(workflow)
    for task in workflow.tasks:
        of_task = shapes.of_task(task)
        if of_task.sample.executions:
            yield from _of_task(of_task, definition)
    same = shapes.of_workflow()
    if same.executions:
        yield from side_by_side.look(same, definition)
    if (found := capacity.look(taken.sample, full)) is not None:
        yield found


def _of_task(of_task: TaskSample, definition: Definition) -> Iterator[Finding]:
    for rule in OF_TASKS:
        if (found := rule(of_task)) is not None:
            yield found
    for placed in OF_PLACES:
        if (found := placed(of_task, definition)) is not None:
            yield found
