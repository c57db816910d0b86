"""Sessions of people at the dashboard: a key or a token is swapped for a text that a browser keeps in a cookie.

A session may do what its key or token may do, and ends with it. The store has the SHA-256 of the text only.
"""

import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.errors import PermissionDenied, Unauthenticated
from app.domain.permissions import SCOPES_OF, Role
from app.identity.api_keys import SECRET_BYTES, digest_of

START = "wfs_"
LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session that has not ended, as its store has it now.

    key_digest: the SHA-256 of its key; None for a session of a token.
    seconds_left: until it ends, on the store's clock.
    ends_at: when that is.
    tenant_id, tenant, is_suspended: its tenant.
    principal, role, groups: those of the token.
    """

    key_digest: bytes | None
    seconds_left: float
    ends_at: datetime
    tenant_id: int
    tenant: str
    is_suspended: bool
    principal: str
    role: Role | None
    groups: frozenset[str]

    def of_token(self) -> Caller:
        """The caller of a session of a token. Raise `PermissionDenied` if its tenant is suspended."""
        if self.is_suspended:
            raise PermissionDenied("the tenant is suspended", "tenant_suspended")
        scopes = SCOPES_OF[self.role] if self.role is not None else frozenset()
        return Caller(
            self.tenant_id,
            self.tenant,
            self.principal,
            scopes,
            self.role,
            expires_at=self.ends_at,
            session_ends_at=self.ends_at,
            groups=self.groups,
        )

    def of_key(self, caller: Caller) -> Caller:
        """The caller of a session of a key, whose own caller is `caller`."""
        ends_at = self.ends_at if caller.expires_at is None else min(self.ends_at, caller.expires_at)
        return replace(caller, expires_at=ends_at, session_ends_at=self.ends_at)


class SessionStore(Protocol):
    """As `KeyStore`."""

    async def find(self, digest: bytes) -> FoundSession | None:
        """The session whose text has this SHA-256, if it has not ended."""

    async def ended(self, digests: Collection[bytes]) -> frozenset[bytes]:
        """Those of the digests that no session has, or that of one that has ended."""

    async def insert(self, act: Act, digest: bytes, lifetime_seconds: float) -> None:
        """Store a session of the caller, and remove those of its tenant that have ended."""

    async def delete(self, act: Act, digest: bytes) -> None:
        """End a session of the caller's tenant; no effect if there is none."""


class SessionService:
    """Begins and ends sessions.

    store: where they are.
    announce: notifies all processes that a session has ended.
    now: this machine's clock.
    """

    def __init__(
        self, store: SessionStore, announce: Callable[[], Awaitable[None]], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._announce = announce
        self._now = now

    async def begin(self, caller: Caller) -> tuple[str, float]:
        """The text of a new session, and for how many seconds it is valid: never longer than the credential.

        Raise `Unauthenticated` for a caller that has a session already instead of a key or a token.
        """
        if caller.session_ends_at is not None:
            raise Unauthenticated("a session begins with an API key or a token in the header Authorization")
        left = LIFETIME if caller.expires_at is None else min(LIFETIME, caller.expires_at - self._now())
        text, seconds = START + secrets.token_urlsafe(SECRET_BYTES), max(0.0, left.total_seconds())
        await self._store.insert(Act(caller, Action.SESSION_BEGIN), digest_of(text.encode()), seconds)
        return text, seconds

    async def end(self, caller: Caller, text: bytes) -> None:
        """No effect when repeated."""
        await self._store.delete(Act(caller, Action.SESSION_END), digest_of(text))
        await self._announce()
