"""API keys and tenants in PostgreSQL. All times are the database's clock."""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from app.adapters.database.audit import Session, append
from app.adapters.database.audited_documents import key_fields, tenant_fields
from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.audit.entry import UNMASKED, Entries
from app.domain.actions import Act
from app.domain.callers import KeyPattern
from app.domain.errors import Conflict, NotFound
from app.domain.permissions import Role, Scope
from app.domain.refs import Ref
from app.domain.tenants import Tenant, TenantChange, TenantLimits
from app.identity.api_keys import ApiKey, Grant, KeyDraft, KeyText
from app.identity.ports import Ended, FoundKey, FoundLimits

TOUCH_SECONDS = 600.0
"""How old `last_used_at` may be before a use is noted."""

LIMITS = ("max_running", "starts_per_second", "max_definitions")

_SQL = load("identity")


class PostgresKeyStore:
    """Stores API keys.

    pool: the connections.
    entries: makes the entries of the audit log.
    """

    def __init__(self, pool: Pool, entries: Entries = UNMASKED) -> None:
        self._pool = pool
        self._entries = entries

    async def find(self, digest: bytes) -> FoundKey | None:
        with reaching():
            row = await self._pool.read_row(_SQL["find"], digest, TOUCH_SECONDS)
        if row is None:
            return None
        return FoundKey(_key(row), row["seconds_left"], row["is_suspended"], row["needs_touch"])

    async def insert(self, act: Act, text: KeyText, draft: KeyDraft) -> ApiKey:
        grant, caller = draft.grant, act.caller
        values = (
            caller.tenant_id,
            text.prefix,
            text.digest,
            draft.name,
            grant.role and grant.role.value,
            None if grant.scopes is None else sorted(grant.scopes),
            grant.workflows and grant.workflows.text,
            caller.principal,
            draft.lifetime_seconds,
            draft.rate_limit,
            sorted(grant.groups),
        )
        with reaching():
            async with self._pool.transaction(caller.tenant_id) as connection:
                row = await connection.fetchrow(_SQL["insert"], *values)
                if row is None:
                    raise NotFound("tenant", caller.tenant_id)
                key = _key(row)
                await self._audit(connection, act, None, key)
        return key

    async def get(self, tenant_id: int, key_id: int) -> ApiKey | None:
        with reaching():
            row = await self._pool.read_row(_SQL["get"], tenant_id, key_id)
        return None if row is None else _key(row)

    async def list_keys(self, tenant_id: int, skip: int, limit: int) -> tuple[Sequence[ApiKey], int]:
        with reaching():
            total = await self._pool.read_value(_SQL["count"], tenant_id)
            rows = await self._pool.read(_SQL["list"], tenant_id, skip, limit)
        return [_key(row) for row in rows], total

    async def rotate(
        self, act: Act, key_id: int, text: KeyText, lifetime_seconds: float | None, overlap_seconds: float
    ) -> ApiKey | None:
        caller = act.caller
        values = (caller.tenant_id, key_id, text.prefix, text.digest, caller.principal, lifetime_seconds)
        with reaching():
            async with self._pool.transaction(act.caller.tenant_id) as connection:
                old = await connection.fetchrow(_SQL["lock"], caller.tenant_id, key_id)
                row = await connection.fetchrow(_SQL["rotate"], *values, overlap_seconds)
                if old is None or row is None:
                    return None
                made = _key(row)
                await self._audit(connection, act, _key(old), made)
        return made

    async def revoke(self, act: Act, key_id: int) -> ApiKey | None:
        tenant_id = act.caller.tenant_id
        with reaching():
            async with self._pool.transaction(act.caller.tenant_id) as connection:
                found = await connection.fetchrow(_SQL["lock"], tenant_id, key_id)
                if found is None or found["revoked_at"] is not None:
                    return None if found is None else _key(found)
                row = await connection.fetchrow(_SQL["revoke"], tenant_id, key_id)
                assert row is not None
                revoked = _key(row)
                await self._audit(connection, act, _key(found), revoked)
        return revoked

    async def _audit(self, session: Session, act: Act, before: ApiKey | None, after: ApiKey) -> None:
        known = before or after
        documents = (None if before is None else key_fields(before), key_fields(after))
        await append(session, self._entries.of(act.caller, act.action, f"key:{known.prefix}", *documents))

    async def touch(self, key_ids: Collection[int]) -> None:
        with reaching():
            await self._pool.execute(_SQL["touch"], list(key_ids))

    async def ended(self, key_ids: Collection[int], tenant_ids: Collection[int], grace_seconds: float) -> Ended:
        with reaching():
            keys = await self._pool.read(_SQL["ended_keys"], list(key_ids), grace_seconds)
            tenants = await self._pool.read(_SQL["ended_tenants"], list(tenant_ids))
        return Ended(frozenset(row["id"] for row in keys), frozenset(row["id"] for row in tenants))

    async def has_valid_key(self, tenant_id: int, roles: Collection[Role]) -> bool:
        """Whether the tenant has a key with one of these roles that can be used."""
        with reaching():
            return bool(await self._pool.read_value(_SQL["has_valid_key"], tenant_id, [role.value for role in roles]))


class PostgresTenantStore:
    """Stores tenants.

    pool: the connections.
    entries: makes the entries of the audit log.
    """

    def __init__(self, pool: Pool, entries: Entries = UNMASKED) -> None:
        self._pool = pool
        self._entries = entries

    async def tenant(self, key: str) -> Tenant | None:
        with reaching():
            row = await self._pool.read_row(_SQL["tenant"], key)
        return None if row is None else _tenant(row)

    async def insert_tenant(self, act: Act, key: str, name: str) -> Tenant:
        with reaching():
            async with self._pool.transaction(act.caller.tenant_id) as connection:
                try:
                    row = await connection.fetchrow(_SQL["insert_tenant"], key, name)
                except asyncpg.UniqueViolationError:
                    raise Conflict("key", "this key belongs to another tenant") from None
                assert row is not None
                tenant = _tenant(row)
                after = tenant_fields(tenant)
                await append(connection, self._entries.of(act.caller, act.action, f"tenant:{key}", after=after))
        return tenant

    async def list_tenants(self, skip: int, limit: int) -> tuple[Sequence[Tenant], int]:
        with reaching():
            total = await self._pool.read_value(_SQL["count_tenants"])
            rows = await self._pool.read(_SQL["list_tenants"], skip, limit)
        return [_tenant(row) for row in rows], total

    async def change_tenant(self, act: Act, key: str, change: TenantChange) -> Tenant | None:
        limits = (change.limits.get(name) for name in LIMITS)
        values = (key, list(change.limits), *limits, change.suspended)
        with reaching():
            async with self._pool.transaction(act.caller.tenant_id) as connection:
                before = await connection.fetchrow(_SQL["lock_tenant"], key)
                row = await connection.fetchrow(_SQL["change_tenant"], *values)
                if before is None or row is None:
                    return None
                changed = _tenant(row)
                documents = tenant_fields(_tenant(before)), tenant_fields(changed)
                await append(connection, self._entries.of(act.caller, act.action, f"tenant:{key}", *documents))
        return changed

    async def limits(self) -> FoundLimits:
        with reaching():
            rows = await self._pool.read(_SQL["limits"])
        limits = {row["id"]: _limits(row) for row in rows if row["id"] is not None}
        return FoundLimits(limits, rows[0]["several"], rows[0]["engines"])


class PostgresWorkflowKeys:
    """Finds the key of the workflow of a tenant that a request is about."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_workflow(self, ref: Ref) -> str | None:
        return ref.key or await self._value("workflow_key_by_id", ref.tenant_id, ref.id)

    async def of_execution(self, tenant_id: int, execution_id: UUID) -> str | None:
        return await self._value("workflow_key_of_execution", tenant_id, execution_id)

    async def of_schedule(self, ref: Ref) -> str | None:
        if ref.id is None:
            return await self._value("workflow_key_of_schedule_by_key", ref.tenant_id, ref.key)
        return await self._value("workflow_key_of_schedule_by_id", ref.tenant_id, ref.id)

    async def _value(self, statement: str, tenant_id: int, named: int | str | UUID | None) -> str | None:
        with reaching():
            found: str | None = await self._pool.read_value(_SQL[statement], tenant_id, named)
        return found


def _key(row: asyncpg.Record) -> ApiKey:
    scopes, pattern = row["scopes"], row["workflows"]
    grant = Grant(
        role=None if row["role"] is None else Role(row["role"]),
        scopes=None if scopes is None else frozenset(Scope(scope) for scope in scopes),
        workflows=None if pattern is None else KeyPattern(pattern),
        groups=frozenset(row["groups"]),
    )
    return ApiKey(
        id=row["id"],
        tenant_id=row["tenant_id"],
        tenant=row["tenant"],
        prefix=row["prefix"],
        name=row["name"],
        grant=grant,
        created_at=row["created_at"],
        created_by=row["created_by"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
        replaces_id=row["replaces_id"],
        rate_limit=row["rate_limit"],
    )


def _tenant(row: asyncpg.Record) -> Tenant:
    return Tenant(row["id"], row["key"], row["name"], row["created_at"], row["suspended_at"], _limits(row))


def _limits(row: asyncpg.Record) -> TenantLimits:
    return TenantLimits(*(row[name] for name in LIMITS))
