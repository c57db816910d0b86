"""Compares an execution's row with its history, which is the truth. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.checking.findings import Rule
from app.checking.history import HistoryCheck
from app.domain.events import EventType


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """An execution's row.

    `output` and `failure` are texts or fingerprints, of the same kind as the events' `data`. `tenant_of_revision` is
    None if the revision is not stored.
    """

    id: UUID
    workflow_id: int
    revision: int
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    owner_id: int | None
    owner_exists: bool
    output: str | None
    failure: str | None
    tenant_id: int
    tenant_of_revision: int | None


def finish(history: HistoryCheck, row: CheckedRow | None) -> None:
    """Compare the row with the complete history, and add findings. `row` is None if there is none."""
    if row is None:
        history.report(Rule.NO_ROW, f"{history.sequence} events and no row in executions")
        return
    if history.order is None:
        sentence = f"revision {row.revision} of workflow {row.workflow_id} is not stored, or cannot be read"
        history.report(Rule.NO_REVISION, sentence)
    if row.tenant_of_revision not in (None, row.tenant_id):
        history.report(
            Rule.TENANT,
            f"it is of tenant {row.tenant_id}, revision {row.revision} of workflow {row.workflow_id} of tenant "
            f"{row.tenant_of_revision}",
        )
    if row.owner_id is not None and not row.owner_exists:
        history.report(Rule.ORPHANED, f"it belongs to engine {row.owner_id}, which does not exist")
    if history.sequence == 0:
        history.report(Rule.NO_EVENTS, f"a row that is {row.status}, and no event")
        return
    for sentence in _differences(history, row):
        history.report(Rule.ROW, sentence)


def _differences(history: HistoryCheck, row: CheckedRow) -> Iterator[str]:
    end = history.end
    if row.status != history.status:
        yield f"the row is {row.status}, the history {history.status}"
    if row.started_at != history.started_at:
        yield f"the row started at {row.started_at}, the history at {history.started_at}"
    ended_at = None if end is None else end.occurred_at
    if row.finished_at != ended_at:
        yield f"the row finished at {row.finished_at}, the history at {ended_at}"
    completed = end is not None and end.type == EventType.EXECUTION_COMPLETED
    data = None if end is None else end.data
    if row.output != (data if completed else None):
        yield "the row has another output than the history"
    if row.failure != (None if completed else data):
        yield "the row has another failure than the history"
    if end is not None and row.owner_id is not None:
        yield f"it has ended and still belongs to engine {row.owner_id}"
