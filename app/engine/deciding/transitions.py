"""What happened, turned into the events that record it. Pure, like the decider."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app.domain.events import FINAL_EVENTS, Event, EventType
from app.domain.handlers import TaskError
from app.domain.states import ExecutionStatus
from app.engine.deciding.decider import (
    CancelTask,
    Command,
    Finish,
    StartTask,
    StopAttempt,
    TakeSignal,
    why_cancelled,
)
from app.engine.deciding.drafts import Draft
from app.engine.deciding.event_data import data_of_failure, failure_data, message_data, signal_data
from app.engine.deciding.outcomes import Failed, Outcome, Stopped, Succeeded
from app.engine.deciding.retrying import draft_of_failure, drafts_of_losses
from app.engine.deciding.state import ExecutionState
from app.engine.deciding.waits import WaitState
from app.engine.ports import CANCEL, PAUSE, RESUME, SIGNAL, SKIP, ControlCommand, RowChange

# Looked up once: an enum's member costs more than a name.
_EXECUTION_STARTED = EventType.EXECUTION_STARTED
_TASK_STARTED = EventType.TASK_STARTED
_TASK_COMPLETED = EventType.TASK_COMPLETED

FINAL_EVENT = {status: event_type for event_type, status in FINAL_EVENTS.items()}


def draft_of_command(state: ExecutionState, command: Command, max_output_bytes: int) -> Draft | None:
    """The event that carries the command out; None for a `StopAttempt`: how the attempt ends is an event of its own."""
    match command:
        case StartTask(index):
            return Draft(_TASK_STARTED, index, state.tasks[index].attempt + 1)
        case CancelTask(index):
            return cancelled(state, index)
        case StopAttempt():
            return None
        case TakeSignal(index, payload):
            output = None if payload == "null" else payload
            return Draft(EventType.TASK_COMPLETED, index, state.tasks[index].attempt, output)
        case Finish(status, failure):
            if failure is not None:
                return Draft(FINAL_EVENT[status], data=data_of_failure(failure))
            return Draft(FINAL_EVENT[status], text=state.course.output(max_output_bytes))


def draft_of_outcome(state: ExecutionState, index: int, outcome: Outcome, now: datetime, chance: float) -> Draft:
    """The end of the task's running attempt. `chance`, from 0 to 1, spreads retries."""
    match outcome:
        case Succeeded(output):
            return Draft(_TASK_COMPLETED, index, state.tasks[index].attempt, output)
        case Failed(error):
            return draft_of_failure(state, index, error, now, chance)
        case Stopped(given_up_after):
            return cancelled(state, index, given_up_after)


def outcome_of_wait(wait: WaitState) -> Outcome:
    """How the wait ends when its time has come."""
    if wait.failure is None:
        return Succeeded(wait.output)
    return Failed(TaskError(wait.failure.code, wait.failure.message))


def cancelled(state: ExecutionState, index: int, given_up_after: float | None = None) -> Draft:
    why = why_cancelled(state)
    if given_up_after is not None:
        why = replace(why, message=f"{why.message}; it did not stop within {given_up_after:g} s and was given up")
    return Draft(EventType.TASK_CANCELLED, index, state.tasks[index].attempt, data=data_of_failure(why))


def drafts_of_control(state: ExecutionState, command: ControlCommand) -> Sequence[Draft]:
    """What the command changes; nothing where the execution is so already, or where the command comes too late."""
    draft = None if state.is_final else _draft_of_control(state, command)
    return () if draft is None else (draft,)


def _draft_of_control(state: ExecutionState, command: ControlCommand) -> Draft | None:
    note = message_data(command.reason, command.requested_by)
    if command.type == SIGNAL:
        data = signal_data(command.name, command.payload, command.requested_by)
        return Draft(EventType.SIGNAL_RECEIVED, data=data)
    if command.type == SKIP:
        index = task_to_skip(state, command)
        return None if index is None else skipped(state, index, command.reason, command.requested_by)
    if command.type == RESUME:
        return Draft(EventType.EXECUTION_RESUMED, data=note) if state.is_paused else None
    if state.cancel_reason is not None:
        return None
    if command.type == CANCEL:
        return Draft(EventType.CANCEL_REQUESTED, data=note)
    pauses = command.type == PAUSE and state.status is ExecutionStatus.RUNNING
    return Draft(EventType.EXECUTION_PAUSED, data=note) if pauses else None


def task_to_skip(state: ExecutionState, command: ControlCommand) -> int | None:
    """The index of the task that the command asks to skip; None when that is not possible any more."""
    index = state.plan.index_named.get(command.name)
    if index is None or state.is_final or not state.course.may_skip(index):
        return None
    return None if state.is_stopping and not state.is_compensation(index) else index


def skipped(state: ExecutionState, index: int, reason: str, by: str | None = None) -> Draft:
    return Draft(EventType.TASK_SKIPPED, index, state.tasks[index].attempt, data=message_data(reason, by))


def skipped_by_condition(state: ExecutionState, index: int) -> Draft:
    """The task's own condition says that it does not run."""
    when = state.plan.tasks[index].flow.when
    return skipped(state, index, "" if when is None else f"its condition is false: {when.source}")


def draft_of_timeout(state: ExecutionState) -> Draft:
    """The execution has taken longer than its workflow allows."""
    message = f"the execution did not end within {state.plan.timeout_seconds:g} s"
    return Draft(EventType.EXECUTION_FAILING, data=failure_data("execution_timeout", message))


def draft_of_too_many_events(limit: int) -> Draft:
    message = f"the execution has {limit} events, which is the limit (MAX_EVENTS_PER_EXECUTION)"
    return Draft(EventType.EXECUTION_FAILING, data=failure_data("too_many_events", message))


def first_to_apply(commands: Sequence[ControlCommand]) -> ControlCommand | None:
    """Of the commands that wait for a new owner, the one to apply before it begins anything.

    A cancel goes before all; a pause not before a resume that came earlier.
    """
    cancel = next((command for command in commands if command.type == CANCEL), None)
    steering = next((command for command in commands if command.type in (PAUSE, RESUME)), None)
    return cancel or (steering if steering is not None and steering.type == PAUSE else None)


def drafts_of_resuming(
    state: ExecutionState, first: ControlCommand | None, now: datetime, max_lost_attempts: int
) -> Sequence[Draft]:
    """The first events of a new owner.

    A new execution begins. In any other, the attempts that ended with the engine before are recorded as lost and made
    again, unless the execution is stopping or paused, or the task has lost `max_lost_attempts` by now.
    """
    asked = None if first is None else first.type
    if state.status is ExecutionStatus.PENDING and (asked != CANCEL or state.to_undo):
        return _drafts_of_beginning(first)
    drafts = list(drafts_of_control(state, first)) if first is not None else []
    drafts += drafts_of_losses(state, asked, now, max_lost_attempts)
    return drafts


def _drafts_of_beginning(first: ControlCommand | None) -> Sequence[Draft]:
    started = Draft(EventType.EXECUTION_STARTED)
    if first is None:
        return (started,)
    asked = EventType.CANCEL_REQUESTED if first.type == CANCEL else EventType.EXECUTION_PAUSED
    return started, Draft(asked, data=message_data(first.reason, first.requested_by))


def row_change(before: ExecutionStatus, events: Sequence[Event]) -> RowChange | None:
    """How `events` change the execution's row; None when its status stays."""
    if not events or events[-1].status is before:
        return None
    last, started = events[-1], None
    for event in events:
        if event.type is _EXECUTION_STARTED:
            started = event.occurred_at
    if last.type not in FINAL_EVENTS:
        return RowChange(last.status, started)
    if last.status is ExecutionStatus.COMPLETED:
        return RowChange(last.status, started, last.occurred_at, output=last.data)
    return RowChange(last.status, started, last.occurred_at, failure=last.data)
