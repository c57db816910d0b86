"""Opens the cache of definitions: in Redis, or in each REST process. In the second case the processes notify each other
of changes.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from app.adapters.cache.notifying import notifying_cache
from app.adapters.cache.redis_cache import open_redis_cache
from app.adapters.database.signals import PostgresSignals
from app.config import Settings, SettingsError
from app.definitions.ports import DefinitionCache

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_definition_cache(settings: Settings, signals: PostgresSignals) -> AsyncIterator[DefinitionCache]:
    """The cache that the settings name. Enter the context before `signals` is started, because the cache subscribes.

    Raise `SettingsError` for a REDIS_URL that cannot be used.
    """
    seconds = settings.cache_ttl_seconds
    if settings.redis_url is None:
        log.info("cache_in_process", ttl_seconds=seconds)
        yield notifying_cache(seconds, signals)
        return
    log.info("cache_redis", ttl_seconds=seconds)
    async with AsyncExitStack() as stack:
        try:
            opening = open_redis_cache(settings.redis_url, seconds, settings.cache_timeout_seconds)
            cache = await stack.enter_async_context(opening)
        except ValueError as error:
            raise SettingsError(f"REDIS_URL {error}") from None
        yield cache
