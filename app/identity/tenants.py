"""Making and listing tenants."""

from collections.abc import Sequence

from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.errors import Invalid, Problem
from app.domain.refs import key_problems
from app.domain.tenants import MAX_TENANT_NAME, Tenant
from app.identity.ports import TenantStore


class TenantService:
    """Manages tenants. All methods raise `Unavailable` when the store does not respond."""

    def __init__(self, store: TenantStore) -> None:
        self._store = store

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
