"""Everything that dashboards may ask of executions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from app.domain.callers import Caller
from app.domain.errors import Invalid, NotFound
from app.domain.executions import Execution
from app.engine.execution_filter import ExecutionFilter
from app.engine.overview.listing import NOT_KNOWN, ListedExecution, ListedPage, listed, revision_of, uncounted
from app.engine.overview.outlines import Outlines
from app.engine.overview.ports import Counts, OverviewStore, Revision, TaskAttempts
from app.engine.overview.statistics import Statistics, TaskStatistics, ended_statistics
from app.engine.overview.task import CUT
from app.engine.overview.view import View, view_of
from app.engine.ports import Clock, ExecutionStore

MOST_EVENTS_OF_A_PAGE = 50_000
MOST_EVENTS_OF_STATISTICS = 100_000
MOST_WORKFLOWS_NAMED = 200
HOURS_COUNTED = 24


class OverviewService:
    """Reads for pages that people look at, in the caller's tenant.

    All methods raise `NotFound` for an id that the tenant has not, and `Unavailable` when the database is unreachable.
    """

    def __init__(self, store: OverviewStore, executions: ExecutionStore, clock: Clock) -> None:
        self._store = store
        self._executions = executions
        self._clock = clock
        self._outlines = Outlines(store)

    async def list_executions(
        self, caller: Caller, wanted: ExecutionFilter, workflow_name: str | None, before: UUID | None, limit: int
    ) -> ListedPage:
        """Newest first, starting below `before`; of workflows whose name contains `workflow_name`.

        Raise `Invalid` if too many workflows are named so.
        """
        tenant_id = caller.tenant_id
        if workflow_name is not None:
            wanted = replace(wanted, workflow_ids=await self._named(tenant_id, workflow_name))
        found = await self._executions.list_executions(tenant_id, wanted, before, limit + 1)
        page = found[:limit]
        cursor = page[-1].id if len(found) > limit else None
        return ListedPage(await self._listed(tenant_id, page) if page else (), cursor)

    async def _named(self, tenant_id: int, part: str) -> Sequence[int]:
        found = await self._store.workflows_named(tenant_id, part, MOST_WORKFLOWS_NAMED + 1)
        if len(found) > MOST_WORKFLOWS_NAMED:
            raise Invalid.at("workflow_name", f"is in the names of more than {MOST_WORKFLOWS_NAMED} workflows")
        return found

    async def _listed(self, tenant_id: int, page: Sequence[Execution]) -> Sequence[ListedExecution]:
        ids = [execution.id for execution in page]
        outlines = await self._outlines.get(tenant_id, {revision_of(execution) for execution in page})
        around = await self._store.surroundings(tenant_id, ids)
        advances = await self._store.advances(tenant_id, ids, *uncounted(outlines), MOST_EVENTS_OF_A_PAGE)
        return [
            listed(one, outlines[revision_of(one)], around.get(one.id), advances.get(one.id, NOT_KNOWN)) for one in page
        ]

    async def view(self, caller: Caller, execution_id: UUID) -> View:
        snapshot = await self._store.snapshot(caller.tenant_id, execution_id, CUT + 1)
        if snapshot is None:
            raise NotFound("execution", execution_id)
        revision = revision_of(snapshot.execution)
        outlines = await self._outlines.get(caller.tenant_id, {revision})
        return await view_of(snapshot, outlines[revision])

    async def counts(self, caller: Caller, workflow_id: int | None) -> Counts:
        return await self._store.counts(caller.tenant_id, workflow_id, HOURS_COUNTED)

    async def statistics(self, caller: Caller, workflow_id: int, limit: int, days: int) -> Statistics:
        """Of the newest `limit` executions that were created in the last `days` and have ended."""
        after = self._clock.now() - timedelta(days=days)
        ended = await self._store.ended(caller.tenant_id, workflow_id, after, limit)
        ids = [one.id for one in ended]
        of_tasks, attempts = await self._store.attempts(caller.tenant_id, ids, MOST_EVENTS_OF_STATISTICS)
        revisions = {Revision(workflow_id, one.revision) for one in ended}
        names = await self._names(caller.tenant_id, revisions, {one.task_id for one in attempts})
        return Statistics(ended_statistics(ended), of_tasks, [_named(one, names) for one in attempts])

    async def _names(
        self, tenant_id: int, revisions: Collection[Revision], wanted: Collection[int]
    ) -> Mapping[int, str]:
        """The names of tasks in the newest of the revisions that has them."""
        names: dict[int, str] = {}
        for revision in sorted(revisions, reverse=True):
            if set(wanted) <= names.keys():
                break
            outline = (await self._outlines.get(tenant_id, {revision}))[revision]
            names = {task.id: task.name for task in outline.tasks.values()} | names
        return names


def _named(attempts: TaskAttempts, names: Mapping[int, str]) -> TaskStatistics:
    return TaskStatistics(names.get(attempts.task_id), attempts)
