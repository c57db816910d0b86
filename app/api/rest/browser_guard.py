"""Applies the rules for browsers to every request, and adds the headers for browsers to every response."""

from collections.abc import Sequence

import structlog
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.rest.error_responses import Refused, error_response
from app.api.rest.web_rules import Sender, WebRules

log = structlog.get_logger(__name__)

POLICY = b"content-security-policy"
BROWSER_HEADERS = ((b"x-content-type-options", b"nosniff"), (POLICY, b"frame-ancestors 'none'"))
"""No response is interpreted as another type than it says, or shown within a page. Pages have a stricter policy."""

_DEPENDS_ON_ORIGIN = (b"vary", b"Origin")
"""For caches between browsers and the service: the headers of CORS differ between pages."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
READABLE_ELSEWHERE = (
    "ETag",
    "Location",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "X-Request-ID",
    "Allow",
    "Content-Range",
    "Preference-Applied",
)
"""What pages of other origins that may read a response can read of its headers, beside the few that all can."""


class BrowserGuard:
    """The outermost part of the application. The rules are those of `app.state.services.web_rules`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._shared: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rules: WebRules = scope["app"].state.services.web_rules
        sender = sender_of_page(scope)
        refused = rules.refusal(scope["method"], sender)
        if refused is not None:
            await _refuse(scope, receive, _with_headers(send, BROWSER_HEADERS), refused)
        elif rules.names_origin(sender.origin):
            await self._with_other_origins(rules)(scope, receive, _with_headers(send, BROWSER_HEADERS))
        else:
            headers = (*BROWSER_HEADERS, _DEPENDS_ON_ORIGIN) if rules.origins else BROWSER_HEADERS
            await self._app(scope, receive, _with_headers(send, headers))

    def _with_other_origins(self, rules: WebRules) -> ASGIApp:
        """The application with the headers of CORS, for requests of pages whose origin the rules name."""
        if self._shared is None:
            self._shared = CORSMiddleware(
                self._app,
                allow_origins=rules.origins,
                allow_methods=METHODS,
                allow_headers=["*"],
                expose_headers=READABLE_ELSEWHERE,
                allow_private_network=True,
            )
        return self._shared


def sender_of_page(scope: Scope) -> Sender:
    """What browsers say about the page that a request comes from."""
    host = origin = site = None
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
        elif name == b"sec-fetch-site":
            site = value
    return Sender(host, origin, site)


def _with_headers(send: Send, headers: Sequence[tuple[bytes, bytes]]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            has_policy = any(name == POLICY for name, _ in own)
            message["headers"] = [*own, *(header for header in headers if header[0] != POLICY or not has_policy)]
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send, refused: Refused) -> None:
    log.warning("http_refused", status=refused.status, code=refused.code, client=scope.get("client"))
    await error_response(scope, refused.status, refused.code, refused.detail)(scope, receive, send)
