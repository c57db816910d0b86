"""Joins the feed to the database and to the wake-ups between processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.adapters.database.feed import PostgresFeed
from app.adapters.database.signals import PostgresSignals
from app.background.loop import OnDefect
from app.config import Settings
from app.engine.ports import NEW_EVENTS, NEW_WORK
from app.feed.follower import FeedFollower
from app.feed.reading import FeedReading
from app.feed.service import FeedService
from app.machines.ports import NEW_ENTITIES
from app.wiring.parts import Shared


@asynccontextmanager
async def open_feed(
    settings: Settings, shared: Shared, signals: PostgresSignals, on_defect: OnDefect
) -> AsyncIterator[FeedService]:
    """The feed for callers. Enter before `signals` are started."""
    store = PostgresFeed(shared.pool)
    reading = FeedReading(store, shared.plans)
    follower = FeedFollower(store, reading, settings.watch_poll_seconds)
    for channel in (NEW_EVENTS, NEW_WORK, NEW_ENTITIES):
        signals.subscribe(channel, lambda _: follower.wake())
    follower.start(on_defect)
    try:
        yield FeedService(store, reading, follower)
    finally:
        await follower.stop()
