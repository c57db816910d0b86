"""Execution ids: UUIDv7 (RFC 9562, section 5.7), so that ids sort by time and new rows fall at an index's end."""

import os
import time
from datetime import datetime
from uuid import UUID

from app.domain.errors import Invalid


def new_execution_id() -> UUID:
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10))
    value &= ~(0xF000 << 64) & ~(0xC000 << 48)
    return UUID(int=value | 0x7000 << 64 | 0x8000 << 48)


def first_id_at(instant: datetime) -> UUID:
    """Not above any id that is given at `instant` or later; above all that were given in earlier milliseconds."""
    return UUID(int=max(int(instant.timestamp() * 1_000), 0) << 80)


def parse_execution_id(text: str, field: str = "execution_id") -> UUID:
    """Raise `Invalid` for what is not a UUID in one of its usual spellings."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid.at(field, "is not a UUID") from None
