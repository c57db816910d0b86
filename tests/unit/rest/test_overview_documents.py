"""A view is bounded whatever an execution has been through."""

from uuid import UUID

import orjson

from app.api.rest.overview_documents import MOST_ATTEMPTS, view_document
from app.domain.events import EventType
from app.domain.executions import Execution
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus
from app.engine.overview.outline import Outline, OutlinedTask
from app.engine.overview.ports import OutlinedEvent, Snapshot, Surroundings
from app.engine.overview.view import view_of
from tests.support.histories import NOON, at

RUNNING = ExecutionStatus.RUNNING
FAILED = '{"code":"timeout","message":"too late","retry_at":null}'


async def document_of(tasks: int, attempts: int) -> dict:
    outlined = [
        OutlinedTask(number, f"t{number}", undo=False, may_fail=False, for_each=False) for number in range(tasks)
    ]
    kinds = (EventType.TASK_STARTED, None), (EventType.TASK_RETRYING, FAILED)
    events = [
        OutlinedEvent(0, kind, at(attempt), RUNNING, 0, task.id, attempt, data, None, 1)
        for task in outlined
        for attempt in range(1, attempts + 1)
        for kind, data in kinds
    ]
    execution = Execution(UUID(int=1), 1, 1, 1, RUNNING, Payload("{}"), NOON)
    outline = Outline("w", None, {task.id: task for task in outlined}, (), ())
    view = await view_of(Snapshot(execution, Surroundings(None, None), events), outline)
    document: dict = orjson.loads(orjson.dumps(await view_document(view)))
    return document


async def test_all_attempts_are_listed_where_they_are_few() -> None:
    document = await document_of(tasks=5, attempts=200)
    assert [len(task["attempts"]) for task in document["tasks"]] == [200] * 5


async def test_of_many_the_first_and_the_last_are_listed_and_all_are_counted() -> None:
    [task] = (await document_of(tasks=1, attempts=1_000))["tasks"]
    assert [attempt["number"] for attempt in task["attempts"]] == [*range(1, 101), *range(901, 1_001)]
    assert (task["attempt_count"], task["attempt"]) == (1_000, 1_000)


async def test_many_tasks_list_fewer_attempts_each() -> None:
    document = await document_of(tasks=1_000, attempts=16)
    listed = [[attempt["number"] for attempt in task["attempts"]] for task in document["tasks"]]
    assert all(numbers == [1, 2, 15, 16] for numbers in listed)
    assert sum(map(len, listed)) <= MOST_ATTEMPTS
