"""What happened, turned into the events that say so. Pure, like the decider."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.events import FINAL_EVENTS, Event, EventType
from app.domain.handlers import TaskError
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.decider import CancelTask, Command, Finish, StartTask, StopAttempt, retry_at, why_cancelled
from app.engine.drafts import Draft, failure_data, failure_of, message_data
from app.engine.outcomes import Failed, Outcome, Stopped, Succeeded
from app.engine.outputs import final_output
from app.engine.ports import ControlCommand, RowChange
from app.engine.state import ENGINE_LOST, ExecutionState

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


def _draft_of_failure(state: ExecutionState, index: int, error: TaskError, now: datetime, chance: float) -> Draft:
    task = state.tasks[index]
    due = retry_at(state.plan.tasks[index].retry, task.failures + 1, error, now, chance)
    if due is None or state.is_stopping:
        return Draft(EventType.TASK_FAILED, index, task.attempt, failure_data(error.code, error.message))
    return Draft(EventType.TASK_RETRYING, index, task.attempt, failure_data(error.code, error.message, due))


def cancelled(state: ExecutionState, index: int) -> Draft:
    return Draft(EventType.TASK_CANCELLED, index, state.tasks[index].attempt, failure_of(why_cancelled(state)))


def drafts_of_cancelling(state: ExecutionState, commands: Sequence[ControlCommand]) -> Sequence[Draft]:
    """Nothing for an execution that has ended or is being cancelled already."""
    if not commands or state.is_final or state.cancel_reason is not None:
        return ()
    return (Draft(EventType.CANCEL_REQUESTED, data=message_data(commands[0].reason)),)


def drafts_of_resuming(state: ExecutionState, commands: Sequence[ControlCommand], now: datetime) -> Sequence[Draft]:
    """The first events of a new owner: begin, or end the attempts that died with the engine before and repeat them."""
    cancels = drafts_of_cancelling(state, commands)
    stopping = bool(cancels) or state.is_stopping
    if state.status is ExecutionStatus.PENDING:
        return cancels or (Draft(EventType.EXECUTION_STARTED),)
    drafts = list(cancels)
    for index in state.open:
        if state.tasks[index].status is TaskStatus.RUNNING:
            drafts += _drafts_after_engine_loss(state, index, now, stopping=stopping)
    return drafts


def _drafts_after_engine_loss(state: ExecutionState, index: int, now: datetime, *, stopping: bool) -> Sequence[Draft]:
    number = state.tasks[index].attempt
    if stopping:
        data = failure_data("cancelled", "the engine that ran it stopped while the execution was ending")
        return (Draft(EventType.TASK_CANCELLED, index, number, data),)
    data = failure_data(ENGINE_LOST, "the engine that ran it stopped", now)
    return (Draft(EventType.TASK_RETRYING, index, number, data), Draft(EventType.TASK_STARTED, index, number + 1))


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
