"""`GET /`: the paths of the service, and the dashboard for people who open its address in a browser."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from app.api.dashboard.serving import prefers_pages
from app.api.rest.dependencies import ReadyServices
from app.api.rest.documentation import DOCS
from app.api.rest.responses import PREFIX, document_response
from app.api.rest.sub_paths import prefix_of

router = APIRouter(tags=["health"])

_VARY = {"Vary": "Accept"}


class EntryView(BaseModel):
    """The service, its version and its paths."""

    service: str
    version: str
    api: str
    documentation: str
    openapi: str
    health: str
    readiness: str


@router.get("/", summary="Where to go from here", response_model=EntryView)
async def get_entry(request: Request, services: ReadyServices) -> Response:
    """The name and version of the service, and the paths of its API, documentation and health. A browser is sent to
    the dashboard."""
    app = request.app
    accept = request.headers.get("accept", "").encode("latin-1")
    if services.dashboard.has_pages and prefers_pages(accept):
        prefix = prefix_of(request.scope)
        return Response(status_code=307, headers={"Location": f"{prefix}/ui/" if prefix else "ui/", **_VARY})
    document = {
        "service": app.title,
        "version": app.version,
        "api": PREFIX,
        "documentation": DOCS,
        "openapi": app.openapi_url,
        "health": "/healthz",
        "readiness": "/readyz",
    }
    return document_response(document, headers=_VARY)
