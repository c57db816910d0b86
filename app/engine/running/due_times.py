"""When one execution continues by itself: at its deadline, and when retries and waits of its tasks are due."""

import math
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from app.domain.events import EventType
from app.engine.deciding.drafts import Draft
from app.engine.deciding.parking import must_end_by, only_waits, waits_until
from app.engine.deciding.state import ExecutionState
from app.engine.deciding.transitions import draft_of_outcome, draft_of_timeout, outcome_of_wait
from app.engine.ports import LOOK_AGAIN_SECONDS, Parking
from app.engine.running.collaborators import Collaborators
from app.engine.running.preparing import Preparation
from app.engine.running.timers import Timers

DEADLINE = "deadline"
QUIET = "quiet"
Key = int | str
"""The index of a task, `DEADLINE`, or `QUIET` for an execution in which nothing has happened for a while."""


class Owner(Protocol):
    """The run that these times are of."""

    def due(self, key: Key) -> None:
        """The timer of `key` has run out."""


class DueTimes:
    """One timer per task that waits and one for the deadline.

    Timers count on the event loop's clock, due times are on the wall clock, which may be set meanwhile. So a timer
    that has run out is only a reason to look: `drafts` says what is really due, and waits again where nothing is. No
    timer is set for longer than `LOOK_AGAIN_SECONDS`: the wall clock may have been wrong when it was set.
    """

    __slots__ = ("_owner", "_park_after_seconds", "_preparation", "_shared", "_state", "_timers")

    def __init__(
        self,
        state: ExecutionState,
        preparation: Preparation,
        shared: Collaborators,
        park_after_seconds: float,
        owner: Owner,
    ) -> None:
        self._state = state
        self._preparation = preparation
        self._shared = shared
        self._park_after_seconds = park_after_seconds
        self._owner: Owner | None = owner
        self._timers = Timers()

    def watch_task(self, index: int) -> None:
        """Do nothing for a task that is due only when a command or a signal comes."""
        self._set(index, self._state.tasks[index].due_at)

    def watch_open_tasks(self) -> None:
        for index in self._state.open:
            self.watch_task(index)

    def watch_deadline(self) -> None:
        self._set(DEADLINE, must_end_by(self._state))

    def watch_quiet(self) -> None:
        """From now on, for as long as an execution must wait to be parked."""
        if self._owner is not None and math.isfinite(self._park_after_seconds):
            self._timers.set(QUIET, self._park_after_seconds, partial(self._owner.due, QUIET))

    def stop(self) -> None:
        """Set no timer any more. Also lets go of the owner, which holds this, so that no cycle is left."""
        self._owner = None
        self._timers.cancel_all()
        self._give_turns_back()

    @property
    def is_set(self) -> bool:
        """True while a timer is set."""
        return bool(self._timers)

    def drafts(self, key: Key) -> Sequence[Draft]:
        """The events to record now that the timer of `key` has run out; none when it is too early or too late."""
        if isinstance(key, int):
            return self._drafts_of_task(key)
        limit = must_end_by(self._state)
        if limit is None:
            return ()
        if self._seconds_until(limit) > 0:
            self.watch_deadline()
            return ()
        return (draft_of_timeout(self._state),)

    def _drafts_of_task(self, index: int) -> Sequence[Draft]:
        task = self._state.tasks[index]
        if task.due_at is None:
            return ()
        if self._seconds_until(task.due_at) > 0:
            self.watch_task(index)
            return ()
        if task.wait is not None:
            now, chance = self._shared.clock.now(), self._shared.chance()
            outcome = self._preparation.checked(index, outcome_of_wait(task.wait))
            return (draft_of_outcome(self._state, index, outcome, now, chance),)
        # While the execution is paused no attempt starts; resuming it sets the timer again.
        if self._state.is_paused or (task.is_suspect and not self._has_turn(index)):
            return ()
        return (Draft(EventType.TASK_STARTED, index, task.attempt + 1),)

    def attempt_ended(self, index: int) -> None:
        """An attempt of the task has ended: one that had to be made alone gives its turn to the next one."""
        if self._state.tasks[index].is_suspect:
            self._shared.suspects.release((self._preparation.execution_id, index))

    def _has_turn(self, index: int) -> bool:
        if self._owner is None:
            return False
        key = (self._preparation.execution_id, index)
        return self._shared.suspects.admit(key, partial(self._owner.due, index))

    def _give_turns_back(self) -> None:
        for index in self._state.open:
            self.attempt_ended(index)

    def parking(self) -> Parking | None:
        """How long the execution can be left to the database; None when it is not worth it, or a handler runs."""
        if not only_waits(self._state):
            return None
        until = waits_until(self._state)
        if until is None:
            return Parking(None)
        seconds = self._seconds_until(until)
        return Parking(seconds, until) if seconds > self._park_after_seconds else None

    def _set(self, key: Key, at: datetime | None) -> None:
        if at is not None and self._owner is not None:
            seconds = min(self._seconds_until(at), LOOK_AGAIN_SECONDS)
            self._timers.set(key, seconds, partial(self._owner.due, key))

    def _seconds_until(self, at: datetime) -> float:
        return (at - self._shared.clock.now()).total_seconds()
