"""The cache of a process without Redis, whose writes invalidate the entries of the other processes by notifications."""

import uuid
from collections.abc import Callable
from typing import Protocol

import structlog

from app.adapters.cache.in_process import Announce, InProcessDefinitionCache
from app.adapters.cache.notices import CHANNEL, Notice, decode
from app.domain.errors import Unavailable

log = structlog.get_logger(__name__)


class Notifications(Protocol):
    """What carries notices between processes; `PostgresSignals` does."""

    async def announce(self, channel: str, payload: str) -> None:
        """Raise `Unavailable` when the payload was not sent."""

    def subscribe(self, channel: str, listener: Callable[[str], None]) -> None: ...

    def observe(self, observer: Callable[[bool], None]) -> None:
        """Call `observer(True)` when all that is announced from then on will arrive, `observer(False)` when not."""


def notifying_cache(ttl_seconds: float, notifications: Notifications) -> InProcessDefinitionCache:
    """Call before the notifications start."""
    own = uuid.uuid4().hex[:8]
    cache = InProcessDefinitionCache(ttl_seconds, _announcing(notifications, own))

    def deliver(payload: str) -> None:
        sender, _, text = payload.partition(" ")
        if sender != own:
            cache.receive(decode(text))

    notifications.subscribe(CHANNEL, deliver)
    notifications.observe(cache.set_listening)
    return cache


def _announcing(notifications: Notifications, own: str) -> Announce:
    async def announce(notice: Notice) -> bool:
        try:
            await notifications.announce(CHANNEL, f"{own} {notice.encode()}")
        except Unavailable as error:
            log.warning("cache_notice_not_sent", reason=str(error))
            return False
        return True

    return announce
