"""Opens the cache of definitions: in Redis, or in each REST process. In the second case the processes notify each other
of changes.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from app.adapters.cache.in_process import InProcessDefinitionCache
from app.adapters.cache.notices import CHANNEL, Notice, decode
from app.adapters.cache.redis_cache import open_redis_cache
from app.adapters.database.signals import PostgresSignals
from app.config import Settings, SettingsError
from app.definitions.ports import DefinitionCache
from app.engine.ports import StoreUnreachable

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_definition_cache(settings: Settings, signals: PostgresSignals) -> AsyncIterator[DefinitionCache]:
    """The cache that the settings name. Enter the context before `signals` is started, because the cache subscribes.

    Raise `SettingsError` for a REDIS_URL that cannot be used.
    """
    seconds = settings.cache_ttl_seconds
    if settings.redis_url is None:
        log.info("cache_in_process", ttl_seconds=seconds)
        yield _in_process_cache(seconds, signals)
        return
    log.info("cache_redis", ttl_seconds=seconds)
    async with AsyncExitStack() as stack:
        try:
            opening = open_redis_cache(settings.redis_url, seconds, settings.cache_timeout_seconds)
            cache = await stack.enter_async_context(opening)
        except ValueError as error:
            raise SettingsError(f"REDIS_URL {error}") from None
        yield cache


def _in_process_cache(ttl_seconds: float, signals: PostgresSignals) -> InProcessDefinitionCache:
    own = uuid.uuid4().hex[:8]
    cache = InProcessDefinitionCache(ttl_seconds, _announcing(signals, own))

    def deliver(payload: str) -> None:
        sender, _, text = payload.partition(" ")
        if sender != own:
            cache.receive(decode(text))

    signals.subscribe(CHANNEL, deliver)
    signals.observe(cache.set_listening)
    return cache


def _announcing(signals: PostgresSignals, own: str) -> Callable[[Notice], Awaitable[bool]]:
    async def announce(notice: Notice) -> bool:
        try:
            await signals.announce(CHANNEL, f"{own} {notice.encode()}")
        except StoreUnreachable as error:
            log.warning("cache_notice_not_sent", reason=str(error))
            return False
        return True

    return announce
