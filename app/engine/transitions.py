"""What happened, turned into the events that say so. Pure, like the decider."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.events import FINAL_EVENTS, Event, EventType
from app.domain.handlers import TaskError
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.decider import CancelTask, Command, Finish, StartTask, StopAttempt, TakeSignal, retry_at, why_cancelled
from app.engine.drafts import Draft, failure_data, failure_of, message_data, signal_data
from app.engine.outcomes import Failed, Outcome, Stopped, Succeeded
from app.engine.outputs import final_output
from app.engine.ports import CANCEL, PAUSE, RESUME, SIGNAL, ControlCommand, RowChange
from app.engine.state import ENGINE_LOST, ExecutionState
from app.engine.waits import WaitState

FINAL_EVENT = {status: event_type for event_type, status in FINAL_EVENTS.items()}


def draft_of_command(state: ExecutionState, command: Command, max_output_bytes: int) -> Draft | None:
    """The event that carries the command out; None for one that only an attempt's end answers."""
    match command:
        case StartTask(index):
            return Draft(EventType.TASK_STARTED, index, state.tasks[index].attempt + 1)
        case CancelTask(index):
            return cancelled(state, index)
        case StopAttempt():
            return None
        case TakeSignal(index, payload):
            output = None if payload == "null" else payload
            return Draft(EventType.TASK_COMPLETED, index, state.tasks[index].attempt, output)
        case Finish(status, failure):
            data = final_output(state, max_output_bytes) if failure is None else failure_of(failure)
            return Draft(FINAL_EVENT[status], data=data)


def draft_of_outcome(state: ExecutionState, index: int, outcome: Outcome, now: datetime, chance: float) -> Draft:
    """The end of the task's running attempt. `chance`, from 0 to 1, spreads retries."""
    match outcome:
        case Succeeded(output):
            return Draft(EventType.TASK_COMPLETED, index, state.tasks[index].attempt, output)
        case Failed(error):
            return _draft_of_failure(state, index, error, now, chance)
        case Stopped():
            return cancelled(state, index)


def outcome_of_waiting(wait: WaitState) -> Outcome:
    """How the wait ends when its time has come."""
    if wait.failure is None:
        return Succeeded(wait.output)
    return Failed(TaskError(wait.failure.code, wait.failure.message))


def _draft_of_failure(state: ExecutionState, index: int, error: TaskError, now: datetime, chance: float) -> Draft:
    task = state.tasks[index]
    due = retry_at(state.plan.tasks[index].retry, task.failures + 1, error, now, chance)
    if due is None or state.is_stopping:
        return Draft(EventType.TASK_FAILED, index, task.attempt, failure_data(error.code, error.message))
    return Draft(EventType.TASK_RETRYING, index, task.attempt, failure_data(error.code, error.message, due))


def cancelled(state: ExecutionState, index: int) -> Draft:
    return Draft(EventType.TASK_CANCELLED, index, state.tasks[index].attempt, failure_of(why_cancelled(state)))


def drafts_of_control(state: ExecutionState, command: ControlCommand) -> Sequence[Draft]:
    """What the command makes of the execution; nothing where it is so already, or comes too late."""
    if state.is_final:
        return ()
    note = message_data(command.reason)
    if command.type == CANCEL and state.cancel_reason is None:
        return (Draft(EventType.CANCEL_REQUESTED, data=note),)
    if command.type == PAUSE and state.status is ExecutionStatus.RUNNING:
        return (Draft(EventType.EXECUTION_PAUSED, data=note),)
    if command.type == RESUME and state.is_paused:
        return (Draft(EventType.EXECUTION_RESUMED, data=note),)
    if command.type == SIGNAL:
        return (Draft(EventType.SIGNAL_RECEIVED, data=signal_data(command.name, command.payload)),)
    return ()


def first_to_obey(commands: Sequence[ControlCommand]) -> ControlCommand | None:
    """Of the commands that wait for a new owner, the one to obey before it begins anything.

    A cancel goes before all; a pause not before a resume that came earlier.
    """
    cancel = next((command for command in commands if command.type == CANCEL), None)
    steering = next((command for command in commands if command.type in (PAUSE, RESUME)), None)
    return cancel or (steering if steering is not None and steering.type == PAUSE else None)


def drafts_of_resuming(state: ExecutionState, first: ControlCommand | None, now: datetime) -> Sequence[Draft]:
    """The first events of a new owner: begin, or end the attempts that died with the engine before and repeat them."""
    asked = None if first is None else first.type
    if state.status is ExecutionStatus.PENDING and asked != CANCEL:
        started = Draft(EventType.EXECUTION_STARTED)
        return (started, Draft(EventType.EXECUTION_PAUSED, data=message_data(first.reason))) if first else (started,)
    drafts = list(drafts_of_control(state, first)) if first is not None else []
    stopping = asked == CANCEL or state.is_stopping
    paused = asked == PAUSE or state.is_paused
    for index in state.open:
        task = state.tasks[index]
        if task.status is TaskStatus.RUNNING and task.wait is None:
            drafts += _drafts_after_engine_loss(index, task.attempt, now, stopping=stopping, paused=paused)
    return drafts


def _drafts_after_engine_loss(
    index: int, number: int, now: datetime, *, stopping: bool, paused: bool
) -> Sequence[Draft]:
    if stopping:
        data = failure_data("cancelled", "the engine that ran it stopped while the execution was ending")
        return (Draft(EventType.TASK_CANCELLED, index, number, data),)
    lost = Draft(
        EventType.TASK_RETRYING, index, number, failure_data(ENGINE_LOST, "the engine that ran it stopped", now)
    )
    return (lost,) if paused else (lost, Draft(EventType.TASK_STARTED, index, number + 1))


def row_change(before: ExecutionStatus, events: Sequence[Event]) -> RowChange | None:
    """What `events` make of the execution's row; None when its status stays."""
    if not events or events[-1].status is before:
        return None
    last = events[-1]
    started = next((event.occurred_at for event in events if event.type is EventType.EXECUTION_STARTED), None)
    if not last.type.is_final:
        return RowChange(last.status, started)
    if last.status is ExecutionStatus.COMPLETED:
        return RowChange(last.status, started, last.occurred_at, output=last.data)
    return RowChange(last.status, started, last.occurred_at, failure=last.data)
