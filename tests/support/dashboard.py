"""The dashboard in a browser that reaches nothing but the service."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Browser, BrowserContext, Page, Request, Route, expect

from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.permissions import Role
from tests.support.browser import MILLISECONDS, running_browser
from tests.support.clients import rest_client
from tests.support.engine_process import (
    RunningServer,
    parallel,
    running_server,
    settings_for,
    store_workflow,
    sync,
    workflow,
)
from tests.support.rest_server_process import RestServerProcess
from tests.support.server_process import REPOSITORY

SCRIPTS = REPOSITORY / "tests/ui/scripts"
AXE = (REPOSITORY / "tests/ui/vendor/axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21aa"]
_FIND = (SCRIPTS / "violations.js").read_text("utf-8")

expect.set_options(timeout=MILLISECONDS)


@dataclass
class House:
    """Everything that pages need.

    engine: runs the executions, in this process.
    rest: serves the pages.
    browser: shows them.
    api: calls REST.
    foreign: requests to other hosts, which are refused.
    faults: what went wrong on pages that no test expected.
    keys: keys by role, with AUTH=on.
    """

    engine: RunningServer
    rest: RestServerProcess
    browser: Browser
    api: httpx.AsyncClient
    foreign: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    keys: Mapping[Role, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.rest.port}"

    async def context(self, **options: Any) -> BrowserContext:
        context = await self.browser.new_context(**options)
        context.set_default_timeout(MILLISECONDS)
        await context.route("**/*", self._guard)
        return context

    async def open(self, path: str, **options: Any) -> Page:
        """A page in a context of its own, with nothing kept from others."""
        page = await (await self.context(**options)).new_page()
        page.on("pageerror", lambda error: self.faults.append(f"{path}: {error}"))
        page.on("console", lambda said: self._heard(path, said.text) if said.type == "error" else None)
        await page.goto(self.root + path)
        return page

    def check(self) -> None:
        assert self.foreign == []
        assert self.faults == []

    async def start(self, key: str, text: str = "{}") -> str:
        """As `grpcurl` does it. The id of the execution."""
        started = await self.engine.stub.StartWorkflow(pb.StartWorkflowRequest(workflow_id=key, input=text))
        return str(started.execution_id)

    async def signal(self, execution_id: str, *names: str) -> None:
        for name in names:
            await self.engine.stub.SignalExecution(pb.SignalExecutionRequest(execution_id=execution_id, name=name))

    async def history(self, execution_id: str) -> list[pb.WorkflowExecutionUpdate]:
        """All events, when it has ended."""
        request = pb.WatchExecutionRequest(execution_id=execution_id)
        return [update async for update in self.engine.stub.WatchExecution(request)]

    async def _guard(self, route: Route, request: Request) -> None:
        url = urlsplit(request.url)
        if url.hostname == "127.0.0.1" or url.scheme in ("data", "blob"):
            await route.continue_()
        else:
            self.foreign.append(request.url)
            await route.abort()

    def _heard(self, path: str, text: str) -> None:
        """Browsers report every refused or broken request as an error; pages show these to people."""
        if "Failed to load resource" not in text and "WebSocket connection" not in text:
            self.faults.append(f"{path}: {text}")


@asynccontextmanager
async def running_house(database_url: str, redis_url: str, log: Path, **settings: str) -> AsyncIterator[House]:
    for draft in WORKFLOWS:
        await store_workflow(database_url, draft)
    async with AsyncExitStack() as stack:
        rest = RestServerProcess(database_url, redis_url, log, **settings)
        stack.push_async_callback(rest.close)
        await rest.start()
        engine = await stack.enter_async_context(running_server(settings_for(database_url)))
        browser = await stack.enter_async_context(running_browser())
        api = await stack.enter_async_context(rest_client(base_url=rest.url, timeout=60))
        yield House(engine, rest, browser, api)


async def violations(page: Page) -> Sequence[str]:
    """What axe finds. It is run past the policy of the page, which allows no such script."""
    await page.evaluate(AXE)
    found: Sequence[str] = await page.evaluate(_FIND, RULES)
    return found


async def is_wider_than_the_window(page: Page) -> bool:
    wider: bool = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return wider


STEPS = 4
WORKFLOWS = (
    workflow(
        "steps", [sync(f"step-{number}", number, "signal", config={"name": f"go-{number}"}) for number in range(STEPS)]
    ),
    workflow("quick", [sync("only", 1, "transform", config={"value": {"answer": "${input.answer}"}})]),
    workflow(
        "broken",
        [
            sync("prepare", 1, "transform", config={"value": 1}),
            parallel("good", 2, "transform", config={"value": 2}),
            parallel("bad", 2, "transform", config={"value": "${input.missing.field}"}),
            sync("never", 3, "transform", config={"value": 3}),
        ],
    ),
    workflow(
        "wide",
        [
            parallel(f"part-{group}-{number}", group, "transform", config={"value": number})
            for group in range(3)
            for number in range(40)
        ],
    ),
)
"""`steps` waits for a signal in each step, `broken` fails, `wide` has groups that are drawn as one node."""
