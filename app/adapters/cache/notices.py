"""Notices by which processes without Redis invalidate each other's entries, as text."""

from dataclasses import dataclass

import orjson

CHANNEL = "workflow_definition_changes"


@dataclass(frozen=True, slots=True)
class Notice:
    """A write of `refs` has begun, or `is_over`. Entries from before it must not be served.

    write_id: the id of the write intent.
    """

    write_id: str
    refs: tuple[str, ...]
    is_over: bool

    def encode(self) -> str:
        """Far below the 8,000 bytes of a notification: an id and two keys at most."""
        return orjson.dumps([self.write_id, self.is_over, *self.refs]).decode()


def decode(text: str) -> Notice:
    """Raise `ValueError` for a text that is not a notice."""
    write_id, is_over, *refs = orjson.loads(text)
    return Notice(write_id, tuple(refs), is_over)
