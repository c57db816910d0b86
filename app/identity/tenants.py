"""Making, listing and changing tenants."""

from collections.abc import Awaitable, Callable, Sequence

from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.errors import Invalid, NotFound, Problem
from app.domain.refs import key_problems
from app.domain.stated import NOTHING_STATED, Stated
from app.domain.tenants import MAX_TENANT_NAME, MOST, Tenant, TenantChange
from app.identity.ports import TenantStore


class TenantService:
    """Manages tenants. All methods raise `Unavailable` when the store does not respond.

    store: where the tenants are.
    announce: notifies all processes that a tenant has changed.
    """

    def __init__(self, store: TenantStore, announce: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._announce = announce

    async def create(self, caller: Caller, key: str, name: str) -> Tenant:
        """Raise `Invalid` for a value that breaks a rule, `Conflict` if the key is taken."""
        problems = key_problems(key)
        if not name.strip() or len(name) > MAX_TENANT_NAME or not name.isprintable():
            problems.append(Problem("name", f"must be 1 to {MAX_TENANT_NAME} printable characters"))
        if problems:
            raise Invalid(problems)
        return await self._store.insert_tenant(Act(caller, Action.TENANT_CREATE), key, name)

    async def list_tenants(self, skip: int, limit: int) -> tuple[Sequence[Tenant], int]:
        """One page, ordered by id, and the number of all."""
        return await self._store.list_tenants(skip, limit)

    async def change(self, caller: Caller, key: str, change: TenantChange, stated: Stated = NOTHING_STATED) -> Tenant:
        """Change limits, suspend, or end a suspension. All processes notice within seconds.

        stated: what the caller sends back of fields that only the service sets.

        Raise `NotFound`, and `Invalid` for a limit that is none, for another value of such a field, or when the caller
        would shut itself out.
        """
        problems = [
            Problem(name, f"must be 1 to {MOST}, or null for no limit")
            for name, most in change.limits.items()
            if most is not None and not 1 <= most <= MOST
        ]
        if change.suspended and key == caller.tenant:
            problems.append(Problem("suspended", "you call from this tenant, and would shut yourself out"))
        if problems:
            raise Invalid(problems)
        if stated and (tenant := await self._store.tenant(key)) is not None:
            stated.checked(tenant)
        changed = await self._store.change_tenant(Act(caller, Action.TENANT_CHANGE), key, change)
        if changed is None:
            raise NotFound("tenant", key)
        await self._announce()
        return changed
