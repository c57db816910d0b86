"""API keys and tenants in memory."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from app.domain.actions import Act
from app.domain.callers import DEFAULT_TENANT, DEFAULT_TENANT_ID, Caller
from app.domain.errors import Conflict, NotFound
from app.domain.refs import Ref
from app.domain.tenants import NO_LIMITS, Tenant, TenantChange
from app.identity.api_keys import ApiKey, KeyDraft, KeyText
from app.identity.ports import Ended, FoundKey, FoundLimits
from app.identity.sessions import FoundSession

TOUCH_SECONDS = 600.0


class MemoryTenantStore:
    """`suspend` does what an operator does by SQL."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ids = count(DEFAULT_TENANT_ID)
        self.by_id: dict[int, Tenant] = {}
        self.engines = 0
        self._add(DEFAULT_TENANT, "Default")

    async def tenant(self, key: str) -> Tenant | None:
        return next((tenant for tenant in self.by_id.values() if tenant.key == key), None)

    async def insert_tenant(self, act: Act, key: str, name: str) -> Tenant:
        if await self.tenant(key) is not None:
            raise Conflict("key", "this key belongs to another tenant")
        return self._add(key, name)

    async def list_tenants(self, skip: int, limit: int) -> tuple[Sequence[Tenant], int]:
        found = list(self.by_id.values())
        return found[skip : skip + limit], len(found)

    async def change_tenant(self, act: Act, key: str, change: TenantChange) -> Tenant | None:
        if (tenant := await self.tenant(key)) is None:
            return None
        tenant = replace(tenant, limits=replace(tenant.limits, **change.limits))
        if change.suspended is not None:
            tenant = replace(tenant, suspended_at=(tenant.suspended_at or self._now()) if change.suspended else None)
        self.by_id[tenant.id] = tenant
        return tenant

    async def limits(self) -> FoundLimits:
        limits = {tenant.id: tenant.limits for tenant in self.by_id.values() if tenant.limits != NO_LIMITS}
        return FoundLimits(limits, len(self.by_id) > 1, self.engines)

    async def suspend(self, tenant_id: int) -> None:
        self.by_id[tenant_id] = replace(self.by_id[tenant_id], suspended_at=self._now())

    def _add(self, key: str, name: str) -> Tenant:
        tenant = Tenant(next(self._ids), key, name, self._now())
        self.by_id[tenant.id] = tenant
        return tenant


class MemoryKeyStore:
    """Between two waits of a method nothing else runs, so that each is a transaction by itself."""

    def __init__(self, tenants: MemoryTenantStore, now: Callable[[], datetime]) -> None:
        self._tenants = tenants
        self._now = now
        self._ids = count(1)
        self._keys: dict[int, ApiKey] = {}
        self._digests: dict[bytes, int] = {}
        self.finds = 0

    def digest_of(self, key_id: int) -> bytes:
        return next(digest for digest, known in self._digests.items() if known == key_id)

    async def find(self, digest: bytes) -> FoundKey | None:
        self.finds += 1
        key_id = self._digests.get(digest)
        if key_id is None:
            return None
        key, now = self._keys[key_id], self._now()
        left = None if key.expires_at is None else (key.expires_at - now).total_seconds()
        is_suspended = self._tenants.by_id[key.tenant_id].suspended_at is not None
        used = key.last_used_at
        return FoundKey(key, left, is_suspended, used is None or now - used > timedelta(seconds=TOUCH_SECONDS))

    async def insert(self, act: Act, text: KeyText, draft: KeyDraft) -> ApiKey:
        return self._add(act.caller, text, draft, None)

    async def get(self, tenant_id: int, key_id: int) -> ApiKey | None:
        key = self._keys.get(key_id)
        return key if key is not None and key.tenant_id == tenant_id else None

    async def list_keys(self, tenant_id: int, skip: int, limit: int) -> tuple[Sequence[ApiKey], int]:
        found = [key for key in reversed(self._keys.values()) if key.tenant_id == tenant_id]
        return found[skip : skip + limit], len(found)

    async def rotate(
        self, act: Act, key_id: int, text: KeyText, lifetime_seconds: float | None, overlap_seconds: float
    ) -> ApiKey | None:
        old = await self.get(act.caller.tenant_id, key_id)
        if old is None or old.revoked_at is not None or not self._is_unexpired(old, 0):
            return None
        end = self._now() + timedelta(seconds=overlap_seconds)
        self._keys[key_id] = replace(old, expires_at=end if old.expires_at is None else min(end, old.expires_at))
        draft = KeyDraft(old.name, old.grant, lifetime_seconds, old.rate_limit)
        return self._add(act.caller, text, draft, key_id)

    async def revoke(self, act: Act, key_id: int) -> ApiKey | None:
        key = await self.get(act.caller.tenant_id, key_id)
        if key is None:
            return None
        self._keys[key_id] = replace(key, revoked_at=key.revoked_at or self._now())
        return self._keys[key_id]

    async def touch(self, key_ids: Collection[int]) -> None:
        for key_id in key_ids:
            self._keys[key_id] = replace(self._keys[key_id], last_used_at=self._now())

    async def ended(self, key_ids: Collection[int], tenant_ids: Collection[int], grace_seconds: float) -> Ended:
        keys = {key_id for key_id in key_ids if not self._goes_on(key_id, grace_seconds)}
        tenants = {t for t in tenant_ids if t not in self._tenants.by_id or self._tenants.by_id[t].suspended_at}
        return Ended(frozenset(keys), frozenset(tenants))

    def _goes_on(self, key_id: int, grace_seconds: float) -> bool:
        key = self._keys.get(key_id)
        return key is not None and key.revoked_at is None and self._is_unexpired(key, grace_seconds)

    def _is_unexpired(self, key: ApiKey, grace_seconds: float) -> bool:
        return key.expires_at is None or key.expires_at + timedelta(seconds=grace_seconds) > self._now()

    def _add(self, caller: Caller, text: KeyText, draft: KeyDraft, replaces_id: int | None) -> ApiKey:
        tenant_id = caller.tenant_id
        if tenant_id not in self._tenants.by_id:
            raise NotFound("tenant", tenant_id)
        now, seconds = self._now(), draft.lifetime_seconds
        key = ApiKey(
            id=next(self._ids),
            tenant_id=tenant_id,
            tenant=self._tenants.by_id[tenant_id].key,
            prefix=text.prefix,
            name=draft.name,
            grant=draft.grant,
            created_at=now,
            created_by=caller.principal,
            expires_at=None if seconds is None else now + timedelta(seconds=seconds),
            replaces_id=replaces_id,
            rate_limit=draft.rate_limit,
        )
        self._keys[key.id] = key
        self._digests[text.digest] = key.id
        return key


class MemoryWorkflowKeys:
    """`of_workflows`, `of_executions` and `of_schedules` have the keys."""

    def __init__(self) -> None:
        self.of_workflows: dict[str, str] = {}
        self.of_executions: dict[UUID, str] = {}
        self.of_schedules: dict[str, str] = {}

    async def of_workflow(self, ref: Ref) -> str | None:
        return self.of_workflows.get(str(ref))

    async def of_execution(self, execution_id: UUID) -> str | None:
        return self.of_executions.get(execution_id)

    async def of_schedule(self, ref: Ref) -> str | None:
        return self.of_schedules.get(str(ref))


class MemorySessionStore:
    """Sessions of the dashboard. A session ends when `now` has come to its end.

    keys: where the digests of keys are found.
    """

    def __init__(self, keys: MemoryKeyStore, now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._now = now
        self.sessions: dict[bytes, tuple[Caller, datetime]] = {}

    async def find(self, digest: bytes) -> FoundSession | None:
        if digest not in self.sessions:
            return None
        caller, ends_at = self.sessions[digest]
        left = (ends_at - self._now()).total_seconds()
        if left <= 0:
            return None
        key = None if caller.key_id is None else self._keys.digest_of(caller.key_id)
        named = (caller.tenant_id, caller.tenant, False, caller.principal, caller.role, caller.groups)
        return FoundSession(key, left, ends_at, *named)

    async def ended(self, digests: Collection[bytes]) -> frozenset[bytes]:
        return frozenset([digest for digest in digests if await self.find(digest) is None])

    async def insert(self, act: Act, digest: bytes, lifetime_seconds: float) -> None:
        self.sessions[digest] = (act.caller, self._now() + timedelta(seconds=lifetime_seconds))

    async def delete(self, act: Act, digest: bytes) -> None:
        self.sessions.pop(digest, None)
