"""Makes callers from the claims of tokens: which tenant, which role."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.domain.callers import DEFAULT_TENANT, Caller
from app.domain.errors import PermissionDenied, Unauthenticated
from app.domain.permissions import ROLE_NAMES, SCOPES_OF, Role
from app.domain.recently_used import RecentlyUsed
from app.identity.api_keys import digest_of
from app.identity.ports import TenantStore, TokenVerifier

VERIFIED_SECONDS = 60.0
MOST_TOKENS = 10_000
MAX_SUBJECT = 200
_SUBJECTS = ("sub", "azp", "client_id")


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Which claims say what.

    tenant_claim: the claim with the key of the tenant; None when all callers belong to the tenant `default`.
    roles_claim: the claim with the names of roles, a list or words in a text. All are groups of the caller, too.
    role_map: the role of each name. Without it, the roles are named as here, except `system`.

    A claim within another one is named with dots, as `realm_access.roles`.
    """

    roles_claim: str = "roles"
    tenant_claim: str | None = None
    role_map: Mapping[str, Role] = field(default_factory=lambda: {r.value: r for r in Role if r is not Role.SYSTEM})


def roles_of(claims: Mapping[str, Any], rules: TokenRules) -> Role | None:
    """The highest role that the claims give; None when they give none."""
    held = {rules.role_map[name] for name in _words(_claim(claims, rules.roles_claim)) if name in rules.role_map}
    return max(held, key=list(Role).index, default=None)


def groups_of(claims: Mapping[str, Any], rules: TokenRules) -> frozenset[str]:
    """All names that the claim with the roles has, with a role here or not, except those of the roles themselves: a
    caller has the role that it is given here, whatever a name means elsewhere.
    """
    return frozenset(_words(_claim(claims, rules.roles_claim))) - ROLE_NAMES


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of this name, or at this path. Some providers use URLs as names, which have dots, too."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _words(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        return value.split()
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else ()


def _subject(claims: Mapping[str, Any]) -> str:
    for name in _SUBJECTS:
        value = claims.get(name)
        if isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= MAX_SUBJECT:
            return value
    raise Unauthenticated("the token does not say who calls: it has no usable claim sub")


@dataclass(frozen=True, slots=True)
class _Verified:
    claims: Mapping[str, Any]
    until: float


class TokenCallers:
    """Verifies tokens, and makes their callers.

    verifier: checks signatures, times, issuer and audience.
    tenants: where a tenant's key is looked up.
    rules: which claims say what.
    monotonic: seconds on a clock that is never set.
    now: this machine's clock.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        tenants: TenantStore,
        rules: TokenRules,
        monotonic: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._verifier = verifier
        self._tenants = tenants
        self._rules = rules
        self._monotonic = monotonic
        self._now = now
        self._verified: RecentlyUsed[bytes, _Verified] = RecentlyUsed(MOST_TOKENS)

    async def caller(self, token: str, digest: bytes | None = None) -> Caller:
        """The caller whom a token names.

        Raise `Unauthenticated` for a token that is not valid, `PermissionDenied` when its tenant does not exist or is
        suspended, `Unavailable` when that cannot be found out.
        """
        claims = await self._claims(token, digest or digest_of(token.encode()))
        subject, role = _subject(claims), roles_of(claims, self._rules)
        tenant_id, tenant = await self._tenant(claims)
        scopes = frozenset[Any]() if role is None else SCOPES_OF[role]
        expires_at = datetime.fromtimestamp(float(claims["exp"]), UTC)
        groups = groups_of(claims, self._rules)
        return Caller(tenant_id, tenant, f"token:{subject}", scopes, role, expires_at=expires_at, groups=groups)

    def seconds_left(self, caller: Caller) -> float:
        """Until the caller's token ends."""
        assert caller.expires_at is not None
        return (caller.expires_at - self._now()).total_seconds()

    async def _claims(self, token: str, digest: bytes) -> Mapping[str, Any]:
        """Verify the token, unless that was done less than a minute ago and it has not ended since."""
        began = self._monotonic()
        known = self._verified.get(digest)
        if known is not None and known.until > began:
            return known.claims
        claims = await self._verifier.claims(token)
        left = float(claims["exp"]) - self._now().timestamp()
        self._verified.put(digest, _Verified(claims, began + min(VERIFIED_SECONDS, left)))
        return claims

    async def _tenant(self, claims: Mapping[str, Any]) -> tuple[int, str]:
        path = self._rules.tenant_claim
        key = DEFAULT_TENANT if path is None else _claim(claims, path)
        tenant = await self._tenants.tenant(key) if isinstance(key, str) else None
        if tenant is None:
            raise PermissionDenied(f"the token names no tenant of this service in its claim {path}")
        if tenant.suspended_at is not None:
            raise PermissionDenied("the tenant is suspended", "tenant_suspended")
        return tenant.id, tenant.key
