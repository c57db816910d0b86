"""Builds what decides who calls, and may they, for both processes."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from app.adapters.database.identity import PostgresKeyStore, PostgresTenantStore, PostgresWorkflowKeys
from app.adapters.database.pool import Pool
from app.adapters.database.signals import PostgresSignals
from app.adapters.database.ui_sessions import PostgresSessionStore
from app.adapters.system_clock import SystemClock
from app.adapters.tokens.algorithms import LEAST_SECRET_BYTES, algorithms_of, algorithms_of_secret, public_key
from app.adapters.tokens.signing_keys import OneKey, PublishedKeys, SigningKey, SigningKeys, fetch_key_set
from app.adapters.tokens.verifying import JwtVerifier
from app.audit.entry import Entries
from app.background.loop import OnDefect
from app.config import Settings, SettingsError
from app.domain.accepted import choice_form
from app.domain.permissions import Role
from app.engine.notifying import notify_engines
from app.identity.admission import Admission
from app.identity.authentication import Authenticator
from app.identity.client_addresses import ClientAddresses
from app.identity.identity import Identity
from app.identity.keys import KeyService
from app.identity.known_callers import KnownCallers
from app.identity.long_calls import LongCalls
from app.identity.ports import KEYS_CHANGED
from app.identity.refused_calls import RefusedCalls
from app.identity.sessions import SessionService
from app.identity.tenant_limits import KnownLimits, StartQuotas
from app.identity.tenants import TenantService
from app.identity.token_callers import TokenCallers, TokenRules
from app.identity.workflow_limits import WorkflowLimits
from app.wiring.rate_limits import open_rates

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_identity(
    settings: Settings,
    pool: Pool,
    signals: PostgresSignals,
    on_defect: OnDefect,
    entries: Entries,
    *,
    address_is_known: bool = True,
) -> AsyncIterator[Identity]:
    """Subscribes to `signals`, which must not be started yet. Raise `SettingsError` for keys that cannot be used.

    entries: makes the entries of the audit log.
    address_is_known: whether `refuse_open_address` was asked about the address on which the process listens.
    """
    store, known, clock = PostgresKeyStore(pool, entries), KnownCallers(time.monotonic), SystemClock()
    sessions = PostgresSessionStore(pool, entries)
    long_calls = LongCalls(store, known, clock.now, sessions=sessions)
    signals.subscribe(KEYS_CHANGED, lambda _: long_calls.changed())
    tenants = PostgresTenantStore(pool, entries)
    is_on = settings.auth == "on"
    tokens = token_callers(settings, tenants) if is_on and settings.accepts_tokens else None
    only_loopback = settings.auth == "off" and not address_is_known
    limits, documentation = WorkflowLimits(PostgresWorkflowKeys(pool)), settings.auth_documentation
    refused = RefusedCalls()
    announce = partial(notify_engines, signals, KEYS_CHANGED)
    tenant_limits = KnownLimits(tenants)
    signals.subscribe(KEYS_CHANGED, lambda _: tenant_limits.changed())
    log.info("authentication", auth=settings.auth, tokens=tokens is not None)
    keys, quotas = KeyService(store, announce), StartQuotas(tenant_limits, time.monotonic)
    addresses = ClientAddresses(settings.proxy_networks)
    async with open_rates(settings, addresses) as rates:
        authenticator = Authenticator(store, tokens, known, long_calls.used, rates, sessions) if is_on else None
        admission = Admission(authenticator, limits, documentation, refused, only_loopback=only_loopback, rates=rates)
        loops = (long_calls, refused, tenant_limits)
        for loop in loops:
            loop.start(on_defect)
        try:
            service = TenantService(tenants, announce)
            signing_in = SessionService(sessions, announce, clock.now)
            yield Identity(admission, long_calls, keys, service, tenant_limits, quotas, signing_in, addresses)
        finally:
            for loop in reversed(loops):
                await loop.stop()


def token_callers(settings: Settings, tenants: PostgresTenantStore) -> TokenCallers:
    """Raise `SettingsError` for a setting that cannot be used."""
    assert settings.jwt_issuer is not None
    assert settings.jwt_audience is not None
    verifier = JwtVerifier(signing_keys(settings), settings.jwt_issuer, settings.jwt_audience)
    rules = TokenRules(settings.jwt_roles_claim, settings.jwt_tenant_claim)
    if settings.jwt_role_map:
        rules = TokenRules(settings.jwt_roles_claim, settings.jwt_tenant_claim, role_map(settings.jwt_role_map))
    return TokenCallers(verifier, tenants, rules, time.monotonic, SystemClock().now)


def signing_keys(settings: Settings) -> SigningKeys:
    if settings.jwt_jwks_url is not None:
        return PublishedKeys(_checked_url(settings.jwt_jwks_url), fetch_key_set, time.monotonic)
    if settings.jwt_public_key is not None:
        return OneKey(_public_key(settings.jwt_public_key))
    assert settings.jwt_secret is not None
    secret = settings.jwt_secret.get_secret_value().encode()
    algorithms = algorithms_of_secret(secret)
    if not algorithms:
        raise SettingsError(f"JWT_SECRET has {len(secret)} bytes: give {LEAST_SECRET_BYTES} or more")
    return OneKey(SigningKey(secret, algorithms))


def role_map(text: str) -> Mapping[str, Role]:
    """The roles of `name=role,name=role`. Raise `SettingsError`."""
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, _, role = pair.partition("=")
        if not name or role not in {known.value for known in Role}:
            roles = choice_form([known.value for known in Role])
            raise SettingsError(f"JWT_ROLE_MAP {pair!r}: give NAME=ROLE pairs, separated by commas; a role is {roles}")
        found[name] = Role(role)
    return found


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"JWT_JWKS_URL {url!r}: give a URL, such as https://example.com/keys")
    return url


def _public_key(text: str) -> SigningKey:
    try:
        pem = text.replace("\\n", "\n") if text.lstrip().startswith("-----BEGIN") else Path(text).read_text("utf-8")
        key = public_key(pem)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error).partition("\n")[0]
        raise SettingsError(f"JWT_PUBLIC_KEY: give a public key as PEM, or a file with one ({reason})") from None
    return SigningKey(key, algorithms_of(key))
