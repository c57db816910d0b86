"""Opens what limits how often one may call, for both processes."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from app.adapters.rates.shared import LocalCounters, open_shared_counters
from app.config import Settings, SettingsError
from app.identity.allowances import Allowances
from app.identity.client_addresses import ClientAddresses
from app.identity.ports import RateCounters
from app.identity.rates import RateRules, Rates

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 0.25
"""After which time a Redis that does not answer counts as unreachable. No request waits for so long."""


@asynccontextmanager
async def open_rates(settings: Settings, addresses: ClientAddresses) -> AsyncIterator[Rates | None]:
    """The limits of the settings; None when there are none. Raise `SettingsError` for a REDIS_URL that cannot be used.

    While everyone is admitted, requests are counted by address, and only if others can reach the process.

    addresses: finds the address that is counted.
    """
    rules = RateRules(settings.rate_limit_anonymous or None, settings.rate_limit_keys or None)
    if settings.auth == "off" or (settings.auth != "on" and rules.anonymous is None):
        yield None
        return
    shared = settings.redis_url is not None
    log.info("rate_limits", anonymous=rules.anonymous, callers=rules.callers, in_redis=shared)
    async with _open_counters(settings.redis_url) as counters:
        allowances = Allowances(counters, time.monotonic)
        yield Rates(rules, allowances, addresses)


@asynccontextmanager
async def _open_counters(redis_url: str | None) -> AsyncIterator[RateCounters]:
    if redis_url is None:
        yield LocalCounters()
        return
    async with AsyncExitStack() as stack:
        try:
            counters = await stack.enter_async_context(open_shared_counters(redis_url, TIMEOUT_SECONDS))
        except ValueError as error:
            raise SettingsError(f"REDIS_URL {error}") from None
        yield counters
