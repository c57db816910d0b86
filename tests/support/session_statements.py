"""The statements of sessions of the dashboard that are sent with the login of callers."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from app.adapters.database.pool import Pool
from app.adapters.database.ui_sessions import PostgresSessionStore
from app.domain.actions import Action
from tests.support.acts import act_of

LIFETIME = 3600.0


class SessionStatements:
    """The store of sessions, over one login."""

    def __init__(self, pool: Pool) -> None:
        self._store = PostgresSessionStore(pool)

    async def fill(self, tenant_id: int) -> bytes:
        """Store a session, and one that has ended, which only its tenant may remove. Return the digest of the first."""
        digest = await self._begin(tenant_id, LIFETIME)
        await self._begin(tenant_id, -LIFETIME)
        return digest

    def writes(self, tenant_id: int, digest: bytes) -> Mapping[str, Callable[[], Awaitable[Any]]]:
        return {
            "begin a session": lambda: self._has_lost_a_new_one(tenant_id),
            "end a session": lambda: self._has_ended(tenant_id, digest),
        }

    async def call_open_ones(self, digest: bytes) -> None:
        """Who knows the digest of a session finds it, before the tenant is known."""
        assert await self._store.find(digest) is not None
        assert await self._store.ended([digest, bytes(32)]) == {bytes(32)}

    async def _begin(self, tenant_id: int, seconds: float) -> bytes:
        digest = secrets.token_bytes(32)
        await self._store.insert(act_of(tenant_id, action=Action.SESSION_BEGIN), digest, seconds)
        return digest

    async def _has_lost_a_new_one(self, tenant_id: int) -> bool:
        """Begin one. It names nothing that another tenant has, and removes those that have ended."""
        return await self._store.find(await self._begin(tenant_id, LIFETIME)) is None

    async def _has_ended(self, tenant_id: int, digest: bytes) -> bool:
        await self._store.delete(act_of(tenant_id, action=Action.SESSION_END), digest)
        return await self._store.find(digest) is None
