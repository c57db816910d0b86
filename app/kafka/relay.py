"""Publishes the feed to Kafka: one process at a time does, for all engines.

Which one is decided by a lease in the database. What prevents two from publishing is not the lease, but the
transactional id: the process that opens the output shuts out the one before. The position is published together with
the events, so what was published is always known.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from app.background.loop import Loop, OnDefect
from app.background.wake_up import WakeUp
from app.domain.errors import PositionExpired, Unavailable
from app.feed.ports import FeedStore
from app.kafka.batches import Batches
from app.kafka.ports import Output, RelayLease
from app.kafka.records import Record

log = structlog.get_logger(__name__)

LEASE_SECONDS = 10.0
RENEW_SECONDS = 3.0
KEEP_SECONDS = 10.0
"""After so long without an event the position is published again: this is how a relay notices that it was shut out, or
that an operator has set another position. Kafka also forgets the offset of a group that does nothing for days."""


class Relay:
    """The relay of this process, which may or may not be the one that publishes.

    lease: which process publishes.
    output: where it publishes.
    batches: what it publishes.
    store: how far the feed reaches.
    poll_seconds: after so long it looks for new events without a wake-up.
    clock: seconds that never go back.
    """

    def __init__(
        self,
        lease: RelayLease,
        output: Output,
        batches: Batches,
        store: FeedStore,
        poll_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lease = lease
        self._output = output
        self._batches = batches
        self._store = store
        self._clock = clock
        self._position: int | None = None
        self._noted: int | None = None
        self._renew_at = 0.0
        self._publish_at = 0.0
        self._wake_up = WakeUp()
        self._loop = Loop("kafka relay", self._step, partial(self._pause, poll_seconds), rest=0.5)

    @property
    def position(self) -> int | None:
        """Up to which this process has published the feed; None while it is not the one that publishes."""
        return self._position

    def start(self, on_defect: OnDefect) -> None:
        """A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """Let another process continue. Bounded, whatever the brokers and the database do."""
        await self._loop.finish()
        await self._output.close()
        if self._position is not None:
            try:
                await self._lease.note(self._position)
                await self._lease.release()
            except Unavailable:
                log.warning("kafka_lease_not_released", for_seconds=LEASE_SECONDS)

    def wake(self) -> None:
        """There may be new events. Never waits."""
        if self._position is not None:
            self._wake_up.wake()

    async def _step(self) -> bool:
        """Publish what is next. True when there may be more."""
        if not await self._holds_lease():
            await self._stand_by()
            return False
        try:
            if self._position is None:
                self._position = await self._begin()
            return await self._publish_next(self._position)
        except PositionExpired as error:
            self._lose(error)
            return True
        except Unavailable:
            await self._give_up()
            raise

    async def _holds_lease(self) -> bool:
        now = self._clock()
        if self._position is not None and now < self._renew_at:
            return True
        holds = await self._lease.hold(LEASE_SECONDS)
        self._renew_at = now + RENEW_SECONDS
        if holds and self._position is not None and self._position != self._noted:
            await self._lease.note(self._position)
            self._noted = self._position
        return holds

    async def _begin(self) -> int:
        """Where to continue. What Kafka knows counts; what was noted is for a Kafka that has lost it, or is new."""
        published = await self._output.open()
        position = await self._lease.position() if published is None else published
        head = await self._store.head()
        if position is not None and position > head.last:
            log.error("kafka_position_unknown", position=position, last=head.last, continues_at=head.removed)
            position = None
        log.info("kafka_relay_began", position=position, known_to_kafka=published is not None)
        self._publish_at = self._clock() + KEEP_SECONDS
        return head.removed if position is None else position

    async def _publish_next(self, position: int) -> bool:
        batch = await self._batches.next(position)
        if batch is not None:
            await self._publish(batch.records, batch.position)
        elif self._clock() >= self._publish_at:
            await self._publish((), position)
        return batch is not None

    async def _publish(self, records: Sequence[Record], position: int) -> None:
        await self._output.publish(records, position)
        self._position = position
        self._publish_at = self._clock() + KEEP_SECONDS

    def _lose(self, error: PositionExpired) -> None:
        """Events were removed before they were published, because the relay did not get on for that long."""
        log.error("kafka_events_lost", after=error.position, continues_at=error.oldest)
        self._position = error.oldest

    async def _stand_by(self) -> None:
        if self._position is not None:
            log.warning("kafka_relay_replaced", position=self._position)
            self._position = None
            await self._output.close()

    async def _give_up(self) -> None:
        """Another process may reach what this one does not."""
        self._position = None
        await self._output.close()
        await self._lease.release()

    async def _pause(self, seconds: float) -> None:
        await self._wake_up.wait(RENEW_SECONDS if self._position is None else seconds)
