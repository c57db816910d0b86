"""Request and response bodies of API keys and tenants."""

from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.body_model import Body, Instant, Name, with_example
from app.api.rest.read_only_fields import Fixed, Moving, Returned, omitted
from app.domain.callers import PATTERN_FORM, KeyPattern
from app.domain.documents import rfc3339
from app.domain.permissions import Role, Scope
from app.domain.tenants import MOST, Tenant, TenantChange, TenantLimits
from app.identity.api_keys import DAY_SECONDS, MAX_GROUPS, MAX_RATE_LIMIT, ApiKey, Grant, KeyDraft
from app.identity.keys import NewKey

LIFETIME_DAYS = 90.0
OVERLAP_HOURS = 24.0

KEY: dict[str, Any] = {
    "id": 3,
    "prefix": "Xk3vT9aB",
    "name": "nightly reports",
    "role": "operator",
    "scopes": None,
    "workflows": "reports-*",
    "groups": [],
    "created_at": "2026-01-31T02:00:00.000000Z",
    "created_by": "key:9fQm2LpA",
    "expires_at": "2026-05-01T02:00:00.000000Z",
    "last_used_at": None,
    "revoked_at": None,
    "replaces_id": None,
    "rate_limit": None,
}
TENANT: dict[str, Any] = {
    "id": 2,
    "key": "sales",
    "name": "Sales",
    "created_at": "2026-01-31T02:00:00.000000Z",
    "suspended_at": None,
    "max_running": 50,
    "starts_per_second": None,
    "max_definitions": 200,
}

ExpiresInDays = Annotated[
    float | None,
    Field(
        description="Days until the key expires; null for a key without an end.",
        json_schema_extra={"exclusiveMinimum": 0, "maximum": 3_660},
    ),
]


class KeyCreate(Body):
    """A new API key: either `role` or `scopes`."""

    model_config = with_example({"name": "nightly reports", "role": "operator", "workflows": "reports-*"})

    name: Name
    role: Role | None = Field(None, strict=False, description="A set of scopes with a name.")
    scopes: list[Annotated[Scope, Field(strict=False)]] | None = Field(None, description="What the key allows.")
    workflows: Annotated[str | None, Field(json_schema_extra={"pattern": f"^{PATTERN_FORM.pattern}$"})] = Field(
        None, description="A workflow's key, in which `*` stands for any characters: the key allows no other ones."
    )
    groups: Annotated[list[str], Field(json_schema_extra={"maxItems": MAX_GROUPS})] = Field(
        default_factory=list, description="Other names of roles, which the conditions of machines may ask for."
    )
    expires_in_days: ExpiresInDays = LIFETIME_DAYS
    rate_limit: Annotated[int | None, Field(json_schema_extra={"minimum": 1, "maximum": MAX_RATE_LIMIT})] = Field(
        None, description="Requests per minute; null for as many as the setting RATE_LIMIT_KEYS says."
    )

    def draft(self) -> KeyDraft:
        scopes = None if self.scopes is None else frozenset(self.scopes)
        workflows = None if self.workflows is None else KeyPattern(self.workflows)
        grant = Grant(self.role, scopes, workflows, frozenset(self.groups))
        return KeyDraft(self.name, grant, seconds_of(self.expires_in_days), self.rate_limit)


class KeyRotate(Body):
    """How long the new key is valid, and how long the old one still is."""

    model_config = with_example({"expires_in_days": 90, "overlap_hours": 24})

    expires_in_days: ExpiresInDays = LIFETIME_DAYS
    overlap_hours: float = Field(
        OVERLAP_HOURS,
        description="Hours for which the old key stays valid, unless it expires earlier.",
        json_schema_extra={"minimum": 0, "maximum": 720},
    )


class TenantCreate(Body):
    """A new tenant."""

    model_config = with_example({"key": "sales", "name": "Sales"})

    key: str = Field(description="A unique slug; not only digits.")
    name: Name


Most = Annotated[int | None, Field(json_schema_extra={"minimum": 1, "maximum": MOST})]


class TenantUpdate(Returned):
    """What is to change. A field that is left out stays as it is; null takes a limit away."""

    model_config = with_example({"max_running": 50, "max_definitions": 200, "starts_per_second": None})

    id: Fixed[int] = omitted()
    key: Fixed[str] = omitted()
    name: Fixed[str] = omitted()
    created_at: Fixed[Instant] = omitted()
    suspended_at: Moving[Instant | None] = omitted()
    max_running: Most = Field(None, description="How many of its executions run at once. More wait, and none is lost.")
    starts_per_second: Most = Field(None, description="How many executions its callers may start in a second.")
    max_definitions: Most = Field(None, description="How many workflows it may have stored.")
    suspended: bool | None = Field(None, description="Whether its callers are refused.")

    def change(self) -> TenantChange:
        names = self.model_fields_set & {field.name for field in fields(TenantLimits)}
        return TenantChange({name: getattr(self, name) for name in sorted(names)}, self.suspended)


class KeyView(BaseModel):
    """An API key without its text."""

    model_config = ConfigDict(json_schema_extra={"examples": [KEY]})

    id: int
    prefix: str = Field(description="The part of its text by which people tell keys apart.")
    name: str
    role: str | None
    scopes: list[str] | None
    workflows: str | None
    groups: list[str] = Field(description="Other names of roles, which the conditions of machines may ask for.")
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To within ten minutes; null if it was never used.")
    revoked_at: datetime | None
    replaces_id: int | None = Field(description="The key that it was made for by a rotation.")
    rate_limit: int | None = Field(description="Requests per minute; null for as many as the settings say.")


class NewKeyView(KeyView):
    """A key that was just made, with its text. The text is shown this one time."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [KEY | {"key": "wfk_Xk3vT9aB_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"}]}
    )

    key: str = Field(description="The text of the key: a secret.")


class KeyPage(BaseModel):
    """Newest first."""

    items: list[KeyView]
    total: int


class TenantView(BaseModel):
    """An isolated space."""

    model_config = ConfigDict(json_schema_extra={"examples": [TENANT]})

    id: int
    key: str
    name: str
    created_at: datetime
    suspended_at: datetime | None
    max_running: int | None
    starts_per_second: int | None
    max_definitions: int | None


class TenantPage(BaseModel):
    """Ordered by id."""

    items: list[TenantView]
    total: int


def seconds_of(days: float | None) -> float | None:
    return None if days is None else days * DAY_SECONDS


def key_document(key: ApiKey) -> dict[str, Any]:
    grant = key.grant
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "role": None if grant.role is None else grant.role.value,
        "scopes": None if grant.scopes is None else sorted(grant.scopes),
        "workflows": None if grant.workflows is None else grant.workflows.text,
        "groups": sorted(grant.groups),
        "created_at": rfc3339(key.created_at),
        "created_by": key.created_by,
        "expires_at": rfc3339(key.expires_at),
        "last_used_at": rfc3339(key.last_used_at),
        "revoked_at": rfc3339(key.revoked_at),
        "replaces_id": key.replaces_id,
        "rate_limit": key.rate_limit,
    }


def new_key_document(made: NewKey) -> dict[str, Any]:
    return key_document(made.key) | {"key": made.text}


def tenant_document(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "key": tenant.key,
        "name": tenant.name,
        "created_at": rfc3339(tenant.created_at),
        "suspended_at": rfc3339(tenant.suspended_at),
        "max_running": tenant.limits.max_running,
        "starts_per_second": tenant.limits.starts_per_second,
        "max_definitions": tenant.limits.max_definitions,
    }
