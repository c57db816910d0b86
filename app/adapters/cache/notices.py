"""What processes without Redis tell each other of changes, as text."""

from dataclasses import dataclass

import orjson

CHANNEL = "workflow_definition_changes"


@dataclass(frozen=True, slots=True)
class Notice:
    """The change behind a mark has begun, or `is_over`; `refs` may not be served from before it."""

    mark_id: str
    refs: tuple[str, ...]
    is_over: bool

    def encode(self) -> str:
        """Far below the 8,000 bytes of a notification: an id and two keys at most."""
        return orjson.dumps([self.mark_id, self.is_over, *self.refs]).decode()


def decode(text: str) -> Notice:
    """Raise `ValueError` for what is not a notice."""
    mark_id, is_over, *refs = orjson.loads(text)
    return Notice(mark_id, tuple(refs), is_over)
