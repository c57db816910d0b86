"""The measured workflows. Their tasks do nothing, so only the overhead of the engine is measured."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.migrations import migrate
from app.adapters.database.sessions import create_engine
from app.adapters.database.walls.providing import provide_walls
from app.adapters.embedded.logins import ROUNDS, password_of
from app.domain.actions import Act, Action
from app.domain.callers import ANONYMOUS
from app.domain.definitions import ExecutionType, TaskDraft, WorkflowDraft

WAITS_IN_PYTHON = "waits-in-python"
WAITS_FOR_SIGNAL = "waits-for-signal"
ABOUT_2_KB = "about-2-kb"
TASK_RUNS = {"seq3": 3, "fan10": 12, "seq100": 100}


async def prepare_database(url: str) -> None:
    """Create the tables in the database at `url`, with walls, and store all workflows, with their names as keys."""
    await migrate(url)
    await provide_walls(url, partial(password_of, url), ROUNDS)
    engine = create_engine(url, 1)
    try:
        store = PostgresDefinitionStore(engine, lambda: datetime.now(UTC))
        for draft in drafts():
            await store.create(Act(ANONYMOUS, Action.WORKFLOW_CREATE), draft)
    finally:
        await engine.dispose()


def drafts() -> Sequence[WorkflowDraft]:
    waits = {"function": "bench.waits", "arguments": {}}
    return (
        _workflow("seq3", _in_a_row(3)),
        _workflow("fan10", [_sync("first", 1), *(_async(f"middle {n}", 2) for n in range(10)), _sync("last", 3)]),
        _workflow("seq100", _in_a_row(100)),
        _workflow(WAITS_IN_PYTHON, [_sync("waits", 1, type="python", config=waits)]),
        _workflow(WAITS_FOR_SIGNAL, [_sync("waits", 1, type="signal", config={"name": "go"})]),
        _workflow(ABOUT_2_KB, _tasks_of_a_document()),
    )


def _workflow(key: str, tasks: Sequence[TaskDraft]) -> WorkflowDraft:
    return WorkflowDraft(name=key, key=key, tasks=tuple(tasks))


def _in_a_row(count: int) -> list[TaskDraft]:
    return [_sync(f"task {number}", number) for number in range(1, count + 1)]


def _tasks_of_a_document() -> list[TaskDraft]:
    config = {"method": "POST", "url": "https://orders.example/api/reports", "headers": {"accept": "application/json"}}
    names = ("fetch orders", "fetch prices", "reconcile totals", "publish report")
    return [_sync(name, number, type="http", config=config) for number, name in enumerate(names, 1)]


def _sync(name: str, sequence: int, **more: Any) -> TaskDraft:
    return TaskDraft(name, ExecutionType.SYNC, sequence=sequence, **more)


def _async(name: str, sequence: int) -> TaskDraft:
    return TaskDraft(name, ExecutionType.ASYNC, sequence=sequence)
