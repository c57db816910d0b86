"""The text of the notices by which processes without Redis invalidate each other's cache entries."""

from dataclasses import dataclass

import orjson

from app.domain.errors import NotFound
from app.domain.refs import Ref, parse_ref

CHANNEL = "workflow_definition_changes"


@dataclass(frozen=True, slots=True)
class Notice:
    """A write has begun or is over. Entries from before it must not be returned.

    write_id: the id of the write intent.
    refs: the refs of the definitions that are written.
    is_over: False when the write begins, True when it has ended.
    """

    write_id: str
    refs: tuple[Ref, ...]
    is_over: bool

    def encode(self) -> str:
        """The payload of a notification. It has an id and at most two keys, far less than the limit of 8,000 bytes."""
        return orjson.dumps([self.write_id, self.is_over, *((ref.tenant_id, str(ref)) for ref in self.refs)]).decode()


def decode(text: str) -> Notice:
    """Raise `ValueError` for a text that is not a notice."""
    write_id, is_over, *refs = orjson.loads(text)
    try:
        return Notice(write_id, tuple(parse_ref(name, tenant_id) for tenant_id, name in refs), is_over)
    except NotFound as error:
        raise ValueError(error.message) from None
