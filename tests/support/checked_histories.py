"""Histories of one workflow, whole and with something wrong, and what the checker finds in them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from app.checking.findings import Finding, Rule
from app.checking.history import HistoryCheck, StoredEvent
from app.checking.rows import CheckedRow, finish
from app.checking.task_order import TaskOrder, task_order
from app.domain.events import Event, EventType
from tests.support.stories import parallel, plan_of, story, sync, workflow_of

TASKS = (sync("a"), sync("b"), parallel("c"), parallel("d"), sync("e", 1))
PLAN = plan_of(*TASKS)
ORDER = task_order(workflow_of(*TASKS))
ID = UUID(int=7)

BEGUN = ("created", "started", "a started")
BOTH = (*BEGUN, "a completed", "b started", "b completed")
FORKED = (*BOTH, "c started", "d started")
DONE = (*FORKED, "d completed", "c completed", "e started", "e completed", "completed")


def events_of(*words: str) -> list[Event]:
    completed = EventType.EXECUTION_COMPLETED
    return [e._replace(progress_percent=100) if e.type is completed else e for e in story(PLAN, *words)]


def row_of(events: Sequence[Event], **changes: Any) -> CheckedRow:
    """The row that goes with the events."""
    last = next((event for event in events if event.type.is_final), events[-1])
    completed = last.type is EventType.EXECUTION_COMPLETED
    started = next((event.occurred_at for event in events if event.type is EventType.EXECUTION_STARTED), None)
    row = CheckedRow(
        id=ID,
        workflow_id=1,
        revision=1,
        status=last.status,
        started_at=started,
        finished_at=last.occurred_at if last.type.is_final else None,
        owner_id=None if last.type.is_final else 5,
        owner_exists=not last.type.is_final,
        output=last.data if completed else None,
        failure=last.data if last.type.is_final and not completed else None,
        tenant_id=1,
        tenant_of_revision=1,
    )
    return replace(row, **changes)


def found(events: Sequence[StoredEvent], row: CheckedRow | None, order: TaskOrder | None = ORDER) -> list[Finding]:
    check = HistoryCheck(ID, order)
    for event in events:
        check.take(event)
    finish(check, row)
    return check.found


def told(events: Sequence[Event], **row_changes: Any) -> list[tuple[int, Rule, str]]:
    findings = found(events, row_of(events, **row_changes))
    return [(finding.sequence, finding.rule, finding.sentence) for finding in findings]
