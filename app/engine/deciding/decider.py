"""What an execution does next. Pure: no clock, no I/O, no randomness; the same history always decides the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.executions import Failure
from app.domain.states import ExecutionStatus
from app.engine.deciding.state import ExecutionState


@dataclass(slots=True)
class StartTask:
    """Record that the task's next attempt starts; it does when that is stored."""

    index: int


@dataclass(slots=True)
class StopAttempt:
    """Cancel the task's running attempt; the task ends when the attempt has."""

    index: int


@dataclass(slots=True)
class CancelTask:
    """Record that a task that waits for its next attempt is cancelled."""

    index: int


@dataclass(slots=True)
class TakeSignal:
    """Record that the task, which waits for a signal, completes with this payload (JSON text)."""

    index: int
    payload: str


@dataclass(slots=True)
class Finish:
    """Record that the execution ends; `failure` says why it did not complete."""

    status: ExecutionStatus
    failure: Failure | None = None


Command = StartTask | StopAttempt | CancelTask | TakeSignal | Finish


def decide(state: ExecutionState) -> Sequence[Command]:
    """The commands for an execution in this state; none when it can only wait."""
    if state.is_final:
        return ()
    if state.is_stopping and not state.is_paused:
        return _stop(state)
    # Signals before starts: a task that gets its signal may make others ready, and these start in the same step. A
    # pause starts nothing, but what has begun may end: a signal ends a wait as its time does.
    taken = _signals_to_take(state) if state.signals else ()
    if taken or state.is_paused:
        return taken
    if state.ready:
        return [StartTask(index) for index in state.ready]
    if state.course.is_done:
        return [Finish(ExecutionStatus.COMPLETED)]
    return ()


def _stop(state: ExecutionState) -> Sequence[Command]:
    """End what runs, then undo what completed, one by one, then finish."""
    # What runs comes first: a step that still completes has to be undone, too.
    if steps := state.open_steps:
        return [CancelTask(index) if state.tasks[index].only_waits else StopAttempt(index) for index in steps]
    if state.open:
        return _signals_to_take(state)
    if (index := state.next_compensation) is not None:
        return [StartTask(index)]
    return [_end_of_stopping(state)]


def _signals_to_take(state: ExecutionState) -> Sequence[Command]:
    """At most one per signal's name: which one comes next is known when this one is taken."""
    taken: dict[str, TakeSignal] = {}
    for index in state.open:
        task = state.tasks[index]
        name = task.wait.signal if task.only_waits and task.wait is not None else None
        if name is not None and name not in taken and (signal := state.signal_for(index)) is not None:
            taken[name] = TakeSignal(index, signal.payload)
    return list(taken.values())


def _end_of_stopping(state: ExecutionState) -> Finish:
    if state.failure is not None and state.cancel_reason is None:
        status, why = ExecutionStatus.FAILED, state.failure
    else:
        status, why = ExecutionStatus.CANCELLED, Failure("cancelled", state.cancel_reason or "cancelled on request")
    return Finish(status, replace(why, message="; ".join((why.message, *state.not_undone))))


def why_cancelled(state: ExecutionState) -> Failure:
    """The reason to record for a task that is cancelled in this state."""
    if state.cancel_reason is not None:
        return Failure("cancelled", state.cancel_reason or "the execution was cancelled")
    return Failure("cancelled", "the execution is failing")
