"""Computes suggestions every 6 hours, and when someone asks for it: in one engine at a time."""

import time
from collections.abc import Callable
from functools import partial

import structlog

from app.background.loop import Loop, OnDefect
from app.background.wake_up import WakeUp
from app.domain.errors import Unavailable
from app.insights.computing import Computed, Computing
from app.insights.news import Tell
from app.insights.ports import Claim, Turns

log = structlog.get_logger(__name__)

EVERY_SECONDS = 6 * 3600.0
POLL_SECONDS = 60.0
HELD_SECONDS = 120.0
RENEW_SECONDS = 30.0
MOST_TOLD = 20


class SuggestionLoop:
    """Looks every minute whether a tenant is due, and at once when it is woken.

    turns: gives one tenant to one engine.
    computing: computes with bounded batches.
    engine: the name of this engine.
    is_full: whether this engine is full to 90 % or more.
    tell: tells who follows suggestions of new ones.
    """

    def __init__(
        self,
        turns: Turns,
        computing: Computing,
        engine: str,
        is_full: Callable[[], bool],
        tell: Tell,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._turns = turns
        self._computing = computing
        self._engine = engine
        self._is_full = is_full
        self._tell = tell
        self._claim: Claim | None = None
        self._wake_up = WakeUp()
        # It rests for as long as it works, so it takes half of what one loop can take, and leaves the rest to tasks.
        self._loop = Loop("suggestions", self.compute_due, partial(self._wake_up.wait, poll_seconds), rest=1.0)

    def start(self, on_defect: OnDefect) -> None:
        self._loop.start(on_defect)

    def wake(self) -> None:
        """Someone has asked for suggestions."""
        self._wake_up.wake()

    async def stop(self) -> None:
        """What is being computed is given up: another engine does it again. Harmless when repeated."""
        await self._loop.finish()
        claim, self._claim = self._claim, None
        if claim is not None:
            try:
                await self._turns.release(claim)
            except Unavailable:
                log.info("suggestions_not_released", tenant=claim.tenant)

    async def compute_due(self) -> bool:
        """Compute the suggestions of one tenant that is due; True when there may be more."""
        await self._turns.note_fullness(self._engine, is_full=self._is_full())
        self._claim = claim = await self._turns.claim(HELD_SECONDS)
        if claim is None:
            return False
        began, computed = time.monotonic(), await self._computed(claim)
        self._claim = None
        if computed is None:
            return True
        took = round(time.monotonic() - began, 3)
        counts = {"workflows": computed.workflows, "candidates": computed.candidates, "new": len(computed.new)}
        log.info("suggestions_computed", tenant=claim.tenant, seconds=took, **counts)
        for news in computed.new[:MOST_TOLD]:
            await self._tell(news)
        return True

    async def _computed(self, claim: Claim) -> Computed | None:
        """None if another engine has the tenant now, or after a defect: that must not end an engine that runs tasks."""
        full, renewal = await self._turns.fullness(), _Renewal(self._turns, claim)
        computed = None
        try:
            computed = await self._computing.of_tenant(claim.tenant_id, full, renewal.may_continue)
        except Unavailable:
            raise
        except Exception:
            log.exception("suggestions_failed", tenant=claim.tenant)
        await self._turns.done(claim, EVERY_SECONDS)
        return computed


class _Renewal:
    """Keeps a claim while it is used."""

    def __init__(self, turns: Turns, claim: Claim) -> None:
        self._turns = turns
        self._claim = claim
        self._renewed_at = time.monotonic()

    async def may_continue(self) -> bool:
        if time.monotonic() - self._renewed_at < RENEW_SECONDS:
            return True
        self._renewed_at = time.monotonic()
        return await self._turns.renew(self._claim, HELD_SECONDS)
