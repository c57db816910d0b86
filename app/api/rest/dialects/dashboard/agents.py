"""`/api/agents`: what runs tasks. So far these are engines."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Response

from app.api.rest.body import JsonRoute
from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, Fleet, Skip
from app.api.rest.dialects.dashboard.agent_documents import AgentPage, AgentView, agent_document
from app.api.rest.dialects.dashboard.ids import agent_number
from app.api.rest.dialects.dashboard.lists import DEFAULT_LIMIT, PageLimit, page_response
from app.api.rest.documentation import readable
from app.api.rest.responses import readable_response
from app.domain.engines import EngineStatus

router = APIRouter(prefix="/api/agents", tags=["dashboard"], route_class=JsonRoute)


@router.get("", summary="List agents", response_model=AgentPage, responses=readable())
async def list_dashboard_agents(
    fleet: Fleet,
    caller: CallerOfRequest,
    skip: Skip = 0,
    limit: PageLimit = DEFAULT_LIMIT,
    status: Annotated[EngineStatus | None, Query(description="Only those with this status.")] = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Those that run first, then those that have stopped in the last seven days; the newest first."""
    found, total = await fleet.engines(caller, status, skip, limit)
    return page_response([agent_document(engine) for engine in found], total, skip, limit, if_none_match)


@router.get("/{agent}", summary="Get an agent", response_model=AgentView, responses=readable(404))
async def get_dashboard_agent(
    agent: Annotated[str, Path(description="The agent's id.", examples=["12"])],
    fleet: Fleet,
    caller: CallerOfRequest,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """One agent, with the tasks that it has begun last."""
    engine = await fleet.engine(caller, agent_number(agent, "agent"))
    return readable_response(orjson.dumps(agent_document(engine)), if_none_match)
