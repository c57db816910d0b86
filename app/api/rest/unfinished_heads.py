"""Bounds how many connections may have sent no complete head of a request.

A client that opens connections and sends nothing, or only a part of a head, would take the places of all others. When
there are too many such connections, the oldest is closed: a client that sends its request at once is always served.
"""

from collections.abc import Callable


class UnfinishedHeads:
    """The connections of one process that wait for a head. `limit` is how many there may be."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: dict[object, Callable[[], None]] = {}

    def add(self, connection: object, drop: Callable[[], None]) -> None:
        """`drop()` closes the connection; it is called when this one is the oldest of too many."""
        self._waiting.setdefault(connection, drop)
        if len(self._waiting) > self._limit:
            oldest = next(iter(self._waiting))
            self._waiting.pop(oldest)()

    def remove(self, connection: object) -> None:
        """The head has arrived, or the connection has ended. Harmless when repeated."""
        self._waiting.pop(connection, None)
