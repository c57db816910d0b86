"""Notices by which processes without Redis invalidate each other's entries, as text."""

from dataclasses import dataclass

import orjson

from app.domain.errors import NotFound
from app.domain.refs import Ref, parse_ref

CHANNEL = "workflow_definition_changes"


@dataclass(frozen=True, slots=True)
class Notice:
    """A write of `refs` has begun, or `is_over`. Entries from before it must not be served.

    write_id: the id of the write intent.
    """

    write_id: str
    refs: tuple[Ref, ...]
    is_over: bool

    def encode(self) -> str:
        """Far below the 8,000 bytes of a notification: an id and two keys at most."""
        return orjson.dumps([self.write_id, self.is_over, *map(str, self.refs)]).decode()


def decode(text: str) -> Notice:
    """Raise `ValueError` for a text that is not a notice."""
    write_id, is_over, *refs = orjson.loads(text)
    try:
        return Notice(write_id, tuple(map(parse_ref, refs)), is_over)
    except NotFound as error:
        raise ValueError(error.message) from None
