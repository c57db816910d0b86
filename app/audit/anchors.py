"""Notes the heads of all chains in the process's log, from time to time.

Who can write to the database can write a chain anew, and it looks right. The log of the process is elsewhere, so an old
line of it shows that: `workflow audit verify --anchor`.
"""

import asyncio
from functools import partial

import structlog

from app.audit.ports import Heads
from app.background.loop import Loop, OnDefect, Sleep

log = structlog.get_logger(__name__)

ANCHOR_SECONDS = 3_600.0


class Anchors:
    """Writes one line per tenant, at the start of the process and every hour.

    heads: reads the heads.
    sleep: waits for so many seconds; a test may give its own.
    """

    def __init__(self, heads: Heads, sleep: Sleep = asyncio.sleep) -> None:
        self._heads = heads
        self._loop = Loop("audit_anchors", self.note, partial(sleep, ANCHOR_SECONDS))

    def start(self, on_defect: OnDefect) -> None:
        """A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """Harmless when repeated."""
        await self._loop.finish()

    async def note(self) -> None:
        for found in await self._heads.heads():
            if found.head.number > 0:
                log.info("audit_head", tenant=found.tenant, number=found.head.number, hash=found.head.hash.hex())
