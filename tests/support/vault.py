"""Secrets in memory."""

from collections.abc import Sequence

from app.engine.ports import UnusableSecret


class Vault:
    """Secrets by name. Those whose value is None cannot be used."""

    def __init__(self, **secrets: str | None) -> None:
        self._secrets = secrets

    def get(self, name: str) -> str | None:
        if name in self._secrets and self._secrets[name] is None:
            raise UnusableSecret(f"secret {name!r} has fewer than 4 characters")
        return self._secrets.get(name)

    def values(self, name: str) -> Sequence[str]:
        value = self._secrets.get(name)
        return () if value is None else (value,)
