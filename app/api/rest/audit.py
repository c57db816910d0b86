"""`/audit`: read the audit log of the caller's tenant."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.body import JsonRoute
from app.api.rest.body_model import QueryInstant
from app.api.rest.dependencies import MAX_LIMIT, CallerOfRequest, ReadyServices
from app.api.rest.documentation import documented_errors
from app.api.rest.responses import document_response
from app.audit.entry import Link
from app.audit.ports import EntryFilter
from app.domain.actions import Action, ActorKind
from app.domain.documents import rfc3339
from app.domain.refs import MAX_ID
from app.engine.watching.documents import json_fragment

router = APIRouter(prefix="/audit", tags=["identity"], route_class=JsonRoute)

NOT_STORED = {"Cache-Control": "no-store"}

ENTRY: dict[str, Any] = {
    "number": 17,
    "at": "2026-01-31T02:00:00.000000Z",
    "actor": "key:Xk3vT9aB",
    "actor_kind": "key",
    "action": "execution.cancel",
    "target": "execution:0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71",
    "request_id": "6f1c0d2b",
    "ip": "192.0.2.7",
    "before": None,
    "after": {"reason": "wrong month"},
    "prev": "6c1d3f0a" * 8,
    "hash": "b94d27b9" * 8,
}


class AuditEntryView(BaseModel):
    """What one caller has changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [ENTRY]})

    number: int = Field(description="1, 2, 3, … within the tenant, without a gap.")
    at: datetime
    actor: str = Field(description="The principal: `anonymous`, `key:PREFIX`, `token:SUBJECT` or `command:NAME`")
    actor_kind: ActorKind
    action: Action
    target: str = Field(description="`workflow:ID`, `schedule:ID`, `execution:ID`, `key:PREFIX` or `tenant:KEY`.")
    request_id: str | None = Field(description="The `X-Request-ID` of the request; null for a change without one.")
    ip: str | None = Field(description="The address from which the request came; null if it is not known.")
    before: Any = Field(
        description="The target as it was; null if there was none. Of more than 8,192 bytes only `sha256` and `bytes`."
    )
    after: Any = Field(description="The target as it is since, or what was asked for; as `before`.")
    prev: str = Field(description="The hash of the entry before this one, in hexadecimal.")
    hash: str = Field(description="The SHA-256 of this entry and `prev`.")


class AuditPage(BaseModel):
    """Newest first."""

    items: list[AuditEntryView]
    next_cursor: str | None = Field(description="The `cursor` of the next page; null on the last page.")


class AuditQuery(BaseModel):
    cursor: int | None = Field(None, ge=1, le=MAX_ID, description="`next_cursor` of the previous page.")
    limit: int = Field(100, ge=1, le=MAX_LIMIT, description="The largest number of items to return.")
    actor: str | None = Field(None, description="Only what this principal has done.")
    action: Action | None = Field(None, description="Only this.")
    target: str | None = Field(None, description="Only what was done to this.")
    since: QueryInstant | None = Field(None, description="Only from this instant on.")
    until: QueryInstant | None = Field(None, description="Only before this instant.")

    def filter(self) -> EntryFilter:
        return EntryFilter(self.actor, self.action, self.target, self.since, self.until)


@router.get("", summary="Read the audit log", response_model=AuditPage, responses=documented_errors())
async def list_audit(
    services: ReadyServices, caller: CallerOfRequest, wanted: Annotated[AuditQuery, Query()]
) -> Response:
    """What callers of this tenant have changed, newest first. `workflow audit verify` shows whether it is complete."""
    page = await services.audit.entries(caller, wanted.filter(), wanted.cursor, wanted.limit)
    cursor = None if page.next_cursor is None else str(page.next_cursor)
    document = {"items": [entry_document(link) for link in page.links], "next_cursor": cursor}
    return document_response(document, headers=NOT_STORED)


def entry_document(link: Link) -> dict[str, Any]:
    entry = link.entry
    return {
        "number": link.number,
        "at": rfc3339(link.at),
        "actor": entry.actor,
        "actor_kind": entry.actor_kind,
        "action": entry.action,
        "target": entry.target,
        "request_id": entry.request_id,
        "ip": entry.ip,
        "before": json_fragment(entry.before),
        "after": json_fragment(entry.after),
        "prev": link.prev.hex(),
        "hash": link.hash.hex(),
    }
