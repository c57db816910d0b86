"""`GET /`: the paths of the service, for people who open its address."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from app.api.rest.responses import PREFIX, document_response

router = APIRouter(tags=["health"])


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
async def get_entry(request: Request) -> Response:
    """The name and version of the service, and the paths of its API, documentation and health."""
    app = request.app
    document = {
        "service": app.title,
        "version": app.version,
        "api": PREFIX,
        "documentation": app.docs_url,
        "openapi": app.openapi_url,
        "health": "/healthz",
        "readiness": "/readyz",
    }
    return document_response(document)
