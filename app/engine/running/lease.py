"""This engine's lease: the right to write histories.

The database's clock decides when a lease has ended; other engines then delete its row and take its executions. This
process counts its lease from the moment before it asked for it, so that it ends here first: when a renewal has not been
acknowledged by then, this engine stops all work before another one may start it.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial

import structlog

from app.background.loop import Loop, OnDefect
from app.domain.engines import EngineLoad, EngineProfile
from app.engine.ports import StoreUnreachable
from app.engine.running.ports import Ownership

log = structlog.get_logger(__name__)

Monotonic = Callable[[], float]


class Lease:
    """Acquired at the start, renewed until the end, and acquired anew when it was lost.

    - engine_id: of the lease row; None while there is no lease
    - load: what the engine does, for others to see; asked at each renewal

    `on_lost()` must drop all work at once; `on_acquired(engine_id)` follows when there is a new lease.
    """

    def __init__(
        self,
        ownership: Ownership,
        profile: EngineProfile,
        lease_seconds: float,
        renew_seconds: float,
        on_acquired: Callable[[int], None],
        on_lost: Callable[[], None],
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._ownership = ownership
        self._profile = profile
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds
        self._on_acquired = on_acquired
        self._on_lost = on_lost
        self._monotonic = monotonic
        self._trusted_until = 0.0
        self.load: Callable[[], EngineLoad] = EngineLoad
        self.engine_id: int | None = None
        self._loop = Loop("lease", self._keep, partial(asyncio.sleep, renew_seconds))

    async def acquire(self) -> None:
        """Raise `StoreUnreachable` when the database does not answer, or so late that the lease has nearly ended."""
        asked_at = self._monotonic()
        engine_id = await self._ownership.register(self._profile, self._lease_seconds)
        self._trusted_until = asked_at + self._lease_seconds
        if self._is_untrusted:
            raise StoreUnreachable("the database acknowledged a lease when that had nearly ended")
        self.engine_id = engine_id
        log.info("lease_acquired", engine_id=self.engine_id, lease_seconds=self._lease_seconds)
        self._on_acquired(self.engine_id)

    def start(self, on_defect: OnDefect) -> None:
        """Keep the lease from now on. A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect, with_pause=True)

    async def stop(self) -> None:
        """Let the lease end, unless it is released before. Harmless when repeated."""
        await self._loop.finish()

    async def release(self) -> None:
        """Give the lease back; what this engine still owns is free for others."""
        if self.engine_id is not None:
            await self._ownership.release(self.engine_id)
            self.engine_id = None

    async def _keep(self) -> None:
        """Renew, and remove the leases of engines that have not. A failure is tried again at the same pace: with pauses
        that grow, the lease would end.
        """
        try:
            async with asyncio.timeout_at(self._deadline()):
                await self._renew()
                await self._ownership.reap()
        except (StoreUnreachable, TimeoutError) as error:
            log.warning("lease_not_renewed", engine_id=self.engine_id, reason=str(error))
            self._end_if_untrusted()

    async def _renew(self) -> None:
        if self.engine_id is None:
            await self.acquire()
            return
        asked_at = self._monotonic()
        if await self._ownership.renew(self.engine_id, self._lease_seconds, self.load()):
            self._trusted_until = asked_at + self._lease_seconds
            return
        self._end("another engine has removed it")
        await self.acquire()

    def _deadline(self) -> float:
        """On the loop's clock: when to stop waiting for the database, so that the lease never ends unnoticed.

        Early enough for one more try, or else when the lease ends.
        """
        left = self._trusted_until - self._monotonic()
        for_one_more = left - self._renew_seconds
        if self.engine_id is None:
            wait = self._renew_seconds
        else:
            wait = for_one_more if for_one_more > 0 else min(left, self._renew_seconds)
        return asyncio.get_running_loop().time() + wait

    @property
    def _is_untrusted(self) -> bool:
        """True when there is no time left to renew it once more."""
        return self._monotonic() + self._renew_seconds >= self._trusted_until

    def _end_if_untrusted(self) -> None:
        if self.engine_id is not None and self._is_untrusted:
            self._end("it could not be renewed in time")

    def _end(self, reason: str) -> None:
        log.error("lease_lost", engine_id=self.engine_id, reason=reason)
        self.engine_id = None
        self._on_lost()
