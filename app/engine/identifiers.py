"""Execution ids: UUIDv7 (RFC 9562, section 5.7), so that ids sort by time and new rows are added at an index's end."""

import os
import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from app.domain.errors import Invalid

_RANDOM_BITS = (1 << 80) - 1 & ~(0xF000 << 64) & ~(0xC000 << 48)
_VERSION_7 = 0x7000 << 64 | 0x8000 << 48
_DIGITS = 32
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def _from_bytes(value: bytes) -> UUID:
    return UUID(bytes=value)


def new_execution_id(make: Callable[[bytes], UUID] = _from_bytes) -> UUID:
    """Return a new id. `make` creates it from 16 bytes: a driver's own class may be faster than the standard one."""
    milliseconds = time.time_ns() // 1_000_000 & 0xFFFF_FFFF_FFFF
    random_bits = int.from_bytes(os.urandom(10)) & _RANDOM_BITS
    return make((milliseconds << 80 | random_bits | _VERSION_7).to_bytes(16))


def first_id_at(instant: datetime) -> UUID:
    """The smallest id for `instant`: not above any id made then or later, above all made in earlier milliseconds."""
    return UUID(int=max(int(instant.timestamp() * 1_000), 0) << 80)


def parse_execution_id(text: str, field: str = "execution_id") -> UUID:
    """Raise `Invalid` for a text that is not a UUID in one of the usual notations."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid.at(field, "is not a UUID") from None


def ids_with_prefix(prefix: str) -> tuple[UUID, UUID]:
    """The first and the last id that begin with these hexadecimal digits. Raise `ValueError` for other texts."""
    digits = prefix.replace("-", "")
    if not 1 <= len(digits) <= _DIGITS or not _HEXADECIMAL.issuperset(digits):
        raise ValueError(prefix)
    return UUID(digits.ljust(_DIGITS, "0")), UUID(digits.ljust(_DIGITS, "f"))
