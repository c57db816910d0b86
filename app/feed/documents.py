"""Events of the feed as JSON, the same bytes for all readers of JSON."""

import orjson

from app.engine.watching.documents import event_document
from app.engine.watching.updates import Update
from app.feed.entries import FeedEvent

JSON = "json"


def feed_event_json(found: FeedEvent) -> bytes:
    """The document of an event, with its position and its execution. It is made once."""
    made = found.sent.get(JSON)
    if made is None:
        made = found.sent[JSON] = _document(found.position, found.update)
    return made


def history_event_json(update: Update) -> bytes:
    """As `feed_event_json`, for an event that was read from the history of its execution, which has no positions."""
    return _document(None, update)


def _document(position: int | None, update: Update) -> bytes:
    place = {"position": position, "execution_id": str(update.execution_id), "workflow_id": update.workflow_id}
    return orjson.dumps(place | event_document(update))
