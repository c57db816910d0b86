"""`/healthz` and `/readyz`: whether the process is alive, and whether it can serve requests."""

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


@router.get("/healthz", summary="Is the process alive", response_model=HealthView)
async def healthz() -> Response:
    """200 while the process is alive."""
    return document_response({"status": "ok"})


@router.get("/readyz", summary="Can the process serve requests", response_model=ReadinessView, responses=NOT_READY)
async def readyz(request: Request, services: ReadyServices) -> Response:
    """503 gives the reason: the database is unreachable, or its schema is not current.

    `cache` counts this process's reads of workflows since it started.
    """
    missing = await services.ready()
    if not missing:
        return document_response({"status": "ready", "cache": asdict(services.definitions.cache_statistics)})
    problems = [Problem("", sentence) for sentence in missing]
    return error_response(request.scope, 503, "not_ready", "; ".join(missing), problems=problems)
