"""Events of the feed as JSON, the same bytes for all readers of JSON."""

import orjson

from app.engine.watching.documents import event_document
from app.feed.entries import FeedEvent

JSON = "json"


def feed_event_json(found: FeedEvent) -> bytes:
    """The document of an event, with its position and its execution. It is made once."""
    made = found.sent.get(JSON)
    if made is None:
        update = found.update
        place = {
            "position": found.position,
            "execution_id": str(update.execution_id),
            "workflow_id": update.workflow_id,
        }
        made = found.sent[JSON] = orjson.dumps(place | event_document(update))
    return made
