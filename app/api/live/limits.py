"""The limits of one socket, and how many messages it may send."""

from collections.abc import Callable
from dataclasses import dataclass

from app.identity.credentials import LONGEST_CREDENTIAL


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What one socket may use.

    message_bytes: the largest message of a client.
    auth_bytes: the largest first message, if it must say who calls: it has a credential of any length.
    messages_per_second: how many messages a client may send in a second; also how many at once.
    channels: how many channels it may follow at a time.
    queued_bytes: how much may wait for a client that reads slowly.
    auth_seconds: how long a client may take to say who calls.
    close_seconds: how long a client may take to read why the socket is closed.
    """

    message_bytes: int = 4_096
    auth_bytes: int = LONGEST_CREDENTIAL + 256
    messages_per_second: int = 10
    channels: int = 100
    queued_bytes: int = 262_144
    auth_seconds: float = 10.0
    close_seconds: float = 2.0


class MessageRate:
    """Counts the messages of one client.

    per_second: how many it may send in a second, and at once.
    clock: seconds that never go back.

    excess: how many were too many since it has sent nothing for a second.
    """

    def __init__(self, per_second: int, clock: Callable[[], float]) -> None:
        self.excess = 0
        self._most = float(per_second)
        self._clock = clock
        self._left = self._most
        self._counted_at = clock()

    def spend(self) -> bool:
        """Count a message; False if it is one too many."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._counted_at) * self._most)
        self._counted_at = now
        if self._left >= self._most:
            self.excess = 0
        if self._left < 1:
            self.excess += 1
            return False
        self._left -= 1
        return True
