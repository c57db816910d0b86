"""`/ws`: the handshake of WebSocket, which is a request of HTTP and is answered like one when it is refused."""

from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.rest.browser_guard import sender_of_page
from app.api.rest.dependencies import Services
from app.api.rest.error_responses import Refused, error_response
from app.api.rest.errors import service_error_response
from app.api.rest.gate import credentials_of, sender_of
from app.api.rest.responses import PREFIX
from app.domain.callers import Caller
from app.domain.errors import ServiceError
from app.domain.permissions import AUTHENTICATED

PATHS = frozenset({"/ws", f"{PREFIX}/ws"})


class WebSockets:
    """Gives the connections of WebSocket to `app.state.services.sockets`, if their handshake is allowed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        services: Services = scope["app"].state.services
        try:
            caller = await _admitted(services, scope)
        except Refused as refused:
            await error_response(scope, refused.status, refused.code, refused.detail)(scope, receive, send)
        except ServiceError as error:
            await service_error_response(scope, error)(scope, receive, send)
        else:
            await services.sockets.serve(caller, partial(sender_of, scope), receive, send)


async def _admitted(services: Services, scope: Scope) -> Caller | None:
    """The caller; None if that is not known yet. Raise `Refused` or `ServiceError`."""
    path = scope["path"].rstrip("/")
    if path not in PATHS:
        raise Refused(404, "not_found", f"there is no WebSocket at {scope['path']!r}; it is at /ws")
    refused = services.web_rules.refusal_of_socket(sender_of_page(scope))
    if refused is not None:
        raise refused
    if scope["query_string"]:
        # Addresses are kept in many places, so a credential in one must not even seem to work.
        raise Refused(400, "unknown_parameter", "/ws has no parameters; the key or token is sent as the first message")
    admission = services.identity.admission
    if admission.only_loopback and (server := scope.get("server")):
        admission.check_address(server[0])
    authorization, api_key = credentials_of(scope) if admission.is_on else ((), ())
    sender = partial(sender_of, scope)
    if admission.is_on and not authorization and not api_key:
        await admission.expect(sender)
        return None
    return await admission.admit(AUTHENTICATED, authorization, api_key, sender)
