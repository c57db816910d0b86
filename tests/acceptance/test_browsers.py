"""The pages of `examples/live` in a real browser: they follow an execution while their servers are killed and come
back, and show every event once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.permissions import Role
from tests.support.browser import CHROMIUM, MILLISECONDS, running_browser, served_pages
from tests.support.callers import Keys
from tests.support.engine_process import RunningServer, running_server, settings_for, store_workflow, sync, workflow
from tests.support.rest_server_process import RestServerProcess
from tests.support.tenant import needs_default

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (apt-get install chromium)"),
    needs_default("is about AUTH=off, and makes a key of its own"),
]

STEPS = 6
BEFORE, MEANWHILE, AFTERWARDS = range(2), range(2, 4), range(4, STEPS)
SHOWN_BEFORE = 2 + 2 * len(BEFORE)
"""Queued, running, and of each step that it has started and completed."""
PAGES = (("sse.html", "off"), ("socket.html", "off"), ("fetch.html", "on"), ("socket.html", "on"))
NUMBERS = "lines => lines.map(line => line.value)"


@dataclass(frozen=True)
class House:
    """Everything that pages need.

    engine: runs the executions, in this process.
    rest: the servers to which pages talk, by AUTH.
    key: for the one with AUTH=on.
    pages: the origin of the pages.
    browser: shows them.
    """

    engine: RunningServer
    rest: Mapping[str, RestServerProcess]
    key: str
    pages: str
    browser: Browser

    async def open(self, name: str, auth: str, execution_id: str) -> Page:
        page = await self.browser.new_page()
        await page.goto(f"{self.pages}/{name}")
        await page.fill("[name=service]", f"http://127.0.0.1:{self.rest[auth].port}")
        await page.fill("[name=execution]", execution_id)
        if auth == "on":
            await page.fill("[name=token]", self.key)
        await page.click("button")
        return page

    async def signal(self, execution_id: str, steps: Sequence[int]) -> None:
        for step in steps:
            request = pb.SignalExecutionRequest(execution_id=execution_id, name=f"go-{step}")
            await self.engine.stub.SignalExecution(request)

    async def history(self, execution_id: str) -> list[int]:
        request = pb.WatchExecutionRequest(execution_id=execution_id)
        return [update.sequence async for update in self.engine.stub.WatchExecution(request)]


@pytest.fixture
async def house(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    steps = [sync(f"step-{number}", number, "signal", config={"name": f"go-{number}"}) for number in range(STEPS)]
    await store_workflow(database_url, workflow("steps", steps))
    key = await Keys(database_url).of_role(Role.VIEWER)
    async with AsyncExitStack() as stack:
        pages = stack.enter_context(served_pages())
        rest = {
            auth: RestServerProcess(database_url, redis_url, tmp_path / auth, CORS_ORIGINS=pages, AUTH=auth)
            for auth in ("off", "on")
        }
        for server in rest.values():
            stack.push_async_callback(server.close)
            await server.start()
        engine = await stack.enter_async_context(running_server(settings_for(database_url)))
        browser = await stack.enter_async_context(running_browser())
        yield House(engine, rest, key, pages, browser)


@pytest.mark.slow
async def test_pages_show_every_event_once(house: House) -> None:
    started = await house.engine.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id="steps"))
    execution_id = started.execution_id
    pages = [await house.open(name, auth, execution_id) for name, auth in PAGES]
    await house.signal(execution_id, BEFORE)
    for page in pages:
        await expect(page.locator("li").nth(SHOWN_BEFORE - 1)).to_be_visible(timeout=MILLISECONDS)
    for server in house.rest.values():
        await server.kill()
    await house.signal(execution_id, MEANWHILE)
    for page in pages:
        await expect(page.locator("output")).to_have_text("connecting again", timeout=MILLISECONDS)
    for server in house.rest.values():
        await server.start()
    await house.signal(execution_id, AFTERWARDS)
    history = await house.history(execution_id)
    for page in pages:
        await expect(page.locator("output")).to_have_text("ended", timeout=MILLISECONDS)
        assert await page.locator("li").evaluate_all(NUMBERS) == history
