"""The table finds what the framework's router would find, and leaves the rest to it."""

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.types import Receive, Scope, Send

from app.api.rest.responses import PREFIX
from app.api.rest.route_table import RouteTable
from app.domain.permissions import Permission

REQUESTS = [
    ("GET", "/things"),
    ("GET", "/things/7"),
    ("GET", f"{PREFIX}/things/7"),
    ("DELETE", "/things/7"),
    ("GET", "/things/first"),
    ("GET", "/things/7/parts/wheel"),
    ("GET", "/things/%C3%BC"),
    ("GET", "/openapi.json"),
]
FOUND_BY_NOBODY = [
    ("PUT", "/things/7"),
    ("BREW", "/things/7"),
    ("GET", "/"),
    ("GET", "//"),
    ("GET", "/things/"),
    ("GET", "/things/a%2Fb"),
    ("GET", PREFIX),
    ("GET", f"{PREFIX}things/7"),
    ("GET", f"{PREFIX}{PREFIX}/things/7"),
    ("GET", "/other/7"),
]


def some_app() -> FastAPI:
    app, router = FastAPI(redirect_slashes=False), APIRouter(prefix="/things")

    async def seen(request: Request) -> list[str]:
        return [request.method, request.scope["route"].name, str(request.path_params), str(request.url_for("by_id"))]

    for method, path, name in (
        ("GET", "", "all"),
        ("GET", "/{thing}", "one"),
        ("GET", "/first", "never reached"),
        ("DELETE", "/{thing}", "removal"),
        ("GET", "/{thing}/parts/{part}", "part"),
    ):
        router.add_api_route(path, seen, methods=[method], name=name)
    app.add_api_route("/by-id", seen, name="by_id")
    app.include_router(router, prefix=PREFIX)
    app.include_router(router)
    return app


async def answer(app: FastAPI, method: str, path: str) -> tuple[int, str]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answered = await client.request(method, path)
    return answered.status_code, answered.text


class EveryoneIsAdmitted:
    async def admit(self, scope: Scope, permission: Permission) -> None:
        """Let every request pass."""


async def left_to_the_router(scope: Scope, receive: Receive, send: Send) -> None:
    raise LookupError(scope["path"])


def app_with_a_table(*, traced: bool = False, has_router: bool = True) -> FastAPI:
    app = some_app()
    if not has_router:
        app.router.middleware_stack = left_to_the_router
    table = RouteTable(app, EveryoneIsAdmitted())

    async def tracing(scope: Scope, receive: Receive, send: Send) -> None:
        await table(scope | {"fastapi.telemetry": None} if traced else scope, receive, send)

    app.router.middleware_stack = tracing
    return app


@pytest.mark.parametrize(("method", "path"), REQUESTS + FOUND_BY_NOBODY)
async def test_the_answer_is_that_of_the_router(method, path):
    assert await answer(app_with_a_table(), method, path) == await answer(some_app(), method, path)


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_the_router_is_not_asked_for_what_is_known(method, path):
    assert (await answer(app_with_a_table(has_router=False), method, path))[0] == 200


@pytest.mark.parametrize(("method", "path"), FOUND_BY_NOBODY)
async def test_the_router_is_asked_for_what_is_not_known(method, path):
    with pytest.raises(LookupError):
        await answer(app_with_a_table(has_router=False), method, path)


async def test_the_router_is_asked_for_what_is_traced():
    with pytest.raises(LookupError):
        await answer(app_with_a_table(traced=True, has_router=False), "GET", "/things/7")
