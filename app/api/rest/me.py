"""`/me`: who the caller is, for programs that want to know what they may do."""

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.dependencies import CallerOfRequest
from app.api.rest.documentation import documented_errors
from app.api.rest.responses import document_response
from app.domain.documents import rfc3339

router = APIRouter(tags=["identity"])


class MeView(BaseModel):
    """The caller."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tenant": "default",
                    "principal": "key:Xk3vT9aB",
                    "role": "viewer",
                    "scopes": ["definitions:read", "executions:read", "machines:read", "schedules:read"],
                    "groups": ["processor"],
                    "workflows": None,
                    "key_id": 3,
                    "expires_at": "2026-04-30T02:00:00.000000Z",
                }
            ]
        }
    )

    tenant: str = Field(description="The key of the tenant in which the caller acts.")
    principal: str = Field(description="`anonymous`, `key:PREFIX` or `token:SUBJECT`.")
    role: str | None = Field(description="Null if the caller has scopes without a role, or no role.")
    scopes: list[str] = Field(description="What the caller may do.")
    groups: list[str] = Field(description="Other names of roles, which the conditions of machines may ask for.")
    workflows: str | None = Field(description="The pattern of the workflows that it is limited to; null for all.")
    key_id: int | None = Field(description="The id of the API key; null if the caller has none.")
    expires_at: datetime | None = Field(description="Until when the credentials are valid; null without an end.")


@router.get("/me", summary="Who am I", response_model=MeView, responses=documented_errors())
async def get_me(caller: CallerOfRequest) -> Response:
    """The caller, as the service knows it from the credentials of this request."""
    document = {
        "tenant": caller.tenant,
        "principal": caller.principal,
        "role": None if caller.role is None else caller.role.value,
        "scopes": sorted(caller.scopes),
        "groups": sorted(caller.groups),
        "workflows": None if caller.workflows is None else caller.workflows.text,
        "key_id": caller.key_id,
        "expires_at": rfc3339(caller.expires_at),
    }
    return document_response(document, headers={"Cache-Control": "no-store"})
