"""What clients are told when it is the service that fails."""

import asyncio
import logging
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.adapters.cache.in_process import InProcessDefinitionCache
from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.sessions import create_engine
from app.adapters.system_clock import SystemClock
from app.api.rest.app import create_app
from app.api.rest.dependencies import Services
from app.definitions.rules import Rules
from app.definitions.service import DefinitionService
from app.domain.definitions import WorkflowDraft
from app.domain.errors import Unavailable
from tests.support.acts import ANYONE
from tests.support.clients import rest_client
from tests.support.everyone import everyone
from tests.support.inline_evaluator import inline_evaluations
from tests.support.memory.definitions import MemoryDefinitionStore
from tests.support.requests import PAYLOADS, ref_of


class AnyConfig:
    def config_problems(self, task, path="", tenant=""):
        return []


class Failing:
    """Stands where executions would be: every call fails."""

    async def get(self, caller, execution_id: UUID):
        raise RuntimeError("secret detail")


@asynccontextmanager
async def serving(definitions: DefinitionService, missing: list[str]):
    async def ready() -> list[str]:
        return missing

    @asynccontextmanager
    async def lifespan(app):
        failing = Failing()
        services = Services(definitions, *(failing,) * 7, PAYLOADS, everyone(), *(failing,) * 5, ready)
        app.state.services = services
        yield

    app = create_app(lifespan)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), rest_client(transport=transport, base_url="http://x") as client:
        yield client


def service(store) -> DefinitionService:
    return DefinitionService(
        store, InProcessDefinitionCache(60), Rules(AnyConfig(), max_tasks=10), inline_evaluations()
    )


@pytest.fixture
async def unreachable():
    engine = create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", 1)
    yield PostgresDefinitionStore(engine, SystemClock().now)
    await engine.dispose()


async def test_an_unexpected_error_tells_nothing_but_where_the_log_has_it(caplog):
    async with serving(service(MemoryDefinitionStore(SystemClock().now)), []) as client:
        answer = await client.get(f"/executions/{UUID(int=7)}")
        assert (await client.get("/healthz")).status_code == 200
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "internal")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert answer.headers["x-request-id"] in problem["detail"]
    assert answer.headers["x-request-id"] in record.getMessage()
    assert "secret detail" in str(record.exc_info[1])


async def test_an_unreachable_database_is_unavailable_not_broken(unreachable):
    async with serving(service(unreachable), ["The database cannot be reached.", "And so on."]) as client:
        for method, url, body in (
            ("GET", "/workflows", None),
            ("GET", "/workflows/7", None),
            ("POST", "/workflows", {"name": "n"}),
            ("PUT", "/workflows/7", {"name": "n"}),
            ("DELETE", "/tasks/7", None),
            ("GET", "/workflows/7/revisions", None),
        ):
            answer = await client.request(method, url, json=body)
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), url
            assert answer.headers["retry-after"] == "1"
        readiness = await client.get("/readyz")
        assert (readiness.status_code, readiness.json()["code"]) == (503, "not_ready")
        assert readiness.json()["detail"] == "The database cannot be reached.; And so on."
        assert (await client.get("/healthz")).status_code == 200


async def test_a_lost_connection_costs_no_call(database_url, monkeypatch):
    monkeypatch.setattr("app.adapters.database.sessions.PROBE_AFTER_SECONDS", 0.0)
    engine = create_engine(database_url, 1)
    store = PostgresDefinitionStore(engine, SystemClock().now)
    created = (await store.create(ANYONE, WorkflowDraft("n"))).workflow
    administration = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await administration.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    while await administration.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    ):
        await asyncio.sleep(0.01)
    await administration.close()
    assert await store.document(ref_of(created)) is not None
    await engine.dispose()


async def test_a_pool_that_stays_busy_is_unavailable(database_url, monkeypatch):
    monkeypatch.setattr("app.adapters.database.sessions.POOL_WAIT_SECONDS", 0.1)
    engine = create_engine(database_url, 1)
    store = PostgresDefinitionStore(engine, SystemClock().now)
    async with engine.connect():
        with pytest.raises(Unavailable):
            await store.document(ref_of("7"))
    await engine.dispose()
