"""How many executions an engine runs at the same time, and how they are divided among workflows."""

from collections.abc import Callable, Collection

from app.domain.shares import Shares
from app.engine.running.ports import ClaimShares

WAITING_PER_PLACE = 10
"""For each place, so many executions more may be in memory that only wait for something outside."""


def _without_effect() -> None:
    return None


class Places:
    """Of one engine.

    - working: places of executions that work, or that wait and found no place to wait at
    - waiting: places of executions that wait for a call, a child, a signal or a timer, and stay in memory
    - reserved: places that are kept for a claim that is on its way
    - family_changed: called when a step that concerned other executions is stored, because these may be due
    - room_made: called when a place is free that others may wait for
    """

    __slots__ = ("_all_wait", "_wait_for", "family_changed", "reserved", "room_made", "waiting", "working")

    def __init__(
        self,
        most: int,
        family_changed: Callable[[], None] = _without_effect,
        room_made: Callable[[], None] = _without_effect,
    ) -> None:
        self.working: Shares[int] = Shares(most)
        self.waiting: Shares[int] = Shares(WAITING_PER_PLACE * most)
        self.reserved = 0
        self.family_changed = family_changed
        self.room_made = room_made
        self._all_wait = False
        self._wait_for: Collection[int] = ()

    @property
    def room(self) -> int:
        """For so many executions more, whichever they are."""
        return self.working.free - self.reserved

    def may_open(self, workflow_id: int) -> bool:
        """True when an execution of the workflow may begin at once, because none waits longer."""
        return (
            self.working.used + self.reserved < self.working.size
            and not self._all_wait
            and workflow_id not in self._wait_for
            and self.working.may_take(workflow_id)
        )

    def shares(self) -> ClaimShares:
        """What each workflow may claim now."""
        taken = self.working.groups()
        allowed = {workflow_id: self.working.allowance(count) for workflow_id, count in taken.items()}
        return ClaimShares(self.working.allowance(), allowed, taken)

    def note_waiting(self, everyone: bool, workflow_ids: Collection[int] = ()) -> None:
        """More may be due, of all workflows or of some. Nothing else of these begins before it is claimed."""
        self._all_wait = everyone
        self._wait_for = workflow_ids

    def give_back(self, workflow_id: int) -> None:
        """A place at which an execution of the workflow worked."""
        waited_for = self._all_wait or self._wait_for or not self.working.may_take(workflow_id)
        self.working.give(workflow_id)
        if waited_for:
            self.room_made()


class Place:
    """That of one execution: where it works, where it waits, or none."""

    __slots__ = ("_at", "_places", "_workflow_id")

    def __init__(self, places: Places, workflow_id: int) -> None:
        self._places = places
        self._workflow_id = workflow_id
        self._at: Shares[int] | None = None

    def take(self) -> None:
        """The execution works from now on. Never refused: it may have begun, and must continue."""
        working = self._places.working
        if self._at is not working:
            if self._at is not None:
                self._at.give(self._workflow_id)
            self._at = working
            working.take(self._workflow_id)

    def rest(self) -> None:
        """The execution only waits from now on, and leaves its place to others if it finds one to wait at."""
        places = self._places
        if self._at is places.working and places.waiting.may_take(self._workflow_id):
            self._at = places.waiting
            self._at.take(self._workflow_id)
            places.give_back(self._workflow_id)

    def leave(self) -> None:
        """The execution is not in memory any more. Harmless when repeated."""
        at, self._at = self._at, None
        if at is self._places.working:
            self._places.give_back(self._workflow_id)
        elif at is not None:
            at.give(self._workflow_id)

    def family_changed(self) -> None:
        """A step was stored that concerned others of the execution's family."""
        self._places.family_changed()

    @property
    def is_crowded(self) -> bool:
        """True when more executions wait in memory than there are places to work at."""
        return self._places.waiting.used > self._places.working.size
