"""Workflows that call others, and what is stored of the families that they make."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from app.domain.definitions import Task, Workflow
from app.domain.states import ExecutionStatus
from tests.support.memory_house import House
from tests.support.stories import parallel, sync

PATIENCE_SECONDS = 20.0


def staged(name: str, sequence: int = 0, **options: Any) -> Task:
    return sync(name, sequence, type="staged", **options)


def calling(workflow: Workflow, name: str = "call", **options: Any) -> Task:
    config = {"workflow": str(workflow.id), "input": options.pop("input", {})}
    return parallel(name, options.pop("sequence", 0), type="workflow", config=config, **options)


def for_each(workflow: Workflow, **options: Any) -> Task:
    return calling(workflow, "all", for_each="input.list", input={"n": "${item}"}, **options)


def children_of(house: House, parent_id: UUID) -> list[UUID]:
    return house.database.children_of(parent_id)


def status(house: House, execution_id: UUID) -> ExecutionStatus:
    return house.database.executions[execution_id].execution.status


def running(house: House) -> list[UUID]:
    return [row.execution.id for row in house.database.executions.values() if row.is_open]


async def until(condition: Callable[[], object]) -> None:
    """Let all others run until the condition holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0)
