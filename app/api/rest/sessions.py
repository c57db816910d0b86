"""`/ui/session`: swaps an API key or a token for a cookie that pages cannot read."""

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from app.api.rest.dependencies import Changer, ReadyServices
from app.api.rest.session_cookie import cookie, session_of

router = APIRouter(include_in_schema=False)


@router.post("/ui/session", status_code=204)
async def begin_session(request: Request, services: ReadyServices, caller: Changer) -> Response:
    """The caller has sent the key or token in a header. While everybody may call, there is nothing to begin."""
    if not services.dashboard.has_pages:
        raise HTTPException(404)
    if not services.identity.admission.is_on:
        return Response(status_code=204)
    text, seconds = await services.identity.sessions.begin(caller)
    headers = {"Set-Cookie": cookie(request.scope, text, seconds), "Cache-Control": "no-store"}
    return Response(status_code=204, headers=headers)


@router.delete("/ui/session", status_code=204)
async def end_session(request: Request, services: ReadyServices, caller: Changer) -> Response:
    text = session_of(request.scope)
    if text is not None and services.identity.admission.is_on:
        await services.identity.sessions.end(caller, text)
    return Response(status_code=204, headers={"Set-Cookie": cookie(request.scope, "", 0)})
