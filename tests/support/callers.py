"""API keys for tests: made in the database, as `workflow auth bootstrap` does it."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.adapters.database.identity import PostgresKeyStore
from app.adapters.database.pool import open_pool
from app.domain.callers import DEFAULT_TENANT_ID, KeyPattern
from app.domain.permissions import Role, Scope
from app.identity.api_keys import ApiKey, Grant, KeyDraft, new_key_text
from tests.support.acts import act_of

HOUR = 3600.0


class Keys:
    """Makes keys in a database, past all rules of the service."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self.made: dict[str, ApiKey] = {}

    async def of_role(self, role: Role, **options: Any) -> str:
        return await self.add(Grant(role), **options)

    async def of_scopes(self, scopes: Iterable[Scope], workflows: str | None = None, **options: Any) -> str:
        pattern = None if workflows is None else KeyPattern(workflows)
        return await self.add(Grant(scopes=frozenset(scopes), workflows=pattern), **options)

    async def add(
        self,
        grant: Grant,
        *,
        lifetime_seconds: float | None = HOUR,
        tenant_id: int = DEFAULT_TENANT_ID,
        rate_limit: int | None = None,
    ) -> str:
        """The text of a new key."""
        text = new_key_text()
        async with open_pool(self._database_url, 1, 20) as pool:
            draft = KeyDraft("of a test", grant, lifetime_seconds, rate_limit)
            self.made[text.text] = await PostgresKeyStore(pool).insert(act_of(tenant_id, "command:test"), text, draft)
        return text.text

    async def revoke(self, text: str) -> None:
        """Revoke a key without a notification, as if it were lost."""
        key = self.made[text]
        async with open_pool(self._database_url, 1, 20) as pool:
            await PostgresKeyStore(pool).revoke(act_of(key.tenant_id, "command:test"), key.id)

    async def execute(self, statement: str, *values: Any) -> None:
        async with open_pool(self._database_url, 1, 20) as pool:
            await pool.execute(statement, *values)

    async def value(self, statement: str, *values: Any) -> Any:
        async with open_pool(self._database_url, 1, 20) as pool:
            return await pool.fetchval(statement, *values)


def bearer(credential: str) -> Mapping[str, str]:
    """The header with a key or a token."""
    return {"Authorization": f"Bearer {credential}"}


def metadata(credential: str) -> tuple[tuple[str, str], ...]:
    """The same for gRPC."""
    return (("authorization", f"Bearer {credential}"),)
