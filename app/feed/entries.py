"""What the feed consists of: entries, which say where events are, and the events at their positions.

An event is one of an execution or one of an entity.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar
from uuid import UUID

from app.domain.events import EventType
from app.engine.watching.updates import Update
from app.machines.entity import EntityEventType
from app.machines.updates import EntityUpdate

AnyUpdate = Update | EntityUpdate
AnyType = EventType | EntityEventType


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
class EntitySource:
    """The entity that an entry is about.

    tenant_id: its tenant.
    machine_id: its machine.
    """

    tenant_id: int
    machine_id: int


@dataclass(frozen=True, slots=True)
class Entry:
    """New events of one history, which one commit has stored.

    position: that of the first of them.
    stream_id: the execution, or the entity.
    first: the number of the first event in the history.
    events: how many there are.
    source: what it is about; None if that has been removed.
    """

    position: int
    stream_id: UUID
    first: int
    events: int
    source: Source | EntitySource | None

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


def stream_of(update: AnyUpdate) -> UUID:
    """The execution or the entity whose event it is."""
    return update.entity_id if isinstance(update, EntityUpdate) else update.execution_id


@dataclass(slots=True)
class FeedEvent:
    """One event at its position.

    position: its position in the feed.
    update: the event, as all APIs show it.
    sent: the encoded event by format. The API that encodes it first stores it here, so that this is done once for all
        readers.
    """

    position: int
    update: AnyUpdate
    sent: dict[str, bytes] = field(default_factory=dict, init=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """Which events a reader wants. None stands for all.

    workflow_id: only those of executions of this workflow.
    execution_id: only those of this execution.
    types: only those of these types.
    machine_id: only those of entities of this machine.
    entity_id: only those of this entity.
    entities: whether events of entities are wanted at all.
    """

    workflow_id: int | None = None
    execution_id: UUID | None = None
    types: frozenset[AnyType] | None = None
    machine_id: int | None = None
    entity_id: UUID | None = None
    entities: bool = True

    def matches(self, found: FeedEvent) -> bool:
        update = found.update
        is_about = self._is_of_entity(update) if isinstance(update, EntityUpdate) else self._is_of_execution(update)
        return is_about and (self.types is None or update.event.type in self.types)

    def _is_of_execution(self, update: Update) -> bool:
        return (
            (self.workflow_id is None or update.workflow_id == self.workflow_id)
            and (self.execution_id is None or update.execution_id == self.execution_id)
            and self.machine_id is None
            and self.entity_id is None
        )

    def _is_of_entity(self, update: EntityUpdate) -> bool:
        return (
            self.entities
            and (self.machine_id is None or update.machine_id == self.machine_id)
            and (self.entity_id is None or update.entity_id == self.entity_id)
            and self.workflow_id is None
            and self.execution_id is None
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
        object.__setattr__(self, "size", _size_of(self.events))

    def rest(self, after: int) -> "FeedBatch":
        """The part behind a position of the range."""
        return FeedBatch(after, self.last, [found for found in self.events if found.position > after])

    def only(self, wanted: FeedFilter) -> "FeedBatch":
        """The same range with those events that are wanted."""
        if wanted == EVERYTHING:
            return self
        return FeedBatch(self.after, self.last, [found for found in self.events if wanted.matches(found)])


def _size_of(events: Sequence[FeedEvent]) -> int:
    """About how many bytes of data."""
    updates = [found.update for found in events]
    return sum([len(one.json) if isinstance(one, EntityUpdate) else len(one.event.data or "") for one in updates])
