"""Notifies other processes that histories have grown. One notification names many, so a busy engine sends few."""

import asyncio
import uuid
from collections.abc import Callable
from functools import partial
from uuid import UUID

from app.background.backoff import Backoff
from app.background.loop import Loop, OnDefect
from app.background.wake_up import WakeUp
from app.engine.ports import NEW_EVENTS, Signals

PAUSE_SECONDS = 0.05
IDS_PER_NOTICE = 200
"""The payload of NOTIFY has at most 8,000 bytes; an id and its comma take 33."""
RETRY = Backoff(first_seconds=0.05, longest_seconds=1.0)


class Announcer:
    """Collects execution ids and announces them together, at most once in `pause_seconds`.

    signals: sends notifications to other processes.
    pause_seconds: the shortest time between two announcements.
    backoff: the pauses after an announcement that failed. Its ids are not sent again, because watchers in other
        processes also poll.
    """

    def __init__(
        self,
        signals: Signals,
        pause_seconds: float = PAUSE_SECONDS,
        backoff: Backoff = RETRY,
    ) -> None:
        self._signals = signals
        self._own = uuid.uuid4().hex[:8]
        self._grown: dict[UUID, None] = {}  # a set that keeps its order
        self._wake_up = WakeUp()
        self._loop = Loop("announcer", self._announce, partial(self._rest, pause_seconds), backoff=backoff)

    def grew(self, execution_id: UUID) -> None:
        """Announce soon that the execution has new events. Never waits."""
        if not self._grown:
            self._wake_up.wake()
        self._grown[execution_id] = None

    def listen(self, wake: Callable[[UUID], None]) -> None:
        """Call `wake(execution_id)` for each announcement of another process. Own announcements are skipped, because
        the hub has delivered these events already.
        """

        def deliver(payload: str) -> None:
            sender, *ids = payload.split(",")
            if sender != self._own:
                for text in ids:
                    wake(UUID(text))

        self._signals.subscribe(NEW_EVENTS, deliver)

    def start(self, on_defect: OnDefect) -> None:
        """Start announcing. A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """Stop announcing. May be called more than once."""
        await self._loop.finish()

    async def _announce(self) -> None:
        ids, self._grown = list(self._grown), {}
        for start in range(0, len(ids), IDS_PER_NOTICE):
            part = (execution_id.hex for execution_id in ids[start : start + IDS_PER_NOTICE])
            await self._signals.announce(NEW_EVENTS, ",".join((self._own, *part)))

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._wake_up.wait()
