"""What must be true when everything has healed and every process has stopped."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import orjson

from app.checking.history import HistoryCheck
from app.checking.rows import CheckedRow, finish
from app.checking.task_order import task_order
from app.domain.documents import workflow_from_document
from app.domain.events import EventType
from app.domain.executions import Failure
from app.domain.refs import Ref
from app.engine.deciding.event_data import data_of_failure
from tests.support.memory.database import MemoryDatabase, StoredExecution
from tests.support.simulated_clients import Book, Watched
from tests.support.simulated_families import family_problems_at_the_end
from tests.support.simulated_network import run_at_once
from tests.support.simulated_process import SimulatedProcess


def stored_problems(database: MemoryDatabase) -> Iterator[str]:
    for execution_id, row in database.executions.items():
        yield from _history_problems(database, execution_id, row)
        if row.is_open or row.owner_id is not None:
            yield f"{execution_id} is {row.execution.status} at the end, owned by {row.owner_id}, due at {row.due_at}"
    yield from _doubled_keys(database)
    yield from family_problems_at_the_end(database)
    for command in database.commands.values():
        if database.executions[command.execution_id].is_open:
            yield f"{command} was never answered"


def _history_problems(database: MemoryDatabase, execution_id: UUID, row: StoredExecution) -> Iterator[str]:
    execution = row.execution
    tenant_id = database.definitions.tenant_of(execution.workflow_id)
    ref = Ref(tenant_id=tenant_id, id=execution.workflow_id)
    document = run_at_once(database.definitions.revision_document(ref, execution.revision))
    check = HistoryCheck(execution_id, task_order(workflow_from_document(orjson.loads(document))))
    for event in database.histories[execution_id]:
        check.take(event)
        if event.type is EventType.TASK_FAILED and '"output_schema"' in (event.data or ""):
            yield f"{execution_id} was given a signal that its task cannot take: {event.data}"
    owner = row.owner_id
    finish(
        check,
        CheckedRow(
            execution_id,
            execution.workflow_id,
            execution.revision,
            execution.status,
            execution.started_at,
            execution.finished_at,
            owner,
            owner in database.leases,
            execution.output,
            _text(execution.failure),
            execution.tenant_id,
            tenant_id,
        ),
    )
    yield from (str(finding) for finding in check.found if not finding.rule.is_warning)


def _text(failure: Failure | None) -> str | None:
    return None if failure is None else data_of_failure(failure).text


def _doubled_keys(database: MemoryDatabase) -> Iterator[str]:
    rows = [row.execution for row in database.executions.values()]
    keys = Counter((row.workflow_id, row.idempotency_key) for row in rows if row.idempotency_key is not None)
    yield from (f"the key {key} has started {number} executions" for key, number in keys.items() if number > 1)


def client_problems(database: MemoryDatabase, book: Book) -> Iterator[str]:
    for execution_id in book.accepted:
        if execution_id not in database.executions:
            yield f"{execution_id} was accepted and is lost"
    for key, ids in book.by_key.items():
        if len(ids) > 1:
            yield f"the key {key} was answered with {len(ids)} executions"
    for watched in book.watched:
        yield from _watching_problems(database, watched)


def _watching_problems(database: MemoryDatabase, watched: Watched) -> Iterator[str]:
    stored = database.histories.get(watched.execution_id, [])[watched.after :]
    if watched.seen != (stored if watched.ended else stored[: len(watched.seen)]):
        seen = [event.sequence for event in watched.seen]
        yield f"a watcher of {watched.execution_id} from {watched.after} saw {seen} of {len(stored)}"


def process_problems(process: SimulatedProcess) -> Iterator[str]:
    """What a process that was stopped in order has left behind, or died of."""
    loop, place = process.world.loop, process.place
    if (defect := process.defects.first) is not None:
        yield f"{process.name} died of {defect!r}"
    if process.is_dead:
        return
    if process.engine.running or process.hub.watchers:
        yield f"{process.name} keeps {process.engine.running} executions and {process.hub.watchers} watchers"
    if place.unfinished:
        yield f"{process.name} leaves tasks behind: {', '.join(task.get_name() for task in place.unfinished)}"
    if timers := loop.timers_of(place):
        yield f"{process.name} leaves {len(timers)} timers behind"
