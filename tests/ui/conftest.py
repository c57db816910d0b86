"""The dashboard in a real browser, with a real REST process and an engine."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.domain.permissions import Role
from tests.support.browser import CHROMIUM
from tests.support.callers import Keys
from tests.support.dashboard import House, running_house
from tests.support.tenant import needs_default


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt-get install chromium)"))
            item.add_marker(needs_default("is about AUTH=off, or makes keys of its own"))


@pytest.fixture
async def house(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """With AUTH=off."""
    async with running_house(database_url, redis_url, tmp_path / "rest.log") as house:
        yield house
        house.check()


@pytest.fixture
async def guarded(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """With AUTH=on."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(
            running_house(database_url, redis_url, tmp_path / "rest.log", AUTH="on")
        )
        house.keys = {role: await Keys(database_url).of_role(role) for role in (Role.VIEWER, Role.OPERATOR)}
        yield house
        house.check()
