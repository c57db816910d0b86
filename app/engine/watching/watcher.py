"""The buffer between what happens to an execution and one reader who follows it."""

import asyncio

from app.background.alarm import Alarm
from app.engine.watching.batch import Batch
from app.engine.watching.held_batches import HeldBatches


class Watcher(HeldBatches[Batch]):
    """The buffer between the hub, which offers batches, and one reader, which takes them.

    follows: whether the reader takes the events. Otherwise it only wants to be woken up.
    """

    __slots__ = ("_reminder", "follows")

    def __init__(self) -> None:
        super().__init__()
        self._reminder = Alarm(self.wake)
        self.follows = False

    @property
    def wants_more(self) -> bool:
        """True while the reader has taken everything and waits for the next event."""
        return self.follows and self.waits

    def holds_from(self, number: int) -> bool:
        """True when the buffer begins with event `number`, so that the database need not be read."""
        return bool(self._held) and self._held[0].first == number

    async def wait_at_most(self, seconds: float) -> None:
        """As `wait`. After `seconds` without a batch or a wake-up, set `must_read` and return."""
        if not self._woken:
            loop = asyncio.get_running_loop()
            self._reminder.set(loop.time() + seconds, loop)
        try:
            await self.wait()
        finally:
            self._reminder.clear()

    def close(self) -> None:
        """Release the timer. The reader must not wait again."""
        self._reminder.close()
