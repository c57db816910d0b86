"""Tenants: isolated spaces within one service."""

from dataclasses import dataclass
from datetime import datetime

MAX_TENANT_NAME = 200


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant.

    id: from 1 on; 1 is the tenant `default`, which always exists.
    key: its unique slug.
    name: for people.
    created_at: when it was made.
    suspended_at: since when its callers are refused; None if they are not.
    """

    id: int
    key: str
    name: str
    created_at: datetime
    suspended_at: datetime | None = None
