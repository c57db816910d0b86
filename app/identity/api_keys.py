"""API keys as values, and how their texts look. A text is shown once; the store has its SHA-256 only.

A text has 256 random bits, so a slow hash would protect nothing (NIST SP 800-63B, 5.1.1.2, demands one for secrets that
people choose).
"""

import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from app.domain.callers import PATTERN_FORM, Caller, KeyPattern
from app.domain.errors import Invalid, Problem
from app.domain.permissions import OF_SOME_WORKFLOWS, ROLE_NAMES, SCOPES_OF, Role, Scope, missing_scopes

PREFIX_LENGTH = 8
SECRET_BYTES = 32
MAX_KEY_NAME = 200
DAY_SECONDS = 86_400.0
LIFETIME_SECONDS = 90 * DAY_SECONDS
MAX_LIFETIME_SECONDS = 3_660 * DAY_SECONDS
OVERLAP_SECONDS = DAY_SECONDS
MAX_OVERLAP_SECONDS = 30 * DAY_SECONDS
MAX_RATE_LIMIT = 1_000_000
MAX_GROUPS = 50
MAX_GROUP_NAME = 100

KEY_FORM = re.compile(rb"wfk_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}")

_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class KeyText:
    """The text of a new key.

    prefix: the public part, by which people tell keys apart.
    text: the whole of it, a secret.
    """

    prefix: str
    text: str

    @property
    def digest(self) -> bytes:
        return digest_of(self.text.encode())

    def __repr__(self) -> str:
        return f"KeyText({self.prefix!r}, …)"


def new_key_text() -> KeyText:
    prefix = "".join(secrets.choice(_LETTERS) for _ in range(PREFIX_LENGTH))
    return KeyText(prefix, f"wfk_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}")


def digest_of(credential: bytes) -> bytes:
    return sha256(credential).digest()


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key allows: either a role or scopes, in some workflows or all.

    role: None when the scopes are listed.
    scopes: None when there is a role.
    workflows: None for all.
    groups: other names of roles, which the conditions of machines may ask for.
    """

    role: Role | None = None
    scopes: frozenset[Scope] | None = None
    workflows: KeyPattern | None = None
    groups: frozenset[str] = frozenset()

    @property
    def allowed(self) -> frozenset[Scope]:
        return SCOPES_OF[self.role] if self.role is not None else self.scopes or frozenset()


@dataclass(frozen=True, slots=True)
class KeyDraft:
    """A key that is to be made.

    name: what it is for.
    grant: what it allows.
    lifetime_seconds: how long it is valid; None without an end.
    rate_limit: how many requests a minute it allows; None for as many as the settings say.
    """

    name: str
    grant: Grant
    lifetime_seconds: float | None = LIFETIME_SECONDS
    rate_limit: int | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key, without its text.

    id: unique among all tenants.
    tenant_id: the tenant in which its callers act.
    tenant: that tenant's key.
    prefix: the public part of its text.
    name: what it is for.
    grant: what it allows.
    created_at: when it was made.
    created_by: the principal that made it.
    expires_at: until when it is valid; None without an end.
    last_used_at: when it was last used, to within `TOUCH_SECONDS`; None if it never was.
    revoked_at: when it was revoked; None if it was not.
    replaces_id: the key that it was made for by a rotation.
    rate_limit: how many requests a minute it allows; None for as many as the settings say.
    """

    id: int
    tenant_id: int
    tenant: str
    prefix: str
    name: str
    grant: Grant
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    replaces_id: int | None = None
    rate_limit: int | None = None

    def caller(self) -> Caller:
        grant = self.grant
        return Caller(
            self.tenant_id,
            self.tenant,
            f"key:{self.prefix}",
            grant.allowed,
            grant.role,
            grant.workflows,
            self.id,
            self.expires_at,
            self.rate_limit,
            groups=grant.groups,
        )


def check_draft(draft: KeyDraft) -> None:
    """Raise `Invalid` with every problem of a draft."""
    problems = [
        *_name_problems(draft.name),
        *_grant_problems(draft.grant),
        *_group_problems(draft.grant.groups),
        *_time_problems(draft.lifetime_seconds),
        *_rate_problems(draft.rate_limit),
    ]
    if problems:
        raise Invalid(problems)


def _name_problems(name: str) -> list[Problem]:
    if not name.strip() or len(name) > MAX_KEY_NAME or not name.isprintable():
        return [Problem("name", f"must be 1 to {MAX_KEY_NAME} printable characters")]
    return []


def _grant_problems(grant: Grant) -> list[Problem]:
    if (grant.role is None) == (grant.scopes is None):
        return [Problem("role", "give either a role or scopes")]
    if grant.scopes is not None and not grant.scopes:
        return [Problem("scopes", "give at least one scope")]
    return [] if grant.workflows is None else _limit_problems(grant.workflows, grant.allowed)


def _limit_problems(pattern: KeyPattern, allowed: frozenset[Scope]) -> list[Problem]:
    if not PATTERN_FORM.fullmatch(pattern.text):
        return [Problem("workflows", "must be a workflow's key, in which * stands for any characters")]
    if too_many := missing_scopes(allowed, OF_SOME_WORKFLOWS):
        message = f"a key that is limited to some workflows cannot have {', '.join(too_many)}"
        return [Problem("workflows", message)]
    return []


def _group_problems(groups: frozenset[str]) -> list[Problem]:
    """A group with the name of a role would have what the role alone is to have."""
    if len(groups) > MAX_GROUPS:
        return [Problem("groups", f"has {len(groups)} items; the limit is {MAX_GROUPS}")]
    if any(not name.strip() or len(name) > MAX_GROUP_NAME or not name.isprintable() for name in groups):
        return [Problem("groups", f"must be names of 1 to {MAX_GROUP_NAME} printable characters")]
    roles = sorted(groups & ROLE_NAMES)
    return [Problem("groups", f"{roles[0]!r} is the name of a role; give the key that role")] if roles else []


def _time_problems(lifetime_seconds: float | None) -> list[Problem]:
    if lifetime_seconds is None or 0 < lifetime_seconds <= MAX_LIFETIME_SECONDS:
        return []
    days = MAX_LIFETIME_SECONDS / DAY_SECONDS
    return [Problem("expires_in_days", f"must be above 0 and at most {days:g}, or null for a key without an end")]


def _rate_problems(rate_limit: int | None) -> list[Problem]:
    if rate_limit is None or 1 <= rate_limit <= MAX_RATE_LIMIT:
        return []
    return [Problem("rate_limit", f"must be from 1 to {MAX_RATE_LIMIT}, or null for the limit of the settings")]
