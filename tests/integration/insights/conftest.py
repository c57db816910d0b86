"""Planted histories in a real database, the REST API over it, and what computes suggestions."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.suggestion_runs import PostgresHistories
from app.adapters.database.suggestions import PostgresSuggestionStore
from app.config import Settings
from app.domain.definitions import Workflow
from app.insights.computing import Computed, Computing
from tests.support.engine_process import store_workflow
from tests.support.planted_histories import (
    moved_to,
    planted_draft,
    planted_history,
    planted_workflow,
    store_history,
)
from tests.support.rest_service import serving
from tests.support.tenant import TENANT_ID
from tests.support.walls import api_url, urls_for


@dataclass(frozen=True)
class House:
    """url: has a login that passes the walls. rest: a client. pool: connections as callers have them."""

    url: str
    rest: httpx.AsyncClient
    pool: Pool

    async def plant(self, key: str, seed: int, *, is_clean: bool = False, **options: Any) -> Workflow:
        """A workflow with its history; `options` are those of `planted_history`."""
        stored = await store_workflow(self.url, planted_draft(key, is_clean=is_clean))
        await self.grow(stored, seed, is_clean=is_clean, **options)
        return stored

    async def grow(self, stored: Workflow, seed: int, *, is_clean: bool = False, **options: Any) -> None:
        """More of its history."""
        model = planted_workflow(stored.id, is_clean=is_clean)
        history = planted_history(model, seed, datetime.now(UTC), is_clean=is_clean, **options)
        await store_history(self.url, TENANT_ID, stored, moved_to(history, stored, model))

    def computing(self) -> Computing:
        return Computing(PostgresSuggestionStore(self.pool), PostgresHistories(self.pool))

    async def compute(self) -> Computed:
        computed = await self.computing().of_tenant(TENANT_ID)
        assert computed is not None
        return computed

    async def suggestions(self, **filters: Any) -> list[dict[str, Any]]:
        answer = await self.rest.get("/api/v1/suggestions", params=filters)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def one(self, rule: str) -> dict[str, Any]:
        (found,) = await self.suggestions(rule=rule, status="open")
        return found

    async def decide(self, suggestion_id: int, what: str, **body: Any) -> httpx.Response:
        return await self.rest.post(f"/api/v1/suggestions/{suggestion_id}/{what}", json=body)

    async def workflow(self, workflow_id: int) -> dict[str, Any]:
        return dict((await self.rest.get(f"/api/v1/workflows/{workflow_id}")).json())


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(_env_file=None, **urls_for(database_url), database_pool_size=4)


@pytest.fixture
async def house(settings: Settings, database_url: str) -> AsyncIterator[House]:
    async with open_pool(api_url(database_url), 2, 30) as pool, serving(settings) as rest:
        yield House(database_url, rest, pool)
