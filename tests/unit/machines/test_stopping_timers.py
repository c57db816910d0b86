"""Engines that stop while timers of entities are due."""

import asyncio
import gc
import warnings
from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from app.machines.entity import Due, Entity
from app.machines.ports import EndedRun, Outlook
from app.machines.timers import EntityTimerLoop
from app.machines.writing import EntityWriter
from tests.support.machines import NOON

OPEN = Entity(
    id=UUID(int=1),
    tenant_id=1,
    machine_id=1,
    revision=1,
    table="t",
    key="1",
    state="open",
    sequence=1,
    is_final=False,
    data={},
    entered_at=NOON,
    created_at=NOON,
    updated_at=NOON,
    due=Due(NOON, "closed", None),
)


class StoppedMeanwhile:
    """Cancels the one who asks what is due, and what has ended, before anything of it can begin."""

    async def sweep(self, limit: int) -> None:
        return None

    async def outlook(self) -> Outlook:
        return Outlook(0.0, has_ended=True)

    async def due(self, limit: int) -> Sequence[Entity]:
        return [OPEN]

    async def ended(self, limit: int) -> Sequence[EndedRun]:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        return [EndedRun(UUID(int=2), OPEN.id, 1, "close")]


async def test_what_was_not_begun_is_no_warning() -> None:
    loop = EntityTimerLoop(cast(Any, StoppedMeanwhile()), cast(EntityWriter, None))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        firing = asyncio.create_task(loop.fire_due())
        await asyncio.wait([firing])
        assert firing.cancelled()
        gc.collect()
    assert [str(one.message) for one in found] == []
