"""The chain: each entry has a hash of its contents and of the hash before it. A change of one breaks all that follow.

hash = SHA-256(previous hash || number || time || body). Number and time are 8 bytes, big-endian; the time is in
microseconds since 1970. The body is JSON with sorted names, without fields that are null. So a later version can add a
field, and the hashes of older entries remain what they are. `queries/audit.sql` computes the same.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import orjson

from app.audit.entry import Entry, Head

FIRST_PREV = bytes(32)
"""What the first entry of a chain has in place of the hash before it."""

EMPTY = Head(0, FIRST_PREV)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def body_of(entry: Entry) -> bytes:
    """All fields of an entry, in one form."""
    fields = {
        "tenant_id": entry.tenant_id,
        "actor": entry.actor,
        "actor_kind": entry.actor_kind,
        "action": entry.action,
        "target": entry.target,
        "request_id": entry.request_id,
        "ip": entry.ip,
        "before": entry.before,
        "after": entry.after,
    }
    return orjson.dumps(
        {name: value for name, value in fields.items() if value is not None}, option=orjson.OPT_SORT_KEYS
    )


def hash_of(prev: bytes, number: int, at: datetime, body: bytes) -> bytes:
    micros = (at - _EPOCH) // _MICROSECOND
    return sha256(prev + _eight_bytes(number) + _eight_bytes(micros) + body).digest()


def _eight_bytes(number: int) -> bytes:
    return number.to_bytes(8, "big", signed=True)
