"""Decides one step of an execution: the events of what has happened, and of everything that follows from it at once."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.events import Event, EventType
from app.domain.handlers import Wait
from app.engine.deciding.decider import Command, Finish, StartTask, StopAttempt, TakeSignal, decide
from app.engine.deciding.drafts import Draft, take
from app.engine.deciding.outcomes import Failed, Succeeded
from app.engine.deciding.state import ExecutionState
from app.engine.deciding.transitions import (
    draft_of_command,
    draft_of_outcome,
    draft_of_too_many_events,
    skipped_by_condition,
)
from app.engine.deciding.waits import FOR_CHILDREN, WaitData, wait_data
from app.engine.running.ahead import Ahead
from app.engine.running.limits import Limits
from app.engine.running.preparing import Preparation

_TASK_STARTED = EventType.TASK_STARTED
_TASK_SKIPPED = EventType.TASK_SKIPPED


class StepDecider:
    """Takes events into the state of one execution before they are stored: the state is ahead of the history."""

    __slots__ = ("_ahead", "_limits", "_preparation", "_state")

    def __init__(self, state: ExecutionState, preparation: Preparation, ahead: Ahead, limits: Limits) -> None:
        self._state = state
        self._preparation = preparation
        self._ahead = ahead
        self._limits = limits

    @property
    def is_full(self) -> bool:
        """True when the execution has all the events that it may have."""
        return self._state.sequence >= self._limits.max_events

    def decide(self, drafts: Sequence[Draft], now: datetime, *, draining: bool) -> tuple[list[Event], Sequence[int]]:
        """The events of `drafts` and of what follows, and the tasks whose attempts are to be stopped.

        An engine that drains starts no attempts, but what can end without them ends.
        """
        events = [
            self._take(self._with_wait(draft, now) if draft.type is _TASK_STARTED else draft, now) for draft in drafts
        ]
        # What follows may have consequences of its own: an instant wait, a skipped task, the end of the execution.
        while followed := self._follow_up(commands := self._commands(draining=draining), now):
            events += followed
        return events, [command.index for command in commands if isinstance(command, StopAttempt)]

    def _commands(self, *, draining: bool) -> Sequence[Command]:
        commands = decide(self._state)
        return [command for command in commands if not isinstance(command, StartTask)] if draining else commands

    def _follow_up(self, commands: Sequence[Command], now: datetime) -> list[Event]:
        if self.is_full and not self._ends_by_itself(commands):
            return [self._take(draft_of_too_many_events(self._limits.max_events), now)]
        return [self._take(draft, now) for command in commands if (draft := self._draft_of(command, now)) is not None]

    def _ends_by_itself(self, commands: Sequence[Command]) -> bool:
        ending = self._state.is_final or self._state.is_stopping
        return ending or any(isinstance(command, Finish) for command in commands)

    def _draft_of(self, command: Command, now: datetime) -> Draft | None:
        if isinstance(command, StartTask):
            return self._draft_of_start(command, now)
        if isinstance(command, TakeSignal):
            taken = self._preparation.checked(command.index, Succeeded(command.payload))
            if isinstance(taken, Failed):
                return draft_of_outcome(self._state, command.index, taken, now, 0)
        return draft_of_command(self._state, command, self._limits.max_output_bytes)

    def _draft_of_start(self, command: StartTask, now: datetime) -> Draft | None:
        """None while it is evaluated how the task starts: the command comes again when that is known.

        What a task waits for is part of the event that starts it, so that any engine can continue the wait. Started
        without it, the task would seem to have an attempt, which the next engine would make again.
        """
        start = self._ahead.start_of(command.index)
        if start is None:
            return None
        if not start.holds:
            return skipped_by_condition(self._state, command.index)
        if start.wait is None:
            return draft_of_command(self._state, command, self._limits.max_output_bytes)
        data = self._data_of(start.wait, command.index, now)
        return Draft(_TASK_STARTED, command.index, self._state.tasks[command.index].attempt + 1, data=data)

    def _take(self, draft: Draft, now: datetime) -> Event:
        if draft.type is _TASK_STARTED or draft.type is _TASK_SKIPPED:
            self._ahead.forget(draft.index or 0)
        return take(self._state, draft, now)

    def _with_wait(self, draft: Draft, now: datetime) -> Draft:
        """The start of a further attempt, with what the task waits for. `Ahead.may_start` has been asked before."""
        index = draft.index or 0
        if self._preparation.runs_workflows(index):
            wait: Wait | None = FOR_CHILDREN
        elif self._preparation.only_waits(index):
            start = self._ahead.start_of(index)
            wait = None if start is None else start.wait
        else:
            return draft
        data = None if wait is None else self._data_of(wait, index, now)
        return Draft(draft.type, draft.index, draft.attempt, data=data)

    def _data_of(self, wait: Wait, index: int, now: datetime) -> WaitData:
        return wait_data(wait, self._state.plan.tasks[index].timeout_seconds, now)
