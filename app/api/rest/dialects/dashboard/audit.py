"""`/api/audit`: who has changed what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from orjson import dumps
from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.audit import NOT_STORED
from app.api.rest.body import JsonRoute
from app.api.rest.dependencies import CallerOfRequest, ReadyServices, Skip
from app.api.rest.dialects.dashboard.lists import DEFAULT_LIMIT, DashboardPage, PageLimit
from app.api.rest.documentation import documented_errors
from app.api.rest.examples import INSTANT
from app.api.rest.responses import json_response
from app.audit.entry import Link
from app.domain.documents import rfc3339
from app.engine.watching.documents import json_fragment

router = APIRouter(prefix="/api/audit", tags=["dashboard"], route_class=JsonRoute)

_ENTRY: Mapping[str, Any] = {
    "id": "17",
    "timestamp": INSTANT,
    "actor": "key:Xk3vT9aB",
    "action": "execution.cancel",
    "target": "execution:0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71",
    "details": {"before": None, "after": {"reason": "wrong month"}},
    "request_id": "6f1c0d2b",
    "ip_address": "192.0.2.7",
}


class AuditDetailsView(BaseModel):
    """The target as it was, and as it is since, or what was asked for."""

    before: Any
    after: Any


class DashboardEntryView(BaseModel):
    """What one caller has changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [dict(_ENTRY)]})

    id: str = Field(description="1, 2, 3, … within the tenant.")
    timestamp: datetime
    actor: str
    action: str
    target: str
    details: AuditDetailsView
    request_id: str | None
    ip_address: str | None


class DashboardEntryPage(DashboardPage[DashboardEntryView]):
    """Newest first."""


@router.get(
    "", summary="Read the audit log, page by page", response_model=DashboardEntryPage, responses=documented_errors()
)
async def list_dashboard_audit(
    services: ReadyServices, caller: CallerOfRequest, skip: Skip = 0, limit: PageLimit = DEFAULT_LIMIT
) -> Response:
    """What callers of this tenant have changed, newest first. `/api/v1/audit` has filters, and the hashes."""
    links, total = await services.audit.page(caller, skip, limit)
    document = {"total": total, "items": [_entry_document(link) for link in links], "skip": skip, "limit": limit}
    return json_response(dumps(document), headers=NOT_STORED)


def _entry_document(link: Link) -> dict[str, Any]:
    entry = link.entry
    return {
        "id": str(link.number),
        "timestamp": rfc3339(link.at),
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "details": {"before": json_fragment(entry.before), "after": json_fragment(entry.after)},
        "request_id": entry.request_id,
        "ip_address": entry.ip,
    }
