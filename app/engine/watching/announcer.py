"""Tells other processes that histories have grown: many at a time, so that it costs little on a busy engine."""

import asyncio
import uuid
from collections.abc import Callable
from uuid import UUID

import structlog

from app.engine.ports import NEW_EVENTS, Signals
from app.engine.waking import Bell

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.05
IDS_PER_HINT = 200
"""NOTIFY carries at most 8,000 bytes; an id takes 33."""


class Announcer:
    """Collects execution ids and announces them at most every `PAUSE_SECONDS`."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._own = uuid.uuid4().hex[:8]
        self._grown: dict[UUID, None] = {}  # a set that keeps its order
        self._bell = Bell()
        self._task: asyncio.Task[None] | None = None

    def grew(self, execution_id: UUID) -> None:
        if not self._grown:
            self._bell.ring()
        self._grown[execution_id] = None

    def listen(self, hint: Callable[[UUID], None]) -> None:
        """Call `hint(execution_id)` for what other processes announce; this process knows its own."""

        def deliver(payload: str) -> None:
            sender, *ids = payload.split(",")
            if sender != self._own:
                for text in ids:
                    hint(UUID(text))

        self._signals.subscribe(NEW_EVENTS, deliver)

    def start(self) -> None:
        self._task = asyncio.create_task(self._announce_for_ever(), name="announcer")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _announce_for_ever(self) -> None:
        while True:
            await self._bell.wait()
            ids, self._grown = list(self._grown), {}
            try:
                for start in range(0, len(ids), IDS_PER_HINT):
                    part = (execution_id.hex for execution_id in ids[start : start + IDS_PER_HINT])
                    await self._signals.announce(NEW_EVENTS, ",".join((self._own, *part)))
            except Exception as error:  # noqa: BLE001 - nobody would notice that hints are not sent any more
                log.warning("hint_not_sent", reason=repr(error))
            await asyncio.sleep(PAUSE_SECONDS)
