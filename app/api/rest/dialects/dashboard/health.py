"""`/api/health`: how the service is, part by part."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.dependencies import ReadyServices, Services
from app.api.rest.examples import INSTANT
from app.api.rest.responses import document_response
from app.domain.documents import rfc3339
from app.domain.errors import Unavailable

router = APIRouter(prefix="/api/health", tags=["dashboard"])

_HEALTH: dict[str, Any] = {
    "status": "healthy",
    "timestamp": INSTANT,
    "version": "0.1.0",
    "checks": {"database": "healthy", "cache": "healthy", "engines": {"online": 2, "free_slots": 1983}},
}

PartStatus = Literal["healthy", "unhealthy"]


class EnginesView(BaseModel):
    """Of all tenants."""

    online: int = Field(description="How many engines take executions.")
    free_slots: int = Field(description="How many executions more could work.")


class ChecksView(BaseModel):
    """The parts of the service."""

    database: PartStatus
    cache: PartStatus
    engines: EnginesView


class DashboardHealthView(BaseModel):
    """How the service is."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HEALTH]})

    status: Literal["healthy", "degraded", "unhealthy"] = Field(
        description="`unhealthy` without the database; `degraded` without the cache, or without an engine."
    )
    timestamp: datetime
    version: str
    checks: ChecksView


@router.get(
    "",
    summary="How the service is",
    response_model=DashboardHealthView,
    responses={503: {"description": "Unhealthy: the same document.", "model": DashboardHealthView}},
)
async def get_dashboard_health(request: Request, services: ReadyServices) -> Response:
    """503 if it is unhealthy, with the same document. A service that is degraded still does its work, or will."""
    database, (online, free) = await _engines(services)
    has_cache = await services.definitions.has_cache()
    status = "unhealthy" if not database else "healthy" if has_cache and online else "degraded"
    document = {
        "status": status,
        "timestamp": rfc3339(datetime.now(UTC)),
        "version": request.app.version,
        "checks": {
            "database": _word(database),
            "cache": _word(has_cache),
            "engines": {"online": online, "free_slots": free},
        },
    }
    code = HTTPStatus.OK if database else HTTPStatus.SERVICE_UNAVAILABLE
    return document_response(document, code, {"Cache-Control": "no-store"})


async def _engines(services: Services) -> tuple[bool, tuple[int, int]]:
    """Whether the database can be used, and what it says about engines."""
    if await services.ready():
        return False, (0, 0)
    try:
        return True, await services.fleet.free_slots()
    except Unavailable:
        return False, (0, 0)


def _word(is_healthy: bool) -> PartStatus:
    return "healthy" if is_healthy else "unhealthy"
