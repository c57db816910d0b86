"""Tenants: isolated spaces within one service, and how much each may use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

MAX_TENANT_NAME = 200
MOST = 1_000_000_000
"""The largest limit."""


@dataclass(frozen=True, slots=True)
class TenantLimits:
    """How much a tenant may use; None without a limit.

    max_running: how many of its executions run at once.
    starts_per_second: how many executions its callers start in a second.
    max_definitions: how many workflows it has stored.
    """

    max_running: int | None = None
    starts_per_second: int | None = None
    max_definitions: int | None = None


NO_LIMITS = TenantLimits()


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant.

    id: from 1 on; 1 is the tenant `default`, which always exists.
    key: its unique slug.
    name: for people.
    created_at: when it was made.
    suspended_at: since when its callers are refused; None if they are not.
    limits: how much it may use.
    """

    id: int
    key: str
    name: str
    created_at: datetime
    suspended_at: datetime | None = None
    limits: TenantLimits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class TenantChange:
    """What is to change of a tenant.

    limits: the limits that change, by name; None takes a limit away.
    suspended: whether its callers are refused from now on; None leaves that as it is.
    """

    limits: Mapping[str, int | None]
    suspended: bool | None = None
