"""What identity needs from outside: protocols that `adapters/` implement and `wiring/` connects."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from app.domain.actions import Act
from app.domain.refs import Ref
from app.domain.tenants import Tenant, TenantChange, TenantLimits
from app.identity.api_keys import ApiKey, KeyDraft, KeyText

KEYS_CHANGED = "workflow_keys"
"""The channel on which a change of keys or tenants is announced, with an empty payload."""


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key as its store has it now.

    key: the key.
    seconds_left: until it expires, on the store's clock; negative when it has, None without an end.
    is_suspended: whether its tenant is suspended.
    needs_touch: whether `last_used_at` is older than what the store promises.
    """

    key: ApiKey
    seconds_left: float | None
    is_suspended: bool
    needs_touch: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """Keys and tenants whose callers are no longer served."""

    key_ids: frozenset[int]
    tenant_ids: frozenset[int]


class KeyStore(Protocol):
    """Each method is one transaction, on the store's clock. It raises `Unavailable` when the store does not respond.

    An `act` is audited, unless nothing changes.
    """

    async def find(self, digest: bytes) -> FoundKey | None:
        """The key whose text has this SHA-256, also one that was revoked or has expired."""

    async def insert(self, act: Act, text: KeyText, draft: KeyDraft) -> ApiKey:
        """Store a new key of the caller's tenant. Raise `NotFound` if the tenant does not exist."""

    async def get(self, tenant_id: int, key_id: int) -> ApiKey | None:
        """The tenant's key with this id."""

    async def list_keys(self, tenant_id: int, skip: int, limit: int) -> tuple[Sequence[ApiKey], int]:
        """One page of the tenant's keys, newest first, and the number of all."""

    async def rotate(
        self, act: Act, key_id: int, text: KeyText, lifetime_seconds: float | None, overlap_seconds: float
    ) -> ApiKey | None:
        """Store a key that allows the same as an existing one, which expires after the overlap if it does not earlier.

        Return None, and store nothing, if the tenant has no such key, or if it was revoked or has expired.
        """

    async def revoke(self, act: Act, key_id: int) -> ApiKey | None:
        """Revoke a key; no effect if it was revoked. Return None if the tenant has no such key."""

    async def touch(self, key_ids: Collection[int]) -> None:
        """Note that the keys were used now."""

    async def ended(self, key_ids: Collection[int], tenant_ids: Collection[int], grace_seconds: float) -> Ended:
        """Those that may not be used any more: keys that were revoked, or expired `grace_seconds` ago, and tenants that
        are suspended."""


class TenantStore(Protocol):
    """As `KeyStore`."""

    async def tenant(self, key: str) -> Tenant | None: ...

    async def insert_tenant(self, act: Act, key: str, name: str) -> Tenant:
        """Raise `Conflict` if the key is taken."""

    async def list_tenants(self, skip: int, limit: int) -> tuple[Sequence[Tenant], int]:
        """One page, ordered by id, and the number of all."""

    async def change_tenant(self, act: Act, key: str, change: TenantChange) -> Tenant | None:
        """None if there is no such tenant. One that is suspended keeps the time at which that began."""


@dataclass(frozen=True, slots=True)
class FoundLimits:
    """What a process has to know of the limits of tenants.

    limits: those of the tenants that have some, by the tenant's id.
    there_are_several: whether there is more than one tenant.
    engines: how many engines run executions now.
    """

    limits: Mapping[int, TenantLimits]
    there_are_several: bool
    engines: int


class LimitStore(Protocol):
    """As `KeyStore`."""

    async def limits(self) -> FoundLimits: ...


class WorkflowKeys(Protocol):
    """Finds the key of a tenant's workflow from what a request names. None if it has none, or does not exist."""

    async def of_workflow(self, ref: Ref) -> str | None: ...

    async def of_execution(self, tenant_id: int, execution_id: UUID) -> str | None: ...

    async def of_schedule(self, ref: Ref) -> str | None: ...


class TokenVerifier(Protocol):
    """Checks signed tokens."""

    async def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that is valid now.

        Raise `Unauthenticated` for any other token, `Unavailable` when the keys of its issuer cannot be fetched.
        """


class Signals(Protocol):
    """Sends notifications to other processes."""

    async def announce(self, channel: str, payload: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Taken:
    """What the counters allow.

    granted: how many requests; 0 when none is allowed now.
    seconds: when none is allowed: after which time the next one may be, more than 0.
    """

    granted: int
    seconds: float = 0.0


class RateCounters(Protocol):
    """Counts requests in a sliding window of a minute."""

    async def take(self, subject: str, per_minute: int, wanted: int) -> Taken:
        """Count `wanted` requests of a subject, or as many as are still allowed. Never raises, and waits for a few
        milliseconds at most."""
