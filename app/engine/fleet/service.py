"""Everything that the APIs may ask of engines, and of the tasks of many executions at once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from app.domain.callers import EVERYONE, Caller
from app.domain.engines import NO_WORK, EngineLoad, EngineStatus, ShownEngine
from app.domain.errors import NotFound
from app.domain.permissions import Scope
from app.engine.fleet.ports import (
    ATTEMPTS,
    MOST_TASKS,
    WINDOW,
    EngineReader,
    ListedTask,
    NewestExecution,
    TaskFilter,
    TaskLists,
    TaskPage,
)
from app.engine.ports import Clock


class FleetService:
    """Shows engines, which all tenants share, and tasks of executions of the caller's tenant.

    What an engine has done is that of the caller's tenant. Where engines run, and how busy they are, is for those who
    manage tenants, and for everyone while authentication is off. All methods raise `Unavailable` when the database does
    not respond.
    """

    def __init__(self, engines: EngineReader, lists: TaskLists, clock: Clock) -> None:
        self._engines = engines
        self._lists = lists
        self._clock = clock

    async def engines(
        self, caller: Caller, status: EngineStatus | None, skip: int, limit: int
    ) -> tuple[Sequence[ShownEngine], int]:
        """Those with a lease first, the newest first, and the number of all."""
        found, total = await self._engines.engines(status, skip, limit)
        return await self._shown(caller, found), total

    async def engine(self, caller: Caller, engine_id: int) -> ShownEngine:
        """Raise `NotFound` for an engine that there is not, or whose lease has ended long ago."""
        found = await self._engines.engine(engine_id)
        if found is None:
            raise NotFound("engine", engine_id)
        (shown,) = await self._shown(caller, [found])
        return shown

    async def free_slots(self) -> tuple[int, int]:
        """How many engines take executions, and how many more they could run."""
        return await self._engines.free_slots()

    async def tasks(self, caller: Caller, wanted: TaskFilter, skip: int, limit: int) -> TaskPage:
        """Of the newest execution first, each in the order of its plan."""
        return await self._lists.tasks(caller.tenant_id, wanted, self._clock.now() - WINDOW, skip, limit)

    async def tasks_of(self, caller: Caller, execution_id: UUID) -> Sequence[ListedTask]:
        """All tasks of one execution; none if the tenant has no such execution."""
        wanted = TaskFilter(execution_id=execution_id)
        return (await self.tasks(caller, wanted, 0, MOST_TASKS)).tasks

    async def newest(self, caller: Caller, workflow_ids: Sequence[int]) -> Mapping[int, NewestExecution]:
        """The newest execution of each of the workflows that has any."""
        found = await self._lists.newest(caller.tenant_id, workflow_ids)
        return {one.workflow_id: one for one in found}

    async def _shown(self, caller: Caller, engines: Sequence[ShownEngine]) -> Sequence[ShownEngine]:
        now = self._clock.now()
        work = await self._engines.work(caller.tenant_id, now - WINDOW, now - ATTEMPTS)
        own = [replace(engine, work=work.get(engine.id, NO_WORK)) for engine in engines]
        sees_all = Scope.TENANTS_MANAGE in caller.scopes or caller.principal == EVERYONE
        return own if sees_all else [_of_tenant(engine) for engine in own]


def _of_tenant(engine: ShownEngine) -> ShownEngine:
    """Without what describes the machines, and what other tenants do."""
    profile = replace(engine.profile, host=None, pid=None, functions=(), capacity=0)
    return replace(engine, profile=profile, load=EngineLoad(draining=engine.load.draining), is_whole=False)
