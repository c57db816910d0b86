"""Who calls. A caller is made where a request comes in, and is passed on as an argument."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.permissions import SCOPES_OF, Role, Scope

DEFAULT_TENANT_ID = 1
DEFAULT_TENANT = "default"

PATTERN_FORM = re.compile(r"[a-zA-Z0-9._*-]{1,100}")


@dataclass(frozen=True, slots=True)
class KeyPattern:
    """The workflows that a caller is limited to, by their keys.

    text: a key in which `*` stands for any characters, also for none.
    """

    text: str

    def matches(self, key: str | None) -> bool:
        """False for a workflow without a key. Takes linear time: a regular expression of many `.*` would not."""
        if key is None or "*" not in self.text:
            return key == self.text
        first, *between, last = self.text.split("*")
        end = len(key) - len(last)
        if not (key.startswith(first) and key.endswith(last)) or end < len(first):
            return False
        at = len(first)
        for part in between:
            found = key.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """Which request a caller makes, for the audit log.

    id: the id of the request.
    ip: the address from which it came; None if that is not known.
    """

    id: str
    ip: str | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request, and what for.

    tenant_id: the id of the tenant in which the caller acts.
    tenant: its key.
    principal: who it is: `anonymous`, `key:PREFIX`, or `token:SUBJECT`.
    scopes: what the caller may do.
    role: the role that the scopes come from; None when they were listed one by one.
    workflows: the workflows that the caller is limited to; None for all.
    key_id: the API key; None when the caller has none.
    expires_at: until when the credentials are valid; None without an end.
    rate_limit: how many requests a minute are allowed; None for as many as the settings say.
    request: the request that the caller makes. Only calls that change something have it.
    groups: other names of roles, which the conditions of machines may ask for.
    session_ends_at: when the caller's session of the dashboard ends; None for a caller without one.
    session: the SHA-256 of that session's text.
    """

    tenant_id: int
    tenant: str
    principal: str
    scopes: frozenset[Scope]
    role: Role | None = None
    workflows: KeyPattern | None = None
    key_id: int | None = None
    expires_at: datetime | None = None
    rate_limit: int | None = None
    request: RequestOrigin | None = None
    groups: frozenset[str] = frozenset()
    session_ends_at: datetime | None = None
    session: bytes | None = field(default=None, repr=False)

    @property
    def recorded(self) -> str | None:
        """The principal as rows of executions and revisions have it: None for everyone, which takes no place there."""
        return None if self.principal == EVERYONE else self.principal


EVERYONE = "anonymous"

ANONYMOUS = Caller(DEFAULT_TENANT_ID, DEFAULT_TENANT, EVERYONE, SCOPES_OF[Role.ADMIN], Role.ADMIN)
"""Everyone, while AUTH is off."""
