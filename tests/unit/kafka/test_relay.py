"""Where the relay continues, and what it does when it cannot."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from structlog.testing import capture_logs

from app.domain.errors import PositionExpired
from app.feed.ports import FeedHead
from app.kafka.batches import Batch
from app.kafka.ports import Fenced, KafkaUnreachable
from app.kafka.records import Record
from app.kafka.relay import KEEP_SECONDS, LEASE_SECONDS, Relay
from tests.support.virtual_time import in_virtual_time

POLL_SECONDS = 1.0


@dataclass
class Feed:
    """The feed and its batches: an event a position, two events a batch."""

    last: int
    removed: int = 0

    async def head(self) -> FeedHead:
        return FeedHead(self.last, self.removed)

    async def next(self, after: int) -> Batch | None:
        if after >= self.last:
            return None
        if after < self.removed:
            raise PositionExpired(after, self.removed)
        through = min(after + 2, self.last)
        return Batch([Record("events", None, str(n).encode()) for n in range(after + 1, through + 1)], through)


@dataclass
class Brokers:
    """What was published, and the position; `failures` come before what is published next."""

    position: int | None = None
    published: list[str] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    opened: int = 0

    async def open(self) -> int | None:
        self.opened += 1
        return self.position

    async def publish(self, records: Sequence[Record], position: int) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.published += [(record.value or b"").decode() for record in records]
        self.positions.append(position)
        self.position = position

    async def close(self) -> None:
        return None


@dataclass
class Lease:
    """Of the database: another process has it while `is_taken`."""

    noted: int | None = None
    is_taken: bool = False
    released: int = 0

    async def hold(self, seconds: float) -> bool:
        return not self.is_taken

    async def position(self) -> int | None:
        return self.noted

    async def note(self, position: int) -> None:
        self.noted = position

    async def release(self) -> None:
        self.released += 1


async def run(feed: Feed, brokers: Brokers, lease: Lease, seconds: float) -> None:
    """Let a relay publish for so long."""
    defects: list[Exception] = []
    relay = Relay(lease, brokers, feed, feed, POLL_SECONDS, asyncio.get_running_loop().time)  # type: ignore[arg-type]
    relay.start(defects.append)
    await asyncio.sleep(seconds)
    await relay.stop()
    assert defects == []


def numbers(first: int, last: int) -> list[str]:
    return [str(n) for n in range(first, last + 1)]


@in_virtual_time
async def test_it_continues_behind_what_kafka_knows_and_not_behind_what_was_noted() -> None:
    brokers, lease = Brokers(position=4), Lease(noted=2)
    await run(Feed(last=9), brokers, lease, 5)
    assert brokers.published == numbers(5, 9)
    assert lease.noted == 9


@in_virtual_time
async def test_it_continues_behind_what_was_noted_when_kafka_has_lost_the_position() -> None:
    brokers = Brokers()
    await run(Feed(last=9), brokers, Lease(noted=6), 5)
    assert brokers.published == numbers(7, 9)


@in_virtual_time
async def test_it_begins_with_the_oldest_event_when_no_position_is_known() -> None:
    brokers = Brokers()
    with capture_logs() as logs:
        await run(Feed(last=9, removed=3), brokers, Lease(), 5)
    assert brokers.published == numbers(4, 9)
    assert {entry["log_level"] for entry in logs} == {"info"}


@in_virtual_time
async def test_a_position_that_the_feed_has_not_reached_is_reported_and_everything_is_published() -> None:
    """The database is another one, or an older state of it."""
    brokers = Brokers(position=500)
    with capture_logs() as logs:
        await run(Feed(last=9, removed=3), brokers, Lease(noted=400), 5)
    assert brokers.published == numbers(4, 9)
    (entry,) = [entry for entry in logs if entry["event"] == "kafka_position_unknown"]
    assert (entry["position"], entry["last"], entry["continues_at"]) == (500, 9, 3)


@in_virtual_time
async def test_events_that_were_removed_before_they_were_published_are_reported() -> None:
    brokers = Brokers(position=2)
    with capture_logs() as logs:
        await run(Feed(last=9, removed=6), brokers, Lease(), 5)
    assert brokers.published == numbers(7, 9)
    (entry,) = [entry for entry in logs if entry["event"] == "kafka_events_lost"]
    assert (entry["after"], entry["continues_at"], entry["log_level"]) == (2, 6, "error")


@in_virtual_time
async def test_it_opens_again_and_asks_kafka_after_the_brokers_did_not_answer() -> None:
    feed, brokers, lease = Feed(last=4), Brokers(position=2, failures=[KafkaUnreachable("away")]), Lease()
    await run(feed, brokers, lease, 20)
    assert brokers.published == numbers(3, 4)
    assert (brokers.opened, lease.released) == (2, 2)


@in_virtual_time
async def test_one_that_was_shut_out_lets_another_one_have_the_lease() -> None:
    feed, brokers, lease = Feed(last=4), Brokers(position=0, failures=[Fenced("replaced")]), Lease()
    await run(feed, brokers, lease, 20)
    assert brokers.published == numbers(1, 4)
    assert brokers.opened == 2


@in_virtual_time
async def test_it_publishes_nothing_while_another_process_has_the_lease() -> None:
    brokers, lease = Brokers(), Lease(is_taken=True)
    await run(Feed(last=4), brokers, lease, 10 * LEASE_SECONDS)
    assert (brokers.published, brokers.opened, lease.released) == ([], 0, 0)


@in_virtual_time
async def test_the_position_is_published_again_although_nothing_happens() -> None:
    """Brokers forget the offsets of groups that do nothing."""
    brokers = Brokers()
    await run(Feed(last=2), brokers, Lease(), 2.5 * KEEP_SECONDS)
    assert brokers.published == numbers(1, 2)
    assert brokers.positions == [2, 2, 2]
