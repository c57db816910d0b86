"""Runs one execution: outcomes in, decisions carried out, events to the recorder.

It decides ahead and acts behind: the state takes up each event when it is handed to the recorder, so that further
outcomes can be decided on at once; handlers are started, stopped and watchers told only when the events are committed.
A step that does not land means that the execution is no longer this engine's: the run is dropped, and whoever owns it
now continues from what is stored.

Everything here runs on the event loop's thread and never waits.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial, wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

import structlog

from app.domain.events import FINAL_EVENTS, Event, EventType
from app.domain.executions import Execution
from app.domain.handlers import TaskError
from app.domain.states import TaskStatus
from app.engine.deciding.drafts import Draft, element_data
from app.engine.deciding.outcomes import Failed, Outcome, Stopped, Succeeded
from app.engine.deciding.parking import must_end_by, seconds_to_wait
from app.engine.deciding.state import ExecutionState
from app.engine.deciding.transitions import (
    draft_of_outcome,
    draft_of_timeout,
    drafts_of_control,
    drafts_of_resuming,
    first_to_obey,
    outcome_of_waiting,
    row_change,
    skipped,
    task_to_skip,
)
from app.engine.ports import SIGNAL, SKIP, ControlCommand, Opening, Parking, Step
from app.engine.running.ahead import Ahead
from app.engine.running.collaborators import Collaborators
from app.engine.running.in_flight import RunningAttempts
from app.engine.running.limits import Limits
from app.engine.running.preparing import Preparation
from app.engine.running.progress import ProgressReports
from app.engine.running.recorder import Lane
from app.engine.running.timers import Timers
from app.expressions.errors import EvaluationError

log = structlog.get_logger(__name__)

_TASK_STARTED = EventType.TASK_STARTED
_RUNNING = TaskStatus.RUNNING

P = ParamSpec("P")


def _or_drop(method: Callable[Concatenate["Run", P], None]) -> Callable[Concatenate["Run", P], None]:
    """A defect must not leave an execution that nobody continues: the run is dropped and the execution claimed anew."""

    @wraps(method)
    def call(run: "Run", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(run, *args, **kwargs)
        except Exception:
            log.exception("run_dropped", execution_id=str(run.id))
            run.abandon()

    return call


class Run:
    """One execution that this engine owns. `on_gone(run)` is called once, when it has ended or was lost. `committed` is
    the number of its last event that is stored.

    There may be very many, and all of them at once in memory: what is usually empty is a dict, a third of a set.
    """

    __slots__ = ("_ahead", "_gone", "_lane", "_limits", "_obeyed", "_on_gone", "_parking", "_preparation",
                 "_progress", "_running", "_shared", "_skips", "_timers", "_unsettled", "committed", "draining",
                 "execution", "state")  # fmt: skip

    def __init__(
        self,
        execution: Execution,
        state: ExecutionState,
        shared: Collaborators,
        limits: Limits,
        on_gone: Callable[["Run"], None],
    ) -> None:
        self.execution = execution
        self.state = state
        self.committed = state.sequence
        self.draining = False
        self._lane = Lane()
        self._shared = shared
        self._limits = limits
        self._on_gone = on_gone
        self._preparation = Preparation(execution, state, shared.attempts, shared.secrets)
        self._ahead = Ahead(state, self._preparation, limits)
        self._running = RunningAttempts(shared.attempts, limits.cancel_grace_seconds, self._ended)
        self._skips: dict[int, ControlCommand] = {}
        self._timers = Timers()
        self._unsettled = 0
        self._parking = False
        self._gone = False
        self._obeyed: dict[int, None] = {}
        self._progress = ProgressReports(self._write_progress)

    @property
    def id(self) -> UUID:
        return self.execution.id

    @property
    def is_busy(self) -> bool:
        """True while a handler runs, or is about to: what has been handed to the recorder may start one."""
        return bool(self._running) or self._unsettled > 0

    @property
    def is_lost(self) -> bool:
        """True when it was dropped before its end."""
        return self._lane.lost

    def open(self, opening: Opening, settled: Callable[[bool], None]) -> None:
        """Begin a new execution in one step; `settled(landed)` tells whether it was accepted."""
        drafts = (Draft(EventType.EXECUTION_CREATED), Draft(EventType.EXECUTION_STARTED))
        self._advance(drafts, opening=opening, settled=settled)

    @_or_drop
    def resume(self, commands: Sequence[ControlCommand]) -> None:
        """Continue a claimed execution: a new one begins; attempts that ended with their engine are made again."""
        first = first_to_obey(commands)
        waiting = [index for index in self.state.open if self.state.tasks[index].only_waits]
        drafts = drafts_of_resuming(self.state, first, self._shared.clock.now(), self._limits.max_lost_attempts)
        done = [] if first is None else [first.id]
        self._obeyed.update(dict.fromkeys(done))
        self._advance(drafts, done_commands=done)
        for index in waiting:
            self._set_timer(index)
        self._set_deadline()
        self.obey(commands)
        self._park_if_idle()

    @_or_drop
    def obey(self, commands: Sequence[ControlCommand]) -> None:
        """Carry out commands that were left for this execution; each is answered once, however often it is read."""
        for command in commands:
            if command.id not in self._obeyed and not self._parking:
                self._obeyed[command.id] = None
                self._obey(command)

    def _obey(self, command: ControlCommand) -> None:
        index = task_to_skip(self.state, command) if command.type == SKIP else None
        if (command.type == SIGNAL and self._ahead.is_full) or index in self._skips:
            self._advance((), done_commands=(command.id,))
        elif index is not None and self.state.tasks[index].has_attempt:
            # Answered when the attempt has ended; until then the command stays, should this engine die.
            self._skips[index] = command
            self._running.stop(index)
        else:
            self._advance(drafts_of_control(self.state, command), done_commands=(command.id,))

    def drain(self) -> None:
        """Start nothing more; what runs may end and is recorded."""
        self.draining = True
        self._timers.cancel_all()

    def stop_attempts(self) -> None:
        """Cancel what still runs; after `drain` that leaves no trace in the history."""
        self._running.stop_all()

    def abandon(self) -> None:
        """Drop everything at once: the execution is not this engine's any more."""
        self._lane.lost = True
        self._running.forget_all()
        self._leave()

    def _leave(self, _: Event | None = None) -> None:
        self._timers.cancel_all()
        self._progress.close()
        self._running.close()
        if not self._gone:
            self._gone = True
            self._on_gone(self)

    # From what happened to events

    @_or_drop
    def _ended(self, index: int, number: int, outcome: Outcome) -> None:
        """An attempt reports its outcome, once."""
        if self._lane.lost:
            return
        now = self._shared.clock.now()
        skip = self._skips.pop(index, None)
        if skip is not None and not isinstance(outcome, Succeeded) and task_to_skip(self.state, skip) is not None:
            end = skipped(self.state, index, skip.reason)
        else:
            outcome = self._preparation.checked(index, outcome)
            end = draft_of_outcome(self.state, index, outcome, now, self._shared.chance())
        progress = self._progress.last_words(index, number)
        words = () if progress is None else (Draft(EventType.TASK_PROGRESSED, index, number, progress),)
        self._advance((*words, end), done_commands=() if skip is None else (skip.id,), now=now)

    def _write_progress(self, index: int, number: int, data: str) -> bool:
        """False when the attempt has ended and its progress is of no interest any more."""
        task = self.state.tasks[index]
        if self._lane.lost or self._ahead.is_full or task.attempt != number or task.status is not _RUNNING:
            return False
        self._go_on(Draft(EventType.TASK_PROGRESSED, index, number, data))
        return True

    @_or_drop
    def _go_on(self, draft: Draft) -> None:
        self._advance((draft,))

    # One step: decide ahead

    def _advance(
        self,
        drafts: Sequence[Draft],
        opening: Opening | None = None,
        settled: Callable[[bool], None] | None = None,
        done_commands: Sequence[int] = (),
        now: datetime | None = None,
    ) -> None:
        """Take up `drafts` and everything that follows from them, and hand it to the recorder as one step."""
        before = self.state.status
        events, stops = self._ahead.take(drafts, now or self._shared.clock.now(), draining=self.draining)
        if events or done_commands:
            change = row_change(before, events) if self.state.status is not before else None
            step = Step(self.id, events, opening, change, done_commands)
            self._submit(step, partial(self._settled, events, stops, settled))

    def _submit(self, step: Step, settle: Callable[[bool], None]) -> None:
        self._unsettled += 1
        self._shared.recorder.submit(self._lane, step, settle)

    # Committed: act behind

    @_or_drop
    def _settled(
        self,
        events: Sequence[Event],
        stops: Sequence[int],
        settled: Callable[[bool], None] | None,
        landed: bool,
    ) -> None:
        self._unsettled -= 1
        if settled is not None:
            settled(landed)
        if not landed:
            self.abandon()
            return
        if events:
            self.committed = events[-1].sequence
            self._shared.hub.publish(self.id, events)
        for event in events:
            if (act := _ACTS.get(event.type)) is not None:
                act(self, event)
        for index in stops:
            self._running.stop(index)
        self._park_if_idle()

    def _index(self, event: Event) -> int:
        return self.state.plan.index_of[event.task_id or 0]

    def _wait_for_retry(self, event: Event) -> None:
        self._set_timer(self._index(event))

    def _progressed(self, event: Event) -> None:
        self._progress.written(self._index(event))

    def _start(self, event: Event) -> None:
        index, number = self._index(event), event.attempt
        task = self.state.tasks[index]
        if task.attempt != number or task.status is not _RUNNING:
            return
        if task.wait is not None:
            self._set_timer(index)
        elif index in self._skips:
            self._ended(index, number, Stopped())
        else:
            self._begin(index, number)

    def _begin(self, index: int, number: int) -> None:
        planned = self.state.plan.tasks[index]
        try:
            report = partial(self._progress.report, index, number)
            attempt = self._preparation.attempt(index, number, report, self._running.is_stopping_all)
            handler = self._preparation.handler(index, partial(self._element_completed, index, number))
        except EvaluationError as error:
            self._ended(index, number, Failed(TaskError("expression_failed", str(error), retryable=False)))
            return
        self._running.start(index, attempt, handler, planned.type, self._preparation.mask(index))

    def _element_completed(self, index: int, number: int, count: int, element: int, output: str | None) -> None:
        task = self.state.tasks[index]
        if self._lane.lost or self._ahead.is_full or task.attempt != number or task.status is not _RUNNING:
            return
        if (mask := self._preparation.mask(index)) is not None and output is not None:
            output = mask.json(output)
        self._go_on(Draft(EventType.TASK_ITEM_COMPLETED, index, number, element_data(element, count, output)))

    # Waiting

    def _set_timers(self, _: Event | None = None) -> None:
        for index in self.state.open:
            self._set_timer(index)

    def _set_timer(self, index: int) -> None:
        due = self.state.tasks[index].due_at
        if due is not None and not self.draining:
            self._timers.set(index, self._seconds_until(due), partial(self._due, index))

    def _set_deadline(self, _: Event | None = None) -> None:
        limit = must_end_by(self.state)
        if limit is not None and not self.draining:
            self._timers.set("deadline", self._seconds_until(limit), self._timed_out)

    def _seconds_until(self, due: datetime) -> float:
        return (due - self._shared.clock.now()).total_seconds()

    @_or_drop
    def _timed_out(self) -> None:
        limit = must_end_by(self.state)
        if self._lane.lost or self.draining or limit is None:
            return
        if self._seconds_until(limit) > 0:
            self._set_deadline()
        else:
            self._advance((draft_of_timeout(self.state),))

    @_or_drop
    def _due(self, index: int) -> None:
        task = self.state.tasks[index]
        if self._lane.lost or self.draining or task.due_at is None:
            return
        if self._seconds_until(task.due_at) > 0:
            self._set_timer(index)
        elif task.wait is not None:
            now, chance = self._shared.clock.now(), self._shared.chance()
            self._advance((draft_of_outcome(self.state, index, outcome_of_waiting(task.wait), now, chance),))
        elif not self.state.is_paused:
            self._advance((Draft(EventType.TASK_STARTED, index, task.attempt + 1),))

    def _park_if_idle(self) -> None:
        """Leave an execution that only waits, and waits long, to the database."""
        if self._running or self._unsettled or self.draining or self._gone or self.state.is_final:
            return
        seconds = seconds_to_wait(self.state, self._shared.clock.now())
        if seconds is None or seconds > self._limits.park_after_seconds:
            self._parking = True
            self._timers.cancel_all()
            self._submit(Step(self.id, (), parking=Parking(seconds)), self._parked)

    @_or_drop
    def _parked(self, landed: bool) -> None:
        self._unsettled -= 1
        if landed:
            self._leave()
        else:
            self.abandon()


_ACTS: Mapping[EventType, Callable[[Run, Event], None]] = {
    EventType.TASK_STARTED: Run._start,
    EventType.TASK_RETRYING: Run._wait_for_retry,
    EventType.TASK_PROGRESSED: Run._progressed,
    EventType.EXECUTION_STARTED: Run._set_deadline,
    EventType.EXECUTION_RESUMED: Run._set_timers,
    **dict.fromkeys(FINAL_EVENTS, Run._leave),
}
"""What is to be done when an event is committed."""
