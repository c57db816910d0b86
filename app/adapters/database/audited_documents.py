"""What entries of the audit log say of schedules, keys and tenants. Workflows are in it as REST returns them."""

from typing import Any

from orjson import Fragment

from app.domain.documents import rfc3339
from app.domain.tenants import Tenant
from app.identity.api_keys import ApiKey
from app.schedules.schedule import Schedule

Document = dict[str, Any]


def schedule_fields(schedule: Schedule) -> Document:
    """What callers set, and not what engines note of its starts."""
    timing = schedule.timing
    return {
        "key": schedule.key,
        "workflow_id": schedule.workflow_id,
        "cron": timing.cron,
        "time_zone": timing.time_zone,
        "at": rfc3339(timing.at),
        "input": Fragment(schedule.input.text),
        "overlap": schedule.overlap.value,
        "catch_up_seconds": schedule.catch_up_seconds,
        "paused": schedule.paused,
    }


def key_fields(key: ApiKey) -> Document:
    """A key without its text and without the hash of it."""
    grant = key.grant
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "role": None if grant.role is None else grant.role.value,
        "scopes": None if grant.scopes is None else sorted(grant.scopes),
        "workflows": None if grant.workflows is None else grant.workflows.text,
        "groups": sorted(grant.groups),
        "rate_limit": key.rate_limit,
        "expires_at": rfc3339(key.expires_at),
        "revoked_at": rfc3339(key.revoked_at),
        "replaces_id": key.replaces_id,
    }


def tenant_fields(tenant: Tenant) -> Document:
    limits = tenant.limits
    return {
        "id": tenant.id,
        "key": tenant.key,
        "name": tenant.name,
        "max_running": limits.max_running,
        "starts_per_second": limits.starts_per_second,
        "max_definitions": limits.max_definitions,
        "suspended_at": rfc3339(tenant.suspended_at),
    }
