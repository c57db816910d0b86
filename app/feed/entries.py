"""What the feed consists of: entries, which say where events are, and the events at their positions."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar
from uuid import UUID

from app.domain.events import EventType
from app.engine.watching.updates import Update


@dataclass(frozen=True, slots=True)
class Source:
    """The execution that an entry is about.

    tenant_id: its tenant.
    workflow_id: its workflow.
    revision: the revision that it runs.
    """

    tenant_id: int
    workflow_id: int
    revision: int


@dataclass(frozen=True, slots=True)
class Entry:
    """New events of one execution, which one commit has stored.

    position: that of the first of them.
    execution_id: the execution.
    first: the number of the first event in the history of the execution.
    events: how many there are.
    source: None if the execution has been removed.
    """

    position: int
    execution_id: UUID
    first: int
    events: int
    source: Source | None

    @property
    def last(self) -> int:
        """The position of the last event."""
        return self.position + self.events - 1

    def after(self, position: int) -> "Entry":
        """The part behind a position, which must be one of this entry, but for its last, or lie before them."""
        skipped = max(position + 1 - self.position, 0)
        return replace(self, position=self.position + skipped, first=self.first + skipped, events=self.events - skipped)

    def begin(self, events: int) -> "Entry":
        """The part with the first events, at most so many."""
        return replace(self, events=min(events, self.events))


@dataclass(slots=True)
class FeedEvent:
    """One event at its position.

    position: its position in the feed.
    update: the event, as all APIs show it.
    sent: the encoded event by format. The API that encodes it first stores it here, so that this is done once for all
        readers.
    """

    position: int
    update: Update
    sent: dict[str, bytes] = field(default_factory=dict, init=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """Which events a reader wants. None stands for all.

    workflow_id: only those of executions of this workflow.
    execution_id: only those of this execution.
    types: only those of these types.
    """

    workflow_id: int | None = None
    execution_id: UUID | None = None
    types: frozenset[EventType] | None = None

    def matches(self, found: FeedEvent) -> bool:
        update = found.update
        return (
            (self.workflow_id is None or update.workflow_id == self.workflow_id)
            and (self.execution_id is None or update.execution_id == self.execution_id)
            and (self.types is None or update.event.type in self.types)
        )


EVERYTHING = FeedFilter()


@dataclass(frozen=True, slots=True)
class FeedBatch:
    """The events of one tenant in a range of positions.

    after: the position before the range.
    last: the last position of the range.
    events: the events of the tenant in the range, which may be none.
    size: about how many bytes of data they hold.
    is_final: False: the feed has no end.
    """

    after: int
    last: int
    events: Sequence[FeedEvent]
    size: int = field(init=False, compare=False)
    is_final: ClassVar[bool] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum(len(found.update.event.data or "") for found in self.events))

    def rest(self, after: int) -> "FeedBatch":
        """The part behind a position of the range."""
        return FeedBatch(after, self.last, [found for found in self.events if found.position > after])

    def only(self, wanted: FeedFilter) -> "FeedBatch":
        """The same range with those events that are wanted."""
        if wanted == EVERYTHING:
            return self
        return FeedBatch(self.after, self.last, [found for found in self.events if wanted.matches(found)])
