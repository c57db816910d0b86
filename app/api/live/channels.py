"""The channels: what each of them sends, and what a caller needs for it."""

from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.api.live.frames import ENTITY_UPDATE, EXECUTION_UPDATE, TASK_UPDATE, Frame, Refusal, message_of
from app.domain.permissions import Permission, permission_of
from app.feed.documents import feed_event_json
from app.feed.entries import AnyUpdate, FeedEvent, FeedFilter, stream_of
from app.machines.updates import EntityUpdate


class Kind(StrEnum):
    """What a channel is about: the part of its name before the colon."""

    WORKFLOWS = "workflows"
    EXECUTIONS = "executions"
    TASKS = "tasks"
    AGENTS = "agents"
    SUGGESTIONS = "suggestions"
    WORKFLOW = "workflow"
    EXECUTION = "execution"
    TASK = "task"
    ENTITY = "entity"
    AGENT = "agent"


OF_ONE = frozenset({Kind.WORKFLOW, Kind.EXECUTION, Kind.TASK, Kind.ENTITY, Kind.AGENT})
"""The name of such a channel is its kind, a colon, and an id."""

WITHOUT_EVENTS = frozenset({Kind.AGENTS, Kind.AGENT})
"""Planned: nothing sends anything to these channels yet, so they cannot be followed."""

Topic = tuple[Kind, int | UUID | None]
"""What a channel is about, and the id of the one thing it is about."""

_KNOWN = "workflows, executions, tasks, suggestions, workflow:ID, execution:ID, task:ID and entity:ID"


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a channel in its parts.

    text: as the client wrote it, and as the frames of the channel have it.
    kind: what it is about.
    id: the id in it; None if its kind has none.
    """

    text: str
    kind: Kind
    id: str | None

    @property
    def permission(self) -> Permission:
        return permission_of(f"live.{self.kind}")


def parse_name(text: str) -> Name:
    """Raise `Refusal` for a channel that does not exist, or that nothing is sent to yet."""
    word, colon, named = text.partition(":")
    if word not in set(Kind):
        raise Refusal("unknown_channel", f"channel {text!r} is unknown; there are {_KNOWN}", text)
    kind = Kind(word)
    if kind in OF_ONE and not named:
        raise Refusal("unknown_channel", f"channel {text!r} needs an id: {word}:ID", text)
    if kind not in OF_ONE and colon:
        raise Refusal("unknown_channel", f"channel {word!r} takes no id", text)
    if kind in WITHOUT_EVENTS:
        raise Refusal(
            "channel_not_available", f"this version sends nothing to channel {text!r} yet; there are {_KNOWN}", text
        )
    return Name(text, kind, named or None)


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of one tenant.

    name: as the client wrote it.
    kind: what it is about.
    id: the id of the one thing that it is about.
    """

    name: str
    kind: Kind
    id: int | UUID | None = None

    @property
    def topic(self) -> Topic:
        return self.kind, self.id

    @property
    def is_history(self) -> bool:
        """Whether its events are those of one history: numbered by their sequence, and never left out."""
        return self.kind in (Kind.EXECUTION, Kind.ENTITY)

    @property
    def replayed(self) -> FeedFilter:
        """A filter that leaves out most of what it does not send."""
        of_workflow = self.id if self.kind is Kind.WORKFLOW and isinstance(self.id, int) else None
        return FeedFilter(of_workflow, entities=False)

    def sends(self, found: FeedEvent) -> bool:
        return self.topic in topics_of(found)

    def number_of(self, found: FeedEvent) -> int:
        return found.update.event.sequence if self.is_history else found.position

    def newest_of(self, found: FeedEvent) -> Hashable:
        """Of the events that are equal in this, only the newest one matters: it tells how things are now."""
        stream_id = stream_of(found.update)
        return (stream_id, _task_id(found.update)) if self.kind is Kind.TASKS else stream_id

    def frame_of(self, found: FeedEvent) -> Frame:
        return self.frame(found.update, self.number_of(found), feed_event_json(found))

    def frame(self, update: AnyUpdate, number: int, document: bytes) -> Frame:
        """The frame of an event with this document."""
        return Frame(self.name, number, message_of(self._type(update), self.name, document))

    def _type(self, update: AnyUpdate) -> str:
        """Lists of executions tell how executions are, whatever has happened to them."""
        if self.kind is Kind.ENTITY:
            return ENTITY_UPDATE
        if self.kind is Kind.EXECUTION:
            return EXECUTION_UPDATE if _task_id(update) is None else TASK_UPDATE
        return TASK_UPDATE if self.kind in (Kind.TASKS, Kind.TASK) else EXECUTION_UPDATE


def topics_of(found: FeedEvent) -> Iterator[Topic]:
    """The topics that an event belongs to."""
    update = found.update
    if isinstance(update, EntityUpdate):
        yield Kind.ENTITY, update.entity_id
        return
    yield Kind.EXECUTIONS, None
    yield Kind.EXECUTION, update.execution_id
    yield Kind.WORKFLOW, update.workflow_id
    if update.event.task_id is not None:
        yield Kind.TASKS, None
        yield Kind.TASK, update.event.task_id


def _task_id(update: AnyUpdate) -> int | None:
    return None if isinstance(update, EntityUpdate) else update.event.task_id


class Newest:
    """Of events that follow one another, the newest ones, by what a channel says they are the newest of."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._found: dict[Hashable, FeedEvent] = {}

    def put(self, found: FeedEvent) -> None:
        key = self._channel.newest_of(found)
        self._found.pop(key, None)
        self._found[key] = found

    def take(self) -> Collection[FeedEvent]:
        """All of them in the order of their positions; none are left."""
        taken, self._found = self._found, {}
        return taken.values()

    def __len__(self) -> int:
        return len(self._found)
