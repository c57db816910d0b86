"""Events of the feed as JSON, the same bytes for all readers of JSON."""

import orjson

from app.engine.watching.documents import event_document
from app.feed.entries import AnyUpdate, FeedEvent
from app.machines.updates import EntityUpdate

JSON = "json"


def feed_event_json(found: FeedEvent) -> bytes:
    """The document of an event, with its position and its execution, or its entity. It is made once."""
    made = found.sent.get(JSON)
    if made is None:
        made = found.sent[JSON] = _document(found.position, found.update)
    return made


def history_event_json(update: AnyUpdate) -> bytes:
    """As `feed_event_json`, for an event that was read from its history, which has no positions."""
    return _document(None, update)


def _document(position: int | None, update: AnyUpdate) -> bytes:
    if isinstance(update, EntityUpdate):
        of_entity = {"position": position, "entity_id": str(update.entity_id), "machine_id": update.machine_id}
        return b"%b,%b" % (orjson.dumps(of_entity)[:-1], update.json[1:])
    place = {"position": position, "execution_id": str(update.execution_id), "workflow_id": update.workflow_id}
    return orjson.dumps(place | event_document(update))
