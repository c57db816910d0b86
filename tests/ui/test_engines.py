"""Engines in the dashboard: what they do, and that a killed one is shown as offline."""

import re
from pathlib import Path

from playwright.async_api import expect

from tests.support.dashboard import House, is_wider_than_the_window, violations
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.gated_tasks import gates
from tests.support.grpc_server_process import GrpcServerProcess

LEASE_SECONDS = 3


async def test_a_killed_engine_becomes_offline_while_people_look(
    house: House, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    settings = {"REDIS_URL": redis_url, "ENGINE_LEASE_SECONDS": str(LEASE_SECONDS), "ENGINE_RENEW_SECONDS": "1"}
    engine = GrpcServerProcess(database_url, tmp_path / "engine.log", **settings)
    try:
        await engine.start()
        page = await house.open("/ui/engines")
        running = page.get_by_role("table", name="Engines that run")
        row = running.locator("tbody tr", has_text=f"· {engine.pid}")
        await expect(row).to_contain_text("online")
        await expect(row).to_contain_text("0 of ")
        await expect(page.get_by_role("status").filter(has_text="online")).to_contain_text("2 online")
        await engine.kill()
        ended = page.get_by_role("table", name="Engines that have stopped").locator("tbody tr")
        await expect(ended).to_contain_text("offline")
        await expect(ended).to_contain_text(f"· {engine.pid}")
        await expect(running.locator("tbody tr")).to_have_count(1)
        await ended.get_by_role("link").click()
        await expect(page.get_by_text("Its lease has ended")).to_be_visible()
        assert await violations(page) == []
    finally:
        await engine.close()


GATED = "shown-on-the-page-of-its-engine"


async def test_an_engine_shows_what_it_runs(house: House, database_url: str) -> None:
    await house.history(await house.start("quick", '{"answer": 42}'))
    await store_workflow(database_url, workflow("gated", [sync(GATED, 1, "python", config={"function": "test.gated"})]))
    held = await house.start("gated")
    page = await house.open("/ui/engines", viewport={"width": 390, "height": 844})
    await page.locator("tbody tr a").first.click()
    now = page.get_by_role("table", name="Tasks that it runs now").locator("tbody tr")
    await expect(now).to_contain_text("running")
    last = page.get_by_role("table", name="Tasks that it has begun last")
    await expect(last.locator("tbody tr", has_text="quick")).to_contain_text("completed")
    assert not await is_wider_than_the_window(page)
    await now.get_by_role("link", name=GATED).click()
    await expect(page).to_have_url(re.compile(f"/ui/executions/{held}"))
    gates.open(GATED)
    await house.history(held)
