"""Remembers that a server is unreachable, so that not every caller waits for its timeout."""

import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Outage:
    """The state of one server. After a failure no caller tries it for `pause_seconds`. Then one caller may try again,
    while the others still skip it.

    The beginning and the end of an outage are logged, nothing in between.

    server: its name in the log.
    pause_seconds: the time between two tries.
    monotonic: a clock in seconds.
    """

    def __init__(self, server: str, pause_seconds: float, monotonic: Callable[[], float]) -> None:
        self._server = server
        self._pause_seconds = pause_seconds
        self._monotonic = monotonic
        self._began: float | None = None
        self._next_try = 0.0

    def may_try(self) -> bool:
        if self._began is None:
            return True
        now = self._monotonic()
        if now < self._next_try:
            return False
        self._next_try = now + self._pause_seconds
        return True

    def failed(self, error: Exception) -> None:
        now = self._monotonic()
        self._next_try = now + self._pause_seconds
        if self._began is None:
            self._began = now
            logger.warning(
                "%s does not answer (%s); continuing without it", self._server, str(error) or type(error).__name__
            )

    def worked(self) -> None:
        if self._began is not None:
            logger.info("%s answers again after %.1f s", self._server, self._monotonic() - self._began)
            self._began = None
