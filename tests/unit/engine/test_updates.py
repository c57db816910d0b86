"""The sentence, output and failure that an event is shown with."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.domain.events import Event, EventType
from app.domain.executions import Failure
from app.domain.states import ExecutionStatus, TaskStatus
from app.domain.waiting import Awaited
from app.engine.deciding.event_data import failure_data, message_data
from app.engine.watching.updates import Update
from tests.support.histories import NOON

ORIGIN = "01990000-0000-7000-8000-000000000001"


def update(type: EventType, data: str | None = None, task: str | None = None, attempt: int = 0) -> Update:
    event = Event(1, type, NOON, ExecutionStatus.RUNNING, 0, None if task is None else 7, attempt, data)
    return Update(uuid4(), 1, event, task)


@pytest.mark.parametrize(
    ("shown", "sentence"),
    [
        (update(EventType.EXECUTION_CREATED), "Execution accepted"),
        (
            update(EventType.EXECUTION_CREATED, f'{{"origin_id":"{ORIGIN}","from_task":null}}'),
            f"Execution accepted: it repeats execution {ORIGIN}",
        ),
        (
            update(EventType.EXECUTION_CREATED, f'{{"origin_id":"{ORIGIN}","from_task":"a b"}}'),
            f"Execution accepted: it repeats execution {ORIGIN} from task 'a b' on",
        ),
        (update(EventType.TASK_SKIPPED, message_data("by hand").text, "a"), "Task 'a' skipped: by hand"),
        (update(EventType.TASK_SKIPPED, message_data("").text, "a"), "Task 'a' skipped"),
        (
            update(EventType.TASK_REUSED, '"any output, { and all"', "a"),
            "Task 'a' completed: its result is reused from the execution that this one repeats",
        ),
        (
            update(EventType.EXECUTION_FAILING, failure_data("timeout", "it took too long").text),
            "Execution is failing: it took too long",
        ),
    ],
)
def test_the_sentence(shown: Update, sentence: str) -> None:
    assert shown.message == sentence


UNTIL = "2026-01-02T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("data", "attempt", "message", "awaited"),
    [
        (None, 1, "Task 'a' started", None),
        (None, 2, "Task 'a' started, attempt 2", None),
        (
            f'{{"until":"{UNTIL}","signal":"go","failure":{{"code":"timeout","message":"late"}}}}',
            1,
            f"Task 'a' waits for signal 'go' until {UNTIL}; send it with: workflow signal ID go --payload '{{}}'",
            Awaited("go", datetime(2026, 1, 2, 12, tzinfo=UTC)),
        ),
        (
            '{"until":null,"signal":"go"}',
            2,
            "Task 'a', attempt 2: waits for signal 'go'; send it with: workflow signal ID go --payload '{}'",
            Awaited("go", None),
        ),
        (
            f'{{"until":"{UNTIL}","signal":null,"output":{{"seconds":5}}}}',
            1,
            f"Task 'a' waits until {UNTIL}",
            Awaited(None, datetime(2026, 1, 2, 12, tzinfo=UTC)),
        ),
        ('{"until":null,"signal":null}', 1, "Task 'a' waits", Awaited(None, None)),
    ],
)
def test_a_started_task_says_what_it_waits_for(data, attempt, message, awaited) -> None:
    shown = update(EventType.TASK_STARTED, data, "a", attempt)
    assert (shown.message, shown.waits_for) == (message.replace("ID", str(shown.execution_id)), awaited)


def test_a_failed_attempt_says_when_the_next_one_starts() -> None:
    failed = f'{{"code":"timeout","message":"late","retry_at":"{UNTIL}"}}'
    shown = update(EventType.TASK_RETRYING, failed, "a", 2)
    assert shown.waits_for == Awaited(None, datetime(2026, 1, 2, 12, tzinfo=UTC))
    assert shown.message == "Attempt 2 of task 'a' failed and will be repeated: late"
    ended = update(EventType.TASK_FAILED, '{"code":"timeout","message":"late"}', "a", 3)
    assert ended.waits_for is None


def test_every_event_has_a_sentence() -> None:
    data = {
        EventType.SIGNAL_RECEIVED: '{"name":"go","payload":null}',
        EventType.TASK_PROGRESSED: '{"message":"half-way","percent":50}',
        EventType.TASK_ITEM_COMPLETED: '{"index":0,"count":2,"output":null}',
    }
    for kind in EventType:
        assert update(kind, data.get(kind), "a", 1).message, kind


def test_what_was_taken_over_shows_its_output() -> None:
    shown = update(EventType.TASK_REUSED, '{"n": 1.0}', "a")

    assert (shown.output, shown.failure, shown.task_status) == ('{"n": 1.0}', None, TaskStatus.COMPLETED)


def test_what_was_skipped_has_neither_output_nor_failure() -> None:
    shown = update(EventType.TASK_SKIPPED, message_data("by hand").text, "a")

    assert (shown.output, shown.failure, shown.task_status) == (None, None, TaskStatus.SKIPPED)


def test_a_failing_execution_shows_why() -> None:
    shown = update(EventType.EXECUTION_FAILING, failure_data("timeout", "it took too long").text)

    assert (shown.failure, shown.task_status) == (Failure("timeout", "it took too long"), None)
