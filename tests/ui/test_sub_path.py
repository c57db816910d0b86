"""The dashboard behind a proxy that has it under a path."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.support.dashboard import STEPS, House, running_house
from tests.support.prefix_proxy import prefix_proxy

PREFIX = "/teams/flows"


@pytest.mark.parametrize("trusted", ["127.0.0.1", ""], ids=["trusted", "unknown"])
async def test_it_works_under_a_sub_path(database_url: str, redis_url: str, tmp_path: Path, trusted: str) -> None:
    async with (
        running_house(database_url, redis_url, tmp_path / "rest.log", TRUSTED_PROXIES=trusted) as house,
        prefix_proxy(PREFIX, house.rest.port) as root,
    ):
        await _follow(house, root)
        house.check()


async def _follow(house: House, root: str) -> None:
    execution_id = await house.start("steps")
    page = await (await house.context()).new_page()
    await page.goto(f"{root}/")
    await expect(page).to_have_url(f"{root}/ui/executions")
    await page.locator("tbody .row-link").click()
    await expect(page).to_have_url(f"{root}/ui/executions/{execution_id}")
    await expect(page.locator(".link-live")).to_be_visible()
    await page.reload()
    await expect(page.locator(".node.is-running")).to_be_visible()
    await house.signal(execution_id, *(f"go-{step}" for step in range(STEPS)))
    await expect(page.locator(".execution-head .st-completed")).to_be_visible()
    await page.goto(f"{root}/docs")
    await expect(page.locator(".opblock").first).to_be_visible()
