"""The executions of a page of a list, with how far they have come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.domain.executions import Execution
from app.engine.overview.outline import Outline
from app.engine.overview.ports import Advance, Naming, Revision, Surroundings

NOT_KNOWN = Advance(0, None, None, (), ())
"""Of an execution that was removed meanwhile."""


@dataclass(frozen=True, slots=True)
class CurrentTask:
    """A task that has started and not ended."""

    id: int
    name: str
    is_retrying: bool


@dataclass(frozen=True, slots=True)
class ListedExecution:
    """total: how many tasks it has that are not compensations. `done` and `open` are as in `Advance`."""

    execution: Execution
    workflow: Naming
    retried_by: UUID | None
    percent: int
    done: int | None
    total: int
    open: int | None
    current: Sequence[CurrentTask]


@dataclass(frozen=True, slots=True)
class ListedPage:
    """next_cursor: the next page has the ids below it; None on the last page."""

    executions: Sequence[ListedExecution]
    next_cursor: UUID | None


def revision_of(execution: Execution) -> Revision:
    return Revision(execution.workflow_id, execution.revision)


def listed(
    execution: Execution, outline: Outline, around: Surroundings | None, advance: Advance = NOT_KNOWN
) -> ListedExecution:
    return ListedExecution(
        execution,
        naming(outline, around),
        None if around is None else around.retried_by,
        advance.percent,
        advance.done,
        outline.steps,
        advance.open,
        [CurrentTask(one, outline.name_of(one) or "", one in advance.retrying) for one in advance.current],
    )


def naming(outline: Outline, around: Surroundings | None) -> Naming:
    """How the workflow is called now; if it was deleted, how it was called in the revision."""
    now = None if around is None else around.workflow
    return now or Naming(outline.name, outline.key)


def uncounted(outlines: Mapping[Revision, Outline]) -> tuple[Sequence[int], Sequence[int]]:
    """The tasks that are compensations, and those behind which an execution continues when they have failed."""
    known = outlines.values()
    return [task for one in known for task in one.undo], [task for one in known for task in one.may_fail]
