"""Secrets in memory."""

from collections.abc import Sequence

from app.engine.ports import UnusableSecret
from tests.support.tenant import TENANT


class Vault:
    """Secrets of the tenant of the tests and of others, by name. Those whose value is None cannot be used."""

    def __init__(self, **secrets: str | None) -> None:
        self._secrets = {TENANT: secrets}

    def of(self, tenant: str, **secrets: str | None) -> "Vault":
        """Also with secrets of another tenant."""
        self._secrets[tenant] = secrets
        return self

    def get(self, tenant: str, name: str) -> str | None:
        secrets = self._secrets.get(tenant, {})
        if name in secrets and secrets[name] is None:
            raise UnusableSecret(f"secret {name!r} has fewer than 4 characters")
        return secrets.get(name)

    def values(self, tenant: str, name: str) -> Sequence[str]:
        value = self._secrets.get(tenant, {}).get(name)
        return () if value is None else (value,)
