"""Whether more records may be taken, or enough waits for engines already."""

import time
from collections.abc import Callable

import structlog

from app.kafka.ports import Triggered

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
RESUME_AT = 0.8


class Room:
    """Full from `max_pending` on, and until a fifth of these has begun.

    places: for how many executions more the engine of this process has room.
    triggered: counts the executions that wait for an engine.
    max_pending: how many may.
    clock: seconds that never go back.
    """

    def __init__(
        self,
        places: Callable[[], int],
        triggered: Triggered,
        max_pending: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = places
        self._triggered = triggered
        self._max_pending = max_pending
        self._clock = clock
        self._is_full = False
        self._look_at = 0.0

    async def is_full(self) -> bool:
        """Asks the database once in a while. Raise `Unavailable`."""
        if self._places() <= 0:
            return True
        if (now := self._clock()) >= self._look_at:
            most = int(self._max_pending * RESUME_AT) if self._is_full else self._max_pending
            was_full, self._is_full = self._is_full, await self._triggered.waiting(most + 1) > most
            self._look_at = now + LOOK_SECONDS
            if was_full != self._is_full:
                log.info("kafka_paused" if self._is_full else "kafka_resumed", max_pending=self._max_pending)
        return self._is_full
