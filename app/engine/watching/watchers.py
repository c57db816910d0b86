"""Follows histories as they grow.

Invariants: a watcher receives all events, in order and without a gap. Events that it has not received yet are in the
database. So a watcher that is slow, gone or in another process can neither delay an execution nor lose an event.

The hub delivers committed events to the watchers in this process. All watchers of an execution receive the same batch,
so its messages are made only once. Each watcher buffers a bounded number of events. When it falls behind, it drops its
buffer and reads the history from the database. The new events of an execution that runs in another process are read
once for all watchers (`follower.py`); a watcher that has come late reads by itself what the others have already.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from uuid import UUID

from app.domain.errors import NotFound, Unavailable
from app.domain.events import Event
from app.engine.watching.batch import Batch
from app.engine.watching.follower import Follower, History
from app.engine.watching.watcher import Watcher


class Hub:
    """The watchers of this process, by execution.

    announce: called with the id of an execution whose history has grown, to notify other processes. Must not wait.
    closing: set when the process stops; all watchers then end.
    """

    def __init__(self, announce: Callable[[UUID], None] = lambda _: None) -> None:
        self._followers: dict[UUID, Follower] = {}
        self._announce = announce
        self.closing = False

    @property
    def watchers(self) -> int:
        """The number of watchers."""
        return sum(len(follower.watchers) for follower in self._followers.values())

    def add(self, execution_id: UUID, complete_to: int | None = None) -> Watcher:
        """A watcher that receives what is published from now on.

        complete_to: its reader has all events up to this number, and those after it have not been published yet. None
            when that is not known: the watcher then begins with a read of the history.
        """
        if (follower := self._followers.get(execution_id)) is None:
            follower = self._followers[execution_id] = Follower()
        watcher = Watcher()
        # What is stored and not published yet may have been read already, and is not offered again.
        watcher.must_read = complete_to is None or follower.has_passed(complete_to)
        follower.watchers.append(watcher)
        return watcher

    def remove(self, execution_id: UUID, watcher: Watcher) -> None:
        watcher.close()
        follower = self._followers[execution_id]
        follower.watchers.remove(watcher)
        if not follower.watchers:
            follower.close()
            del self._followers[execution_id]

    def follower(self, execution_id: UUID) -> Follower:
        """What the watchers of an execution share. One must have been added."""
        return self._followers[execution_id]

    def publish(self, execution_id: UUID, events: Sequence[Event]) -> None:
        """Deliver committed events to the watchers in this process, and notify other processes. Never waits."""
        if (follower := self._followers.get(execution_id)) is not None:
            follower.hand_out(Batch(events, is_shared=len(follower.watchers) > 1))
        self._announce(execution_id)

    def wake(self, execution_id: UUID) -> None:
        """Have the new events of an execution read, because another process has announced some."""
        if (follower := self._followers.get(execution_id)) is not None:
            follower.wake()

    def close(self) -> None:
        """End all waits. A watcher still receives what it has buffered, and what it is reading by itself."""
        self.closing = True
        for follower in self._followers.values():
            follower.close()
            for watcher in follower.watchers:
                watcher.end_wait()


async def follow(
    hub: Hub, watcher: Watcher, history: History, execution_id: UUID, after: int, poll_seconds: float
) -> AsyncGenerator[Batch]:
    """Yield the history after number `after` in batches, as it grows, until the execution has ended.

    hub: the hub that `watcher` was added to.
    watcher: receives the new events of the execution.
    history: reads events of the execution from the database. It also reads for its other watchers.
    execution_id: the execution to follow.
    after: the number of the last event that the caller has.
    poll_seconds: the first pause after which the database is read without a wake-up, see `Follower.serve`.

    Raise `Unavailable` when the hub closes before the execution has ended, `NotFound` when the history is removed
    meanwhile.
    """
    follower, ended = hub.follower(execution_id), False
    follower.serve(history, poll_seconds)
    watcher.follows = True
    while not ended:
        # The buffer comes first: as long as it continues where the caller is, the database is not read.
        batch = watcher.take(after)
        if batch is None and watcher.must_read:
            page = await follower.page_for(watcher, history, after)
            if not page.exists:
                raise NotFound("execution", execution_id)
            batch, ended = Batch(page.events) if page.events else None, page.ended
        if batch is not None:
            yield batch
            after = batch.last
            ended = batch.is_final
        elif not ended:
            if hub.closing:
                raise Unavailable(f"the server is stopping; the execution continues: watch it again after {after}")
            if follower.is_behind:
                follower.catch_up()
            # No wake-up is lost here. One that came during a read is remembered, so `wait` returns at once. Without a
            # read, nothing was awaited since `take`, so none can have come.
            await watcher.wait()
