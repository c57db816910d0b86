"""Events as JSON documents, as all readers of JSON get them. Outputs are JSON text, and are inserted unchanged."""

from typing import Any

import orjson
from orjson import Fragment

from app.domain.documents import rfc3339
from app.domain.executions import Failure
from app.domain.waiting import Awaited
from app.engine.watching.updates import Update

JSON = "json"


def event_json(update: Update) -> bytes:
    """The document of an event. It is made once for all watchers who share the update."""
    return update.in_format(JSON, _encoded)


def event_document(update: Update) -> dict[str, Any]:
    event, task_status = update.event, update.task_status
    return {
        "sequence": event.sequence,
        "type": event.type.value,
        "occurred_at": rfc3339(event.occurred_at),
        "status": event.status.value,
        "progress_percent": event.progress_percent,
        "task_id": event.task_id,
        "task_name": update.task_name,
        "task_status": None if task_status is None else task_status.value,
        "attempt": event.attempt,
        "message": update.message,
        "output": json_fragment(update.output),
        "error": error_document(update.failure),
        "waits_for": wait_document(update.waits_for),
        "requested_by": update.requested_by,
    }


def wait_document(awaited: Awaited | None) -> dict[str, str | None] | None:
    return None if awaited is None else {"signal": awaited.signal, "until": rfc3339(awaited.until)}


def json_fragment(text: str | None) -> Fragment | None:
    """JSON text that is inserted into a document unchanged; None becomes `null`."""
    return None if text is None else Fragment(text)


def error_document(failure: Failure | None) -> dict[str, str] | None:
    return None if failure is None else {"code": failure.code, "message": failure.message}


def _encoded(update: Update) -> bytes:
    return orjson.dumps(event_document(update))
