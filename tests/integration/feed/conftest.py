"""A database with two logins, and the feed on top of it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import pytest

from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.executions import PostgresDefinitionReader, PostgresExecutionStore
from app.adapters.database.feed import PostgresFeed
from app.adapters.database.leases import PostgresOwnership
from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.recording import PostgresRecording
from app.adapters.database.sessions import create_engine
from app.adapters.database_url import driver_dsn
from app.background.turns import Turns
from app.domain.definitions import TaskDraft, Workflow, WorkflowDraft
from app.domain.engines import EngineProfile
from app.engine.identifiers import new_execution_id
from app.engine.planning.plans import Plans
from app.engine.ports import Step
from app.feed.follower import FeedFollower
from app.feed.reading import FeedReading
from app.feed.service import FeedService
from tests.support.acts import act_of
from tests.support.histories import CREATED, at, note, opening, opening_step
from tests.support.tenant import TENANT_ID
from tests.support.walls import api_url, engine_url

NEVER = 3_600.0


@dataclass
class Feed:
    """The parts that a test asks. `engine_id` owns what it opens, `main` may do everything."""

    main: asyncpg.Connection
    definitions: PostgresDefinitionStore
    engine_pool: Pool
    recording: PostgresRecording
    executions: PostgresExecutionStore
    store: PostgresFeed
    reading: FeedReading
    follower: FeedFollower
    service: FeedService
    engine_id: int

    async def workflow(self, name: str = "w", tenant_id: int = TENANT_ID) -> Workflow:
        draft = WorkflowDraft(name=name, tasks=(TaskDraft("a"),))
        return (await self.definitions.create(act_of(tenant_id), draft)).workflow

    async def open(self, workflow: Workflow) -> UUID:
        """A running execution, at event 2."""
        execution_id = new_execution_id()
        assert await self.record(opening_step(execution_id, workflow)) == {execution_id}
        return execution_id

    async def enqueue(self, workflow: Workflow, tenant_id: int = TENANT_ID) -> UUID:
        execution_id = new_execution_id()
        assert await self.executions.enqueue(tenant_id, execution_id, opening(workflow), (CREATED,))
        return execution_id

    async def grow(self, execution_id: UUID, *numbers: int) -> None:
        assert await self.record(Step(execution_id, [note(number) for number in numbers]))

    async def record(self, *steps: Step) -> set[UUID]:
        return await self.recording.record(self.engine_id, steps)

    async def at_once(self, seconds: float) -> None:
        """Waits for nothing."""

    async def rows(self) -> Sequence[tuple[int | None, int]]:
        found = await self.engine_pool.fetch("SELECT last, events FROM feed ORDER BY id")
        return [(row["last"], row["events"]) for row in found]


@pytest.fixture
async def feed(database_url: str) -> AsyncIterator[Feed]:
    definitions = create_engine(api_url(database_url), pool_size=1)
    async with (
        open_pool(api_url(database_url), size=4, timeout_seconds=20) as api,
        open_pool(engine_url(database_url), size=4, timeout_seconds=20) as engines,
    ):
        store = PostgresFeed(api)
        reading = FeedReading(store, Plans(PostgresDefinitionReader(api), Turns()))
        follower = FeedFollower(store, reading, NEVER)
        main = await asyncpg.connect(driver_dsn(database_url))
        yield Feed(
            main,
            PostgresDefinitionStore(definitions, lambda: at(0)),
            engines,
            PostgresRecording(engines),
            PostgresExecutionStore(api),
            store,
            reading,
            follower,
            FeedService(store, reading, follower),
            await PostgresOwnership(engines, engines).register(EngineProfile("engine"), NEVER),
        )
        await follower.stop()
        await main.close()
    await definitions.dispose()
