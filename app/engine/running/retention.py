"""Removes finished executions whose retention has ended, in small batches, so that other work is not delayed.

Ids sort by time. So a sweep reads executions by id, from the oldest to the first that is too young for any workflow,
and needs no index of its own.
"""

import asyncio
import time
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from app.background.backoff import Backoff
from app.background.loop import Loop, OnDefect
from app.domain.errors import Unavailable
from app.engine.identifiers import first_id_at
from app.engine.ports import Expiry, Removal

log = structlog.get_logger(__name__)

AT_ONCE = 500
SWEEP_SECONDS = 300.0
RETRY = Backoff(first_seconds=10.0, longest_seconds=60.0)
SHORTEST_PAUSE_SECONDS = 0.05
LONG_SECONDS = 1.0
BEGINNING = UUID(int=0)


class Retention:
    """Removes executions at the start of the process and at an interval.

    expiry: removes executions from the store.
    sweep_seconds: the pause between two sweeps.
    at_once: the largest number of executions that one statement looks at.
    backoff: the pauses after a sweep that failed.
    """

    def __init__(
        self,
        expiry: Expiry,
        sweep_seconds: float = SWEEP_SECONDS,
        at_once: int = AT_ONCE,
        backoff: Backoff = RETRY,
    ) -> None:
        self._expiry = expiry
        self._at_once = self._limit = at_once
        pause = partial(asyncio.sleep, sweep_seconds)
        self._loop = Loop("retention", self._sweep_once, pause, backoff=backoff)

    def start(self, on_defect: OnDefect) -> None:
        """Start sweeping. A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """Stop sweeping. A batch in progress is removed completely or not at all. May be called more than once."""
        await self._loop.finish()

    async def sweep(self) -> int:
        """Remove all executions whose retention has ended; return their number. Stop if another process sweeps."""
        days = await self._expiry.shortest_days()
        if days is None:
            return 0
        before = first_id_at(_earlier(await self._expiry.now(), days))
        after, total = BEGINNING, 0
        while True:
            began, limit = time.monotonic(), self._limit
            removal = await self._remove(after, before)
            if removal is None or removal.last_id is None:
                return total
            total += removal.removed
            if removal.looked_at < limit:
                return total
            after = removal.last_id
            # Pause as long as the batch has taken, so that sweeping uses the database at most half of the time.
            await asyncio.sleep(max(time.monotonic() - began, SHORTEST_PAUSE_SECONDS))

    async def _remove(self, after: UUID, before: UUID) -> Removal | None:
        """Remove one batch. Halve the size of the next when this one took long, because histories may be large."""
        began = time.monotonic()
        try:
            removal = await self._expiry.remove(after, before, self._limit)
        except Unavailable:
            self._limit = max(self._limit // 4, 1)
            raise
        took = time.monotonic() - began
        if removal is not None and removal.removed:
            log.info("executions_removed", executions=removal.removed, seconds=round(took, 3))
        self._limit = max(self._limit // 2, 1) if took > LONG_SECONDS else min(self._limit * 2, self._at_once)
        return removal

    async def _sweep_once(self) -> None:
        await self.sweep()


def _earlier(now: datetime, days: float) -> datetime:
    try:
        return now - timedelta(days=days)
    except OverflowError:
        return datetime.min.replace(tzinfo=now.tzinfo)
