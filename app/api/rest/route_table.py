"""Finds the route of a request: first its path is written in one way, then few routes are possible.

The framework compares a path with the pattern of each operation, with the prefix and without, until one matches.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from fastapi import FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.rest.query_names import parameter_names, refuse_unknown_parameters
from app.api.rest.responses import PREFIX
from app.domain.permissions import AUTHENTICATED, Permission, permission_of

ONLY_HEAD = "only_head"
"""In the scope of a request that wants no body. It need not be made."""

Shape = tuple[str, int, str]
"""Equal for all requests of a route: method, number of slashes in the path, first word after the prefix."""


class Known(NamedTuple):
    """A route, the names of its query parameters, and what its caller needs.

    parameters: None for a route that reads its query itself, which has the attribute `reads_query`.
    """

    route: RouteContext
    parameters: frozenset[str] | None
    permission: Permission


class Gate(Protocol):
    """Decides about requests."""

    async def admit(self, scope: Scope, permission: Permission) -> None:
        """Raise an error for a request that must not be carried out."""


class PathsAsWritten:
    """Sends `GET /workflows/` and `HEAD /workflows` to the route of `GET /workflows`, without a redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if len(path) > 1 and path.endswith("/"):
            scope = dict(scope, path=path[:-1])
        if scope["method"] == "HEAD":
            scope, send = dict(scope, method="GET", **{ONLY_HEAD: True}), _without_body(send)
        await self._app(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def sending(message: Message) -> None:
        await send(dict(message, body=b"") if message["type"] == "http.response.body" else message)

    return sending


class RouteTable:
    """Replaces the router of `app`, and calls the route that the router would call, if `gate` admits the request.

    The router handles requests without a matching route. It also handles traced requests, because only the router
    reports its choice to the tracer.
    """

    def __init__(self, app: FastAPI, gate: Gate) -> None:
        self._app = app
        self._gate = gate
        self._router: ASGIApp = app.router.middleware_stack
        self._routes: Mapping[Shape, Sequence[Known]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        known = self._find(scope)
        await self._gate.admit(scope, AUTHENTICATED if known is None else known.permission)
        if known is None or "fastapi.telemetry" in scope:
            await self._router(scope, receive, send)
            return
        if scope["query_string"] and known.parameters is not None:
            refuse_unknown_parameters(known.parameters, scope["query_string"])
        await known.route.app(scope, receive, send)

    def _find(self, scope: Scope) -> Known | None:
        """Find the matching route, and add it and its parameters to `scope`."""
        if self._routes is None:
            self._routes = _by_shape(self._app)
        for known in self._routes.get(_shape(scope["method"], scope["path"]), ()):
            match, found = known.route.matches(scope)
            if match is Match.FULL:
                scope.update(found, route=known.route.original_route, router=self._app.router)
                return known
        return None


def _by_shape(app: FastAPI) -> Mapping[Shape, Sequence[Known]]:
    routes = defaultdict[Shape, list[Known]](list)
    for route in iter_route_contexts(app.routes):
        declared = route.original_route
        known = Known(route, _parameters(declared), permission_of(getattr(declared, "name", "")))
        for method in route.methods or ():
            routes[_shape(method, route.path or "")].append(known)
    return dict(routes)


def _parameters(declared: object) -> frozenset[str] | None:
    if getattr(declared, "reads_query", False):
        return None
    return parameter_names(declared) if isinstance(declared, APIRoute) else frozenset()


def _shape(method: str, path: str) -> Shape:
    return method, path.count("/"), path.removeprefix(PREFIX)[1:].partition("/")[0]
