"""What a run needs to know of the family of its execution; most executions have none."""

from collections.abc import Sequence
from typing import Protocol

from app.domain.events import Event
from app.engine.ports import ChildEnd, ChildOpening, ControlCommand, FamilyChange


class Family(Protocol):
    """Parent and children of one execution.

    - are_awaited: True while a task waits for children that exist
    - are_starting: True while children are being prepared
    """

    @property
    def are_awaited(self) -> bool: ...

    @property
    def are_starting(self) -> bool: ...

    def stop(self) -> None:
        """Start no children any more. Lets go of the owner, which holds this, so that no cycle is left."""

    def go_on(self) -> None:
        """Prepare the children that the tasks, as they are now, have no child for yet. Harmless when repeated."""

    def change(
        self, events: Sequence[Event], openings: Sequence[ChildOpening], ended: ChildEnd | None
    ) -> FamilyChange | None:
        """What `events`, the next to be stored, change for the parent and the children; None for nothing.

        openings: the children that the events name.
        ended: the child whose end has led to the events.
        """

    def take_end(self, command: ControlCommand) -> None:
        """A child has ended. The owner is told what follows from that, if need be later."""


class Alone:
    """The family of an execution that has no parent and calls no workflow: nearly all are of this kind."""

    are_awaited = False
    are_starting = False

    def stop(self) -> None:
        return None

    def go_on(self) -> None:
        return None

    def change(self, *_: object) -> None:
        return None

    def take_end(self, _: ControlCommand) -> None:
        return None


ALONE = Alone()
