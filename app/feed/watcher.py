"""The buffer between the follower, which offers batches, and one reader, which takes them."""

from collections.abc import Iterable

from app.engine.watching.held_batches import HeldBatches
from app.feed.entries import FeedBatch


class FeedWatcher(HeldBatches[FeedBatch]):
    """What one reader has not taken yet.

    held: batches that follow one another, to begin with.

    is_closed: True when the process stops.
    """

    __slots__ = ("is_closed",)

    def __init__(self, held: Iterable[FeedBatch] = ()) -> None:
        super().__init__(held)
        self.is_closed = False

    def take(self, after: int) -> FeedBatch | None:
        """As for all buffers. Who takes something need not read: what the buffer has is all that follows."""
        batch = super().take(after)
        if batch is not None:
            self.must_read = False
        return batch

    def close(self) -> None:
        """Wake up the reader for the last time."""
        self.is_closed = True
        self.end_wait()
