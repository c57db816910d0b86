"""The broadcasts of a process: one for each tenant that has sockets which follow something."""

from app.api.live.broadcast import Broadcast, Feed, Later
from app.api.live.channels import Channel, Kind
from app.api.live.frames import SUGGESTION_CREATED, WORKFLOW_UPDATE, message
from app.background.loop import OnDefect
from app.definitions.news import DefinitionNews
from app.domain.callers import Caller
from app.insights.news import SuggestionNews


class Broadcasts:
    """Begins a broadcast with the first socket of a tenant, and ends it with the last one.

    feed: where events come from.
    on_defect: called with the error when following it ends with a defect.
    later: calls a function after some time; a test may give its own.
    """

    def __init__(self, feed: Feed, on_defect: OnDefect, later: Later | None = None) -> None:
        self._feed = feed
        self._on_defect = on_defect
        self._later = later
        self._held: dict[int, tuple[Broadcast, set[object]]] = {}

    def hold(self, caller: Caller, holder: object) -> Broadcast:
        """That of the caller's tenant. It lasts until all holders have released it."""
        if caller.tenant_id not in self._held:
            broadcast = Broadcast(caller, self._feed, self._on_defect, self._later)
            self._held[caller.tenant_id] = broadcast, set()
        broadcast, holders = self._held[caller.tenant_id]
        holders.add(holder)
        return broadcast

    def release(self, tenant_id: int, holder: object) -> None:
        """Harmless when repeated."""
        broadcast, holders = self._held.get(tenant_id, (None, set[object]()))
        holders.discard(holder)
        if broadcast is not None and not holders:
            broadcast.stop()
            del self._held[tenant_id]

    def tell(self, news: DefinitionNews) -> None:
        """A definition has changed."""
        if news.tenant_id in self._held:
            broadcast, _ = self._held[news.tenant_id]
            topics = ((Kind.WORKFLOWS, None), (Kind.WORKFLOW, news.workflow_id))
            broadcast.tell(topics, lambda channel: _text(channel, news))

    def tell_of_suggestion(self, news: SuggestionNews) -> None:
        """There is a new suggestion."""
        if news.tenant_id in self._held:
            broadcast, _ = self._held[news.tenant_id]
            broadcast.tell([(Kind.SUGGESTIONS, None)], lambda channel: _text_of_suggestion(channel, news))

    def close(self) -> None:
        """Send no more events: the process stops."""
        for broadcast, _ in self._held.values():
            broadcast.stop()


def _text(channel: Channel, news: DefinitionNews) -> bytes:
    document = {
        "position": None,
        "sequence": None,
        "workflow_id": news.workflow_id,
        "change": news.change.value,
        "revision": news.revision,
    }
    return message(WORKFLOW_UPDATE, channel.name, document)


def _text_of_suggestion(channel: Channel, news: SuggestionNews) -> bytes:
    document = {
        "position": None,
        "sequence": None,
        "suggestion_id": news.suggestion_id,
        "workflow_id": news.workflow_id,
        "rule": news.rule,
    }
    return message(SUGGESTION_CREATED, channel.name, document)
