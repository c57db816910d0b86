"""A REST process with sockets, and an engine, in the test's event loop."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from app.config import Settings
from tests.support.engine_process import running_server, store_workflow, sync, workflow
from tests.support.live_service import LiveService, live_service
from tests.support.sockets import Socket, socket
from tests.support.walls import urls_for

STEPS = 10
EVENTS = 2 * STEPS + 3


@dataclass(frozen=True)
class House:
    live: LiveService

    async def start(self, key: str, **body: Any) -> str:
        answer = await self.live.client.post(f"/workflows/{key}/executions", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def finished(self, key: str) -> str:
        execution_id = await self.start(key)
        await self.end_of(execution_id)
        return execution_id

    async def end_of(self, execution_id: str) -> None:
        """Return when it is completed: then its stream ends."""
        answer = await self.live.client.get(f"/executions/{execution_id}/events/stream")
        assert "event: end" in answer.text, answer.text

    async def go(self, execution_id: str) -> None:
        answer = await self.live.client.post(f"/executions/{execution_id}/signal", json={"name": "go"})
        assert answer.status_code == 202, answer.text

    @asynccontextmanager
    async def socket(self, **options: Any) -> AsyncIterator[Socket]:
        async with socket(self.live.port, **options) as opened:
            yield opened


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(_env_file=None, **urls_for(database_url), database_pool_size=4)


@pytest.fixture
async def house(settings: Settings, database_url: str) -> AsyncIterator[House]:
    tasks = [sync(f"step-{number}", number, "log", config={"message": "."}) for number in range(STEPS)]
    await store_workflow(database_url, workflow("steps", tasks))
    await store_workflow(database_url, workflow("waits", [sync("wait", 1, "signal", config={"name": "go"})]))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running_server(settings))
        yield House(await stack.enter_async_context(live_service(settings)))
