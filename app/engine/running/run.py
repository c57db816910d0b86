"""Runs one execution: outcomes in, decisions carried out, events to the recorder.

It decides ahead and acts behind: the state takes each event when that is handed to the recorder, so that further
outcomes can be decided on at once; handlers are started and stopped, and watchers see events, only when these are
committed. A step that is not stored means that the execution is not this engine's any more: the run is dropped, and the
execution's owner continues from what is stored.

Everything here runs on the event loop's thread and never waits. Every way in is guarded by `drop_on_defect`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from app.domain.events import FINAL_EVENTS, EventType
from app.domain.executions import Execution
from app.domain.states import TaskStatus
from app.engine.deciding.drafts import Draft
from app.engine.deciding.outcomes import Outcome, Succeeded
from app.engine.deciding.state import ExecutionState
from app.engine.deciding.transitions import (
    draft_of_outcome,
    drafts_of_control,
    drafts_of_resuming,
    first_to_apply,
    row_change,
    skipped,
    task_to_skip,
)
from app.engine.ports import CHILD_ENDED, SIGNAL, SKIP, ChildEnd, ChildOpening, ControlCommand, Opening, Step
from app.engine.running.ahead import Ahead
from app.engine.running.children import Children, Ended, drafts_of_openings
from app.engine.running.collaborators import Collaborators
from app.engine.running.drop_on_defect import drop_on_defect
from app.engine.running.due_times import QUIET, DueTimes, Key
from app.engine.running.effects import Effects
from app.engine.running.entity_changes import entity_change
from app.engine.running.family import ALONE
from app.engine.running.limits import Limits
from app.engine.running.places import Place, Places
from app.engine.running.preparing import Preparation
from app.engine.running.recorder import WritePermit
from app.engine.running.step_decider import StepDecider
from app.expressions.errors import OverBudget

_RETRYING = TaskStatus.RETRYING
_RUNNING = TaskStatus.RUNNING
_TASK_STARTED = EventType.TASK_STARTED


class Run:
    """One execution that this engine owns. `on_gone(run)` is called once, when it has ended, was parked, or was lost.

    - execution: its row, as it was when it was opened or claimed
    - state: after everything that has been decided, stored or not
    - committed: the number of its last event that is stored
    - draining: true once nothing more is to start here
    """

    # There may be very many in memory at once: what is usually empty is a dict, which takes a third of a set.

    __slots__ = ("_ahead", "_applied", "_decider", "_due_times", "_effects", "_family", "_gone", "_limits", "_on_gone",
                 "_parking", "_permit", "_place", "_preparation", "_shared", "_skips", "_unacknowledged",
                 "committed", "draining", "execution", "state")  # fmt: skip

    def __init__(
        self,
        execution: Execution,
        state: ExecutionState,
        shared: Collaborators,
        limits: Limits,
        places: Places,
        on_gone: Callable[["Run"], None],
    ) -> None:
        self.execution = execution
        self.state = state
        self.committed = state.sequence
        self.draining = False
        self._shared = shared
        self._limits = limits
        self._place = Place(places, execution.group)
        self._on_gone = on_gone
        self._permit = WritePermit()
        self._preparation = Preparation(execution, state, shared.attempts, shared.secrets, shared.evaluations)
        self._ahead = Ahead(self._preparation, self.start_known)
        self._decider = StepDecider(state, self._preparation, self._ahead, limits)
        self._due_times = DueTimes(state, self._preparation, shared, limits.park_after_seconds, self)
        self._effects = Effects(state, self._preparation, self._due_times, shared, limits.cancel_grace_seconds, self)
        has_family = state.plan.calls_workflows or execution.parent is not None
        self._family = Children(execution, state, self._preparation, shared, self) if has_family else ALONE
        self._skips: dict[int, ControlCommand] = {}
        self._applied: dict[int, None] = {}
        self._unacknowledged = 0
        self._parking = False
        self._gone = False

    @property
    def id(self) -> UUID:
        return self.execution.id

    @property
    def is_busy(self) -> bool:
        """True while a handler runs or may be about to: a step is being recorded, or something is being evaluated."""
        return self._unacknowledged > 0 or self._effects.has_attempts or bool(self._ahead)

    @property
    def is_lost(self) -> bool:
        """True when it was dropped before its end."""
        return self._permit.revoked

    def open(self, opening: Opening, opened: Callable[[bool], None]) -> None:
        """Begin a new execution in one step; `opened(stored)` is called with whether that was accepted."""
        drafts = (Draft(EventType.EXECUTION_CREATED, text=opening.created_data), Draft(EventType.EXECUTION_STARTED))
        self._advance(drafts, opening=opening, opened=opened)

    @drop_on_defect
    def resume(self, commands: Sequence[ControlCommand]) -> None:
        """Continue a claimed execution: a new one begins; attempts that ended with their engine are made again.

        A cancel or a pause among `commands` is applied before anything begins: no attempt may start that is then
        stopped at once.
        """
        self._place.take()
        first = first_to_apply(commands)
        # Those of before: what this very step starts is watched when it is committed, as everything that it starts.
        waiting = [index for index in self.state.open if self.state.tasks[index].only_waits]
        drafts = drafts_of_resuming(self.state, first, self._shared.clock.now(), self._limits.max_lost_attempts)
        done = [] if first is None else [first.id]
        self._applied.update(dict.fromkeys(done))
        self._advance(drafts, done_commands=done)
        for index in waiting:
            self._due_times.watch_task(index)
        self._due_times.watch_deadline()
        self.apply_commands(commands)
        self._start_children()
        # Claimed for nothing: the database's clock is ahead, or was wrong when this was parked. Parked at once it might
        # be claimed at once again; so it stays until a timer says to look again.
        if commands or not self._due_times.is_set:
            self._park_if_idle()
        else:
            self._only_waits()

    @drop_on_defect
    def apply_commands(self, commands: Sequence[ControlCommand]) -> None:
        """Carry out commands that were left for this execution; each is applied once, however often it is read.

        While the execution is being parked, they are left for its next owner: they have made it due again.
        """
        for command in commands:
            if command.id not in self._applied and not self._parking:
                self._applied[command.id] = None
                self._apply(command)

    def _apply(self, command: ControlCommand) -> None:
        if command.type == CHILD_ENDED and self._family is not ALONE:
            self._family.take_end(command)
            return
        index = task_to_skip(self.state, command) if command.type == SKIP else None
        if (command.type == SIGNAL and self._decider.is_full) or index in self._skips:
            self._advance((), done_commands=(command.id,))
        elif index is not None and self.state.tasks[index].has_attempt:
            # Done when the attempt has ended; until then the command stays stored, should this engine die.
            self._skips[index] = command
            self._effects.stop_attempt(index)
        else:
            self._advance(drafts_of_control(self.state, command), done_commands=(command.id,))

    def drain(self) -> None:
        """Start nothing more; what runs may end and is recorded."""
        self.draining = True
        self._due_times.stop()
        self._family.stop()

    def stop_attempts(self) -> None:
        """Cancel what still runs; after `drain` that leaves no trace in the history."""
        self._ahead.close()
        self._effects.stop_all()

    def abandon(self) -> None:
        """Drop everything at once: the execution is not this engine's any more."""
        self._permit.revoked = True
        self._effects.forget_all()
        self._leave()

    def _leave(self) -> None:
        self._ahead.close()
        self._effects.close()
        self._family.stop()
        if not self._gone:
            self._gone = True
            self._place.leave()
            self._on_gone(self)

    # From what happened to events

    @drop_on_defect
    def start_known(self, index: int) -> None:
        """It is known now how the task starts, which was not when it was about to."""
        if self._permit.revoked or self._gone:
            return
        if self.state.tasks[index].status is _RETRYING:
            self.due(index)
        else:
            self._advance(())
            self._park_if_idle()

    @drop_on_defect
    def attempt_ended(self, index: int, number: int, outcome: Outcome) -> None:
        if self._permit.revoked:
            return
        try:
            checked = self._preparation.checked_at_once(index, outcome)
        except OverBudget:
            self._ahead.check(index, outcome, partial(self._end_checked, index, number))
        else:
            self._record_end(index, number, checked)

    @drop_on_defect
    def _end_checked(self, index: int, number: int, outcome: Outcome) -> None:
        if not self._permit.revoked and self._is_running(index, number):
            self._record_end(index, number, outcome)

    def _record_end(self, index: int, number: int, outcome: Outcome) -> None:
        """Record how the attempt has ended: `outcome` is what may be stored of it."""
        now = self._shared.clock.now()
        self._due_times.attempt_ended(index)
        skip = self._skips.pop(index, None)
        # The task is skipped only if its attempt was really stopped: one that succeeded first has completed.
        if skip is not None and not isinstance(outcome, Succeeded) and task_to_skip(self.state, skip) is not None:
            end = skipped(self.state, index, skip.reason)
        else:
            end = draft_of_outcome(self.state, index, outcome, now, self._shared.chance())
        progress = self._effects.unwritten_progress(index, number)
        last_report = () if progress is None else (Draft(EventType.TASK_PROGRESSED, index, number, data=progress),)
        self._advance((*last_report, end), done_commands=() if skip is None else (skip.id,), now=now)

    def take_report(self, report: Draft) -> bool:
        if self._permit.revoked or self._decider.is_full:
            return False
        if not self._is_running(report.index or 0, report.attempt or 0):
            return False
        self._record(report)
        return True

    def children_prepared(self, index: int, number: int, openings: Sequence[ChildOpening]) -> bool:
        if self._permit.revoked or self.draining or self.state.is_paused or self._decider.is_full:
            return False
        task = self.state.tasks[index]
        if task.attempt != number or not task.waits_for_children:
            return False
        self._bear(index, number, openings)
        return True

    @drop_on_defect
    def child_ended(self, command: ControlCommand, drafts: Sequence[Draft], ended: Ended | None) -> None:
        if ended is None:
            self._advance(drafts, done_commands=(command.id,), ended=command.child)
            return
        try:
            checked = self._preparation.checked_at_once(ended[0], ended[2])
        except OverBudget:
            self._ahead.check(ended[0], ended[2], partial(self._child_end_checked, command, drafts, ended))
        else:
            self._child_end_checked(command, drafts, ended, checked)

    @drop_on_defect
    def _child_end_checked(
        self, command: ControlCommand, drafts: Sequence[Draft], ended: Ended, outcome: Outcome
    ) -> None:
        if self._permit.revoked or self._gone:
            return
        index, number, _ = ended
        now = self._shared.clock.now()
        if self._is_running(index, number):
            self._due_times.attempt_ended(index)
            drafts = (*drafts, draft_of_outcome(self.state, index, outcome, now, self._shared.chance()))
        else:
            drafts = ()
        self._advance(drafts, done_commands=(command.id,), now=now, ended=command.child)

    def _is_running(self, index: int, number: int) -> bool:
        """Whether attempt `number` of the task has not ended: what a task waits for may have come too late."""
        task = self.state.tasks[index]
        return task.attempt == number and task.status is _RUNNING

    def is_skipping(self, index: int) -> bool:
        return index in self._skips

    @drop_on_defect
    def _record(self, report: Draft) -> None:
        self._advance((report,))

    @drop_on_defect
    def _bear(self, index: int, number: int, openings: Sequence[ChildOpening]) -> None:
        self._advance(drafts_of_openings(index, number, openings), openings=openings)

    @drop_on_defect
    def due(self, key: Key) -> None:
        if self._permit.revoked:
            return
        if key == QUIET:
            self._park_if_idle(quiet=True)
        elif drafts := self._due_times.drafts(key):
            # What is not known yet how it starts is due again when it is.
            if drafts[0].type is not _TASK_STARTED or self._ahead.may_start(drafts[0].index or 0):
                self._advance(drafts)
        else:
            self._park_if_idle()

    # One step: decide ahead

    def _advance(
        self,
        drafts: Sequence[Draft],
        opening: Opening | None = None,
        opened: Callable[[bool], None] | None = None,
        done_commands: Sequence[int] = (),
        now: datetime | None = None,
        openings: Sequence[ChildOpening] = (),
        ended: ChildEnd | None = None,
    ) -> None:
        """Take `drafts` and everything that follows from them into the state, and hand it to the recorder as one step.

        What must be true together, such as the end of one task and the start of the next, is stored together; and a
        command is removed by the step that acts on it, so that it is neither lost nor applied twice. So are the rows of
        new children, and the commands for parent and children.
        """
        before = self.state.status
        events, stops = self._decider.decide(drafts, now or self._shared.clock.now(), draining=self.draining)
        if events or done_commands:
            change = row_change(before, events) if self.state.status is not before else None
            family = self._family.change(events, openings, ended)
            entities = entity_change(self.execution, self.state, events, change)
            step = Step(self.id, events, opening, change, done_commands, family=family, entities=entities)
            self._submit(step, stops, opened)

    def _submit(self, step: Step, stops: Sequence[int] = (), opened: Callable[[bool], None] | None = None) -> None:
        self._unacknowledged += 1
        self._place.take()
        self._shared.recorder.submit(self._permit, step, partial(self._acknowledged, step, stops, opened))

    # Committed: act behind

    @drop_on_defect
    def _acknowledged(
        self, step: Step, stops: Sequence[int], opened: Callable[[bool], None] | None, stored: bool
    ) -> None:
        self._unacknowledged -= 1
        if opened is not None:
            opened(stored)
        if not stored:
            self.abandon()
            return
        # Only now may the world see it: an event that was shown or acted on and then not stored could never be undone.
        if step.events:
            self.committed = step.events[-1].sequence
            self._shared.hub.publish(self.id, step.events)
        self._effects.carry_out(step.events, stops)
        self._start_children()
        if step.family is not None:
            self._place.family_changed()
        if step.parking is not None or (step.events and step.events[-1].type in FINAL_EVENTS):
            self._leave()
        else:
            self._park_if_idle()

    def _start_children(self) -> None:
        if not (self.draining or self._gone or self._parking):
            self._family.go_on()

    def _only_waits(self) -> bool:
        """True when nothing works here; then the place of the execution is left to others."""
        if self._unacknowledged or self._ahead or self._gone or not self._effects.only_wait:
            return False
        self._place.rest(has_attempts=self._effects.has_attempts)
        return True

    def _park_if_idle(self, *, quiet: bool = False) -> None:
        """Leave an execution that only waits, and waits long, to the database.

        quiet: true when nothing has happened for so long. A child may end soon; so its parent stays until then, unless
        too many do.
        """
        if not self._only_waits() or self._effects.has_attempts or self._family.are_starting:
            return
        if self.draining or self.state.is_final:
            return
        if self._family.are_awaited and not quiet and not self._place.is_crowded:
            self._due_times.watch_quiet()
            return
        if (parking := self._due_times.parking()) is not None:
            parking = replace(parking, after=self.committed, in_family=self._family is not ALONE)
            # From here on nothing may be decided: this step gives the execution up, and another engine may take it.
            self._parking = True
            self._due_times.stop()
            self._submit(Step(self.id, (), parking=parking))
