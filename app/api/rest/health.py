"""`/healthz` and `/readyz`: whether the process lives, and whether it can do its work."""

from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from app.api.rest.dependencies import ReadyServices
from app.api.rest.documentation import Responses, documented_errors
from app.api.rest.error_responses import error_response
from app.api.rest.responses import document_response
from app.api.rest.views import HealthView, ReadinessView
from app.domain.errors import Problem

router = APIRouter(tags=["health"])

NOT_READY: Responses = {503: documented_errors()[503]}


@router.get("/healthz", summary="Does the process live", response_model=HealthView)
async def healthz() -> Response:
    """Answers as long as the process does."""
    return document_response({"status": "ok"})


@router.get("/readyz", summary="Can the process do its work", response_model=ReadinessView, responses=NOT_READY)
async def readyz(request: Request, services: ReadyServices) -> Response:
    """503 names what is missing: a database that does not answer, or one that is not migrated.

    `cache` counts this process's reads of workflows since it started.
    """
    missing = await services.ready()
    if not missing:
        return document_response({"status": "ready", "cache": asdict(services.definitions.cache_statistics)})
    problems = [Problem("", sentence) for sentence in missing]
    return error_response(request.url.path, 503, "not_ready", "; ".join(missing), problems=problems)
