"""Schedules on a database in memory, beside an engine that runs what they start."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.background.wake_up import WakeUp
from app.domain.definitions import Workflow
from app.domain.executions import Execution
from app.schedules.firing import HOLD_SECONDS, Scheduler
from app.schedules.schedule import Schedule, ScheduleDraft, Timing
from app.schedules.service import ScheduleService
from app.wiring.schedules import ScheduledExecutions
from tests.support.memory.schedules import MemoryScheduleStore
from tests.support.memory_house import House, Process
from tests.support.requests import ref_of
from tests.support.stories import sync
from tests.support.tenant import CALLER


@dataclass
class ScheduleHouse:
    """`workflow` has one task, `a`, that waits for the test. The clock stands at noon, 2026-01-02."""

    house: House
    process: Process
    store: MemoryScheduleStore
    service: ScheduleService
    workflow: Workflow

    def scheduler(self, poll_seconds: float = 0.5) -> Scheduler:
        executions = ScheduledExecutions(self.process.executions, self.process.controls)
        return Scheduler(self.store, executions, WakeUp(), poll_seconds)

    async def create(self, cron: str | None = "*/10 * * * *", at: datetime | None = None, **fields: Any) -> Schedule:
        timing = Timing(None if at is not None else cron, at=at)
        return await self.service.create(CALLER, ScheduleDraft(ref_of(self.workflow), timing, **fields))

    async def fire(self, *, after_minutes: float = 0) -> Schedule:
        """Look once, a while later; the first schedule as it stands then."""
        self.house.clock.advance(after_minutes * 60)
        await self.scheduler().fire_due()
        return await self.service.get(CALLER, ref_of(1))

    async def after_a_crash(self) -> Schedule:
        """Look again when what a dead process held is free."""
        return await self.fire(after_minutes=(HOLD_SECONDS + 1) / 60)

    @property
    def executions(self) -> list[Execution]:
        return [row.execution for row in self.house.database.executions.values()]

    @property
    def fired(self) -> list[str]:
        """The times of day that have started executions, from their idempotency keys."""
        return [str(execution.idempotency_key)[-16:-8] for execution in self.executions]

    async def end(self, number: int) -> None:
        """Let the only task of the execution with this number, from 0, succeed."""
        execution_id = self.executions[number].id
        while not (own := [p for p in self.house.stage.performances if p.attempt.execution_id == execution_id]):
            await asyncio.sleep(0)
        own[-1].succeed()
        await self.process.until(execution_id)


@asynccontextmanager
async def schedule_house() -> AsyncIterator[ScheduleHouse]:
    house = House()
    async with house.process() as process:
        store = MemoryScheduleStore(house.database)
        workflow = await house.define(sync("a", type="staged"))
        yield ScheduleHouse(house, process, store, ScheduleService(store, _nobody_hears), workflow)


async def _nobody_hears() -> None:
    pass
