"""`/engines`: the engines of the service, and what they have done for the caller's tenant."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Response

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, Fleet, Limit, Skip
from app.api.rest.documentation import readable
from app.api.rest.engine_views import EnginePage, EngineView, engine_document
from app.api.rest.responses import page_body, readable_response
from app.domain.engines import EngineStatus
from app.domain.refs import MAX_ID

router = APIRouter(prefix="/engines", tags=["engines"], route_class=JsonRoute)

EngineId = Annotated[int, Path(ge=1, le=MAX_ID, description="The engine's id.", examples=[12])]


@router.get("", summary="List engines", response_model=EnginePage, responses=readable())
async def list_engines(
    fleet: Fleet,
    caller: CallerOfRequest,
    skip: Skip = 0,
    limit: Limit = 100,
    status: Annotated[EngineStatus | None, Query(description="Only those with this status.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Those that run first, then those whose lease has ended in the last seven days; the newest first.

    All tenants share the engines. `work` is that of your tenant alone.
    """
    found, total = await fleet.engines(caller, status, skip, limit)
    items = [orjson.dumps(engine_document(engine)) for engine in found]
    return readable_response(page_body(items, total, skip, limit), if_none_match)


@router.get("/{engine}", summary="Get an engine", response_model=EngineView, responses=readable(404))
async def get_engine(
    engine: EngineId, fleet: Fleet, caller: CallerOfRequest, if_none_match: IfNoneMatch = None
) -> Response:
    """One engine, also if its lease has ended in the last seven days."""
    document = engine_document(await fleet.engine(caller, engine))
    return readable_response(orjson.dumps(document), if_none_match)
