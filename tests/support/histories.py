"""Events, steps and openings for tests that write histories by hand."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.domain.definitions import Workflow
from app.domain.events import Event, EventType
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus
from app.engine.identifiers import first_id_at, new_execution_id
from app.engine.ports import Opening, RowChange, Step

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
FAILURE = '{"code":"broken","message":"it broke"}'


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def id_at(instant: datetime) -> UUID:
    """As an execution has that is created at `instant`: ids sort by time."""
    return UUID(int=first_id_at(instant).int | new_execution_id().int % 2**80)


def event(
    sequence: int, type: EventType, status: ExecutionStatus = ExecutionStatus.RUNNING, data: str | None = None, **more
) -> Event:
    """Its time tells its number."""
    return Event(sequence, type, at(sequence), status, more.pop("progress", 0), data=data, **more)


CREATED = event(1, EventType.EXECUTION_CREATED, ExecutionStatus.PENDING)
STARTED = event(2, EventType.EXECUTION_STARTED)
BEGUN = RowChange(ExecutionStatus.RUNNING, started_at=at(2))


def note(sequence: int, text: str = "…") -> Event:
    """An event that stores do not look into."""
    return event(sequence, EventType.CANCEL_REQUESTED, data=f'{{"message":"{text}"}}')


def completed(sequence: int, output: str | None = None) -> Event:
    return event(sequence, EventType.EXECUTION_COMPLETED, ExecutionStatus.COMPLETED, output, progress=100)


def end(sequence: int, output: str | None = None, started_at: datetime | None = None) -> RowChange:
    """The row's change that goes with `completed(sequence)`."""
    return RowChange(ExecutionStatus.COMPLETED, started_at, finished_at=at(sequence), output=output)


def opening(workflow: Workflow, key: str | None = None, input: str = '{"n": 1}', **changes) -> Opening:
    values = {"workflow_id": workflow.id, "revision": workflow.revision, "created_at": at(0), **changes}
    return Opening(input=Payload(input), idempotency_key=key, **values)


def opening_step(execution_id: UUID, workflow: Workflow, key: str | None = None, **changes) -> Step:
    return Step(execution_id, (CREATED, STARTED), opening(workflow, key, **changes), BEGUN)
