"""Below the sub-path that uvicorn's `--root-path` puts in front, operations need what they always need."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.background.defects import Defects
from app.config import Settings
from app.domain.permissions import Role
from app.wiring.rest_process import open_rest_process
from tests.support.applications import application
from tests.support.callers import Keys, bearer
from tests.support.clients import rest_client
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own keys")

ROOT = "/flows"


@pytest.fixture
async def below(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Calls as uvicorn passes them on: the path begins with the sub-path."""
    defects = Defects()
    with application() as app:
        async with open_rest_process(settings, defects) as app.state.services:
            transport = httpx.ASGITransport(app, root_path=ROOT)
            async with rest_client(transport=transport, base_url=f"http://localhost{ROOT}") as client:
                yield client
        defects.raise_first()


async def test_the_permission_is_that_of_the_operation(below: httpx.AsyncClient, keys: Keys) -> None:
    viewer, editor = bearer(await keys.of_role(Role.VIEWER)), bearer(await keys.of_role(Role.EDITOR))
    for path in ("/api/v1/workflows", "/workflows"):
        assert (await below.post(path, json={"name": "n"})).status_code == 401
        assert (await below.post(path, json={"name": "n"}, headers=viewer)).status_code == 403
        assert (await below.post(path, json={"name": "n"}, headers=editor)).status_code == 201
        assert (await below.get(path, headers=viewer)).status_code == 200
    assert (await below.post("/ui/session", headers=viewer)).headers["set-cookie"].count(f"Path={ROOT}/") == 1


async def test_browsers_stay_below_it(below: httpx.AsyncClient) -> None:
    moved = await below.get("/", headers={"Accept": "text/html"})
    assert moved.headers["location"] == f"{ROOT}/ui/"
    assert (await below.get("/ui/")).status_code == 200
