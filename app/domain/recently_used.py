"""What was used last, kept in a bounded number."""

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class RecentlyUsed(Generic[Key, Value]):
    """A mapping that keeps the `limit` entries used last. Reading an entry and storing it are uses of it."""

    __slots__ = ("_entries", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[Key, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Key) -> bool:
        """Whether there is such an entry; this is no use of it."""
        return key in self._entries

    def get(self, key: Key) -> Value | None:
        """The value of an entry; None when there is no such entry."""
        if (value := self._entries.get(key)) is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> Value | None:
        """Store a value; the value of the entry that had to go for it, the one whose last use is the longest ago."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        return self.pop_oldest() if len(self._entries) > self._limit else None

    def pop(self, key: Key) -> Value | None:
        """Remove an entry; its value, None when there is no such entry."""
        return self._entries.pop(key, None)

    def pop_oldest(self) -> Value:
        """Remove the entry whose last use is the longest ago; its value. Raise `KeyError` when there is no entry."""
        return self._entries.popitem(last=False)[1]

    def clear(self) -> None:
        self._entries.clear()
