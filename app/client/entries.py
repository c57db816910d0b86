"""One entry of a history, as gRPC streams it and `--json` prints it."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.documents import rfc3339
from app.domain.waiting import Awaited

FINAL = frozenset({"completed", "failed", "cancelled"})
TASK_FINAL = FINAL | {"skipped"}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt, a task or the execution did not succeed; `code` is stable."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a history.

    status, progress_percent: of the execution, after the entry.
    task fields: None if the entry is about the execution.
    output: JSON text; None for null.
    waits_for: what the task waits for from this entry on; None if it does not wait.
    """

    execution_id: str
    workflow_id: str
    sequence: int
    occurred_at: datetime
    status: str
    progress_percent: int
    task_id: str | None
    task_name: str | None
    task_status: str | None
    attempt: int
    message: str
    output: str | None
    error: Failure | None
    waits_for: Awaited | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def document(self) -> dict[str, Any]:
        """The entry as one JSON object, with the field names and types of the REST API's events."""
        return {
            **asdict(self),
            "workflow_id": json_id(self.workflow_id),
            "task_id": json_id(self.task_id),
            "occurred_at": rfc3339(self.occurred_at),
            "output": None if self.output is None else json.loads(self.output),
            "waits_for": _wait_document(self.waits_for),
        }


@dataclass(frozen=True, slots=True)
class EntityEntry:
    """One entry of an entity's history.

    context, data: JSON text; None for none.
    """

    entity_id: str
    machine_id: str
    sequence: int
    occurred_at: datetime
    transition: str | None
    from_state: str | None
    to_state: str | None
    actor: str
    on_behalf_of: str | None
    notes: str | None
    context: str | None
    data: str | None
    execution_id: str | None
    message: str

    def document(self) -> dict[str, Any]:
        """As `Entry.document`."""
        return {
            **asdict(self),
            "machine_id": json_id(self.machine_id),
            "occurred_at": rfc3339(self.occurred_at),
            "context": None if self.context is None else json.loads(self.context),
            "data": None if self.data is None else json.loads(self.data),
        }


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One event of any execution, or of any entity.

    position: its place among all events.
    type: such as `task_completed`.
    entry: the event as an entry of its history.
    """

    position: int
    type: str
    entry: Entry | EntityEntry

    def document(self) -> dict[str, Any]:
        return {"position": self.position, "type": self.type, **self.entry.document()}


def feed_entry_of(event: pb.FeedEvent) -> FeedEntry:
    entry = entity_entry_of(event.entity) if event.HasField("entity") else entry_of(event.update)
    return FeedEntry(event.position, event.type, entry)


def entity_entry_of(update: pb.EntityUpdate) -> EntityEntry:
    return EntityEntry(
        entity_id=update.entity_id,
        machine_id=update.machine_id,
        sequence=update.sequence,
        occurred_at=update.occurred_at.ToDatetime(UTC),
        transition=update.transition or None,
        from_state=update.from_state or None,
        to_state=update.to_state or None,
        actor=update.actor,
        on_behalf_of=update.on_behalf_of or None,
        notes=update.notes or None,
        context=update.context or None,
        data=update.data or None,
        execution_id=update.execution_id or None,
        message=update.message,
    )


def entry_of(update: pb.WorkflowExecutionUpdate) -> Entry:
    return Entry(
        execution_id=update.execution_id,
        workflow_id=update.workflow_id,
        sequence=update.sequence,
        occurred_at=update.occurred_at.ToDatetime(UTC),
        status=status_word(update.status),
        progress_percent=update.progress_percent,
        task_id=update.current_task_id or None,
        task_name=update.current_task_name or None,
        task_status=_task_status_word(update.task_status),
        attempt=update.attempt,
        message=update.message,
        output=update.output or None,
        error=failure_of(update),
        waits_for=_awaited(update),
    )


def _awaited(update: pb.WorkflowExecutionUpdate) -> Awaited | None:
    if not update.HasField("waits_for"):
        return None
    wait = update.waits_for
    return Awaited(wait.signal or None, wait.until.ToDatetime(UTC) if wait.HasField("until") else None)


def _wait_document(awaited: Awaited | None) -> dict[str, Any] | None:
    return None if awaited is None else {"signal": awaited.signal, "until": rfc3339(awaited.until)}


def awaited_in(document: dict[str, Any]) -> Awaited | None:
    """What the task waits for, from an event or a task of the REST API."""
    if (wait := document.get("waits_for")) is None:
        return None
    return Awaited(wait["signal"], None if wait["until"] is None else datetime.fromisoformat(wait["until"]))


def failure_of(message: pb.WorkflowExecutionUpdate | pb.WorkflowStatusResponse | pb.ExecutionSummary) -> Failure | None:
    return Failure(message.error.code, message.error.message) if message.HasField("error") else None


def instant(message: pb.ExecutionSummary, field: str) -> str | None:
    """A time of the message as RFC 3339; None if it is not set."""
    return rfc3339(getattr(message, field).ToDatetime(UTC)) if message.HasField(field) else None


def json_id(text: str | None) -> int | str | None:
    """The id of a workflow or task as JSON has it: a number."""
    return int(text) if text is not None and text.isdecimal() else text


def status_word(status: pb.ExecutionStatus) -> str:
    """`running` for RUNNING; the number of a status that is newer than this program."""
    known = pb.ExecutionStatus.DESCRIPTOR.values_by_number.get(status)
    return known.name.lower() if known else f"status {status}"


def _task_status_word(status: pb.TaskStatus) -> str | None:
    if status == pb.TASK_STATUS_UNSPECIFIED:
        return None
    known = pb.TaskStatus.DESCRIPTOR.values_by_number.get(status)
    return known.name.removeprefix("TASK_").lower() if known else f"status {status}"
