"""Runs one execution: outcomes in, decisions carried out, events to the recorder.

It decides ahead and acts behind: the state takes up each event when it is handed to the recorder, so that further
outcomes can be decided on at once; handlers are started, stopped and watchers told only when the events are committed.
A step that does not land means that the execution is no longer this engine's: the run is dropped, and whoever owns it
now continues from what is stored.

Everything here runs on the event loop's thread and never waits.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import orjson

from app.domain.events import Event, EventType
from app.domain.executions import Execution
from app.domain.handlers import Attempt
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.attempts import Attempts
from app.engine.decider import CancelTask, Command, Finish, StartTask, StopAttempt, decide
from app.engine.drafts import Draft, failure_of, next_event
from app.engine.outcomes import Outcome, Stopped
from app.engine.outputs import Outputs, final_output
from app.engine.ports import Clock, ControlCommand, Opening, RowChange, Step
from app.engine.progress import ProgressReports
from app.engine.recorder import Lane, Recorder
from app.engine.state import ExecutionState
from app.engine.transitions import cancelled, draft_of_outcome, drafts_of_cancelling, drafts_of_resuming
from app.engine.watchers import Hub

FINAL_EVENT = {
    ExecutionStatus.COMPLETED: EventType.EXECUTION_COMPLETED,
    ExecutionStatus.FAILED: EventType.EXECUTION_FAILED,
    ExecutionStatus.CANCELLED: EventType.EXECUTION_CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Tools:
    """What all runs of an engine share. `chance` gives numbers from 0 to 1."""

    recorder: Recorder
    attempts: Attempts
    hub: Hub
    clock: Clock
    max_output_bytes: int
    chance: Callable[[], float] = random.random


class Run:
    """One execution that this engine owns. `on_gone(run)` is called once, when it has ended or was lost."""

    def __init__(
        self, execution: Execution, state: ExecutionState, tools: Tools, on_gone: Callable[["Run"], None]
    ) -> None:
        self.execution = execution
        self.state = state
        self.draining = False
        self._lane = Lane()
        self._tools = tools
        self._on_gone = on_gone
        self._input: Any = orjson.loads(execution.input)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._obeyed: set[int] = set()
        self._progress = ProgressReports(self._write_progress)

    @property
    def id(self) -> UUID:
        return self.execution.id

    @property
    def is_busy(self) -> bool:
        """True while a handler runs."""
        return bool(self._tasks)

    def open(self, opening: Opening, settled: Callable[[bool], None]) -> None:
        """Begin a new execution in one step; `settled(landed)` tells whether it was accepted."""
        drafts = (Draft(EventType.EXECUTION_CREATED), Draft(EventType.EXECUTION_STARTED))
        self._advance(drafts, opening=opening, settled=settled)

    def resume(self, commands: Sequence[ControlCommand]) -> None:
        """Continue a claimed execution: a new one begins; attempts that ended with their engine are made again."""
        drafts = drafts_of_resuming(self.state, commands, self._tools.clock.now())
        self._obeyed.update(command.id for command in commands)
        self._advance(drafts, done_commands=[command.id for command in commands])
        for index in self.state.open:
            self._set_timer(index)

    def obey(self, commands: Sequence[ControlCommand]) -> None:
        """Carry out commands that were left for this execution; each is answered once, however often it is read."""
        new = [command for command in commands if command.id not in self._obeyed]
        if new:
            self._obeyed.update(command.id for command in new)
            self._advance(drafts_of_cancelling(self.state, new), done_commands=[command.id for command in new])

    def drain(self) -> None:
        """Start nothing more; what runs may end and is recorded."""
        self.draining = True
        self._cancel_timers()

    def stop_attempts(self) -> None:
        """Cancel what still runs; after `drain` that leaves no trace in the history."""
        for task in self._tasks.values():
            task.cancel()

    def abandon(self) -> None:
        """Drop everything at once: the execution is not this engine's any more."""
        self._lane.lost = True
        self._cancel_timers()
        self.stop_attempts()
        self._tasks.clear()

    # From what happened to events

    def _ended(self, index: int, number: int, outcome: Outcome) -> None:
        """An attempt reports its outcome, once."""
        self._tasks.pop(index, None)
        if self._lane.lost or (self.draining and isinstance(outcome, Stopped)):
            return
        end = draft_of_outcome(self.state, index, outcome, self._tools.clock.now(), self._tools.chance())
        progress = self._progress.last_words(index)
        words = () if progress is None else (Draft(EventType.TASK_PROGRESSED, index, number, progress),)
        self._advance((*words, end))

    def _write_progress(self, index: int, number: int, data: str) -> bool:
        """False when the attempt has ended and its progress is of no interest any more."""
        task = self.state.tasks[index]
        if self._lane.lost or task.attempt != number or task.status is not TaskStatus.RUNNING:
            return False
        self._advance((Draft(EventType.TASK_PROGRESSED, index, number, data),))
        return True

    # One step: decide ahead

    def _advance(
        self,
        drafts: Sequence[Draft],
        opening: Opening | None = None,
        settled: Callable[[bool], None] | None = None,
        done_commands: Sequence[int] = (),
    ) -> None:
        """Take up `drafts` and everything that follows from them, and hand it to the recorder as one step."""
        before = self.state.status
        events = [self._take_up(draft) for draft in drafts]
        stops: list[int] = []
        while not self.draining:
            commands = decide(self.state)
            stops += [command.index for command in commands if isinstance(command, StopAttempt)]
            followed = [self._take_up(draft) for command in commands if (draft := self._draft_of(command))]
            if not followed:
                break
            events += followed
        if events or done_commands:
            step = Step(self.id, events, opening, self._row_change(before, events), done_commands)
            self._tools.recorder.submit(self._lane, step, partial(self._settled, events, stops, settled))

    def _take_up(self, draft: Draft) -> Event:
        event = next_event(self.state, draft, self._tools.clock.now())
        self.state.apply(event)
        return event

    def _draft_of(self, command: Command) -> Draft | None:
        match command:
            case StartTask(index):
                return Draft(EventType.TASK_STARTED, index, self.state.tasks[index].attempt + 1)
            case CancelTask(index):
                return cancelled(self.state, index)
            case StopAttempt():
                return None
            case Finish(status, failure):
                limit = self._tools.max_output_bytes
                data = final_output(self.state, limit) if failure is None else failure_of(failure)
                return Draft(FINAL_EVENT[status], data=data)

    def _row_change(self, before: ExecutionStatus, events: Sequence[Event]) -> RowChange | None:
        after = self.state.status
        if before is after:
            return None
        started = next((e.occurred_at for e in events if e.type is EventType.EXECUTION_STARTED), None)
        if not after.is_final:
            return RowChange(after, started)
        end = events[-1]
        if after is ExecutionStatus.COMPLETED:
            return RowChange(after, started, end.occurred_at, output=end.data)
        return RowChange(after, started, end.occurred_at, failure=end.data)

    # Committed: act behind

    def _settled(
        self,
        events: Sequence[Event],
        stops: Sequence[int],
        settled: Callable[[bool], None] | None,
        landed: bool,
    ) -> None:
        if settled is not None:
            settled(landed)
        if not landed:
            self.abandon()
            self._on_gone(self)
            return
        self._tools.hub.publish(self.id, events)
        for event in events:
            self._act_on(event)
        for index in stops:
            if (task := self._tasks.get(index)) is not None:
                task.cancel()

    def _act_on(self, event: Event) -> None:
        index = -1 if event.task_id is None else self.state.plan.index_of[event.task_id]
        if event.type is EventType.TASK_STARTED:
            self._start(index, event.attempt)
        elif event.type is EventType.TASK_RETRYING:
            self._set_timer(index)
        elif event.type is EventType.TASK_PROGRESSED:
            self._progress.written(index)
        elif event.type.is_final:
            self._on_gone(self)

    def _start(self, index: int, number: int) -> None:
        if self.draining:
            return
        planned = self.state.plan.tasks[index]
        attempt = Attempt(
            execution_id=self.id,
            workflow_id=self.execution.workflow_id,
            task_id=planned.id,
            task_name=planned.name,
            number=number,
            config=planned.config,
            input=self._input,
            upstream=Outputs(self.state),
            first_started_at=self.state.tasks[index].first_started_at or self._tools.clock.now(),
            report=partial(self._progress.report, index, number),
        )
        ended = partial(self._ended, index, number)
        task = self._tools.attempts.start(attempt, planned.type, planned.timeout_seconds, ended)
        if task is not None:
            self._tasks[index] = task

    def _set_timer(self, index: int) -> None:
        task = self.state.tasks[index]
        if task.status is TaskStatus.RETRYING and task.retry_at is not None and not self.draining:
            wait = (task.retry_at - self._tools.clock.now()).total_seconds()
            self._timers[index] = asyncio.get_running_loop().call_later(max(wait, 0), self._retry, index)

    def _retry(self, index: int) -> None:
        self._timers.pop(index, None)
        task = self.state.tasks[index]
        if not self._lane.lost and not self.draining and task.status is TaskStatus.RETRYING:
            self._advance((Draft(EventType.TASK_STARTED, index, task.attempt + 1),))

    def _cancel_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
