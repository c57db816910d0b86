"""Counts the calls that were refused because of who calls, and logs the numbers from time to time.

They are not in the audit log: anybody could make it grow, and lock its head, without being anyone.
"""

import asyncio
from collections import Counter
from functools import partial

import structlog

from app.background.loop import Loop, OnDefect, Sleep
from app.domain.errors import ServiceError

log = structlog.get_logger(__name__)

REPORT_SECONDS = 60.0


class RefusedCalls:
    """The numbers since the last line of the log, by the codes of the errors.

    sleep: waits for so many seconds; a test may give its own.
    """

    def __init__(self, sleep: Sleep = asyncio.sleep) -> None:
        self._counts: Counter[str] = Counter()
        self._loop = Loop("refused_calls", self.report, partial(sleep, REPORT_SECONDS))

    def count(self, error: ServiceError) -> None:
        self._counts[error.code] += 1

    def start(self, on_defect: OnDefect) -> None:
        """A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """Log what was counted since the last line. Harmless when repeated."""
        await self._loop.finish()
        await self.report()

    async def report(self) -> None:
        """Log one line if there is something to tell."""
        if counts := dict(self._counts):
            self._counts.clear()
            log.warning("calls_refused", calls=sum(counts.values()), **dict(sorted(counts.items())))
