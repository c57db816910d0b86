"""Joins sockets to what they show, and to the news of definitions between processes."""

import structlog

from app.adapters.database.signals import PostgresSignals
from app.api.live.broadcasts import Broadcasts
from app.api.live.conversation import LiveParts
from app.api.live.directory import Directory
from app.api.live.sockets import LiveSockets
from app.background.loop import OnDefect
from app.config import Settings
from app.definitions.news import CHANNEL, DefinitionNews, decode
from app.definitions.service import DefinitionService
from app.domain.errors import Unavailable
from app.engine.service import ExecutionService
from app.feed.service import FeedService
from app.identity.identity import Identity
from app.insights import news
from app.machines.machines import Machines

log = structlog.get_logger(__name__)


def open_sockets(
    settings: Settings,
    broadcasts: Broadcasts,
    identity: Identity,
    definitions: DefinitionService,
    executions: ExecutionService,
    feed: FeedService,
    machines: Machines,
) -> LiveSockets:
    directory = Directory(definitions, executions, machines.entities, identity.admission)
    parts = LiveParts(directory, broadcasts, feed, executions, machines.watching, identity)
    return LiveSockets(parts, settings.ws_max_connections)


def open_broadcasts(feed: FeedService, signals: PostgresSignals, on_defect: OnDefect) -> Broadcasts:
    """Call before the signals are started."""
    broadcasts = Broadcasts(feed, on_defect)
    signals.subscribe(CHANNEL, lambda payload: broadcasts.tell(decode(payload)))
    signals.subscribe(news.CHANNEL, lambda payload: broadcasts.tell_of_suggestion(news.decode(payload)))
    return broadcasts


async def tell_news(signals: PostgresSignals, told: DefinitionNews) -> None:
    """The change is committed already, so a failure only delays who follows definitions."""
    try:
        await signals.announce(CHANNEL, told.encode())
    except Unavailable as error:
        log.warning("definition_news_not_sent", reason=str(error))
