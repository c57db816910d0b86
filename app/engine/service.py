"""Starts, finds and follows executions, in a process with or without an engine."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from app.domain.callers import Caller
from app.domain.errors import Invalid, NotFound
from app.domain.events import Event
from app.domain.executions import Execution, TaskExecution
from app.domain.refs import Ref
from app.engine.execution_filter import ExecutionFilter
from app.engine.local_engine import LocalEngine
from app.engine.planning.plan import Plan
from app.engine.planning.plans import Plans
from app.engine.ports import ExecutionStore, NoStartQuota, StartQuota
from app.engine.reading import read_execution, read_plan, read_whole_history
from app.engine.starting import Started, Starter, StartRequest
from app.engine.task_view import task_executions
from app.engine.watching.batch import Batch
from app.engine.watching.ends import Ends
from app.engine.watching.updates import Update
from app.engine.watching.watcher import Watcher
from app.engine.watching.watchers import Hub, follow


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """A page of a list.

    - executions: the newest first
    - next_cursor: the next page has the ids below it; None on the last page
    """

    executions: Sequence[Execution]
    next_cursor: UUID | None


@dataclass(frozen=True, slots=True)
class UpdatePage:
    """A part of a history.

    - updates: consecutive updates
    - ended: True when the execution has ended and no update follows
    """

    updates: Sequence[Update]
    ended: bool


class ExecutionService:
    """Starts, finds and follows executions of the caller's tenant.

    All methods raise `NotFound` for an id that the tenant has not, `Invalid` for a value that breaks a rule, `TooLarge`
    for a value over a limit, and `Unavailable` when the database is unreachable.
    """

    def __init__(
        self,
        starter: Starter,
        engine: LocalEngine,
        store: ExecutionStore,
        plans: Plans,
        hub: Hub,
        poll_seconds: float = 0.5,
        quota: StartQuota | None = None,
    ) -> None:
        self._starter = starter
        self._engine = engine
        self._store = store
        self._plans = plans
        self._hub = hub
        self._poll_seconds = poll_seconds
        self._quota = quota or NoStartQuota()
        self._ends = Ends(hub, partial(read_execution, store), poll_seconds)

    async def start(self, caller: Caller, request: StartRequest) -> Started:
        """Store a new execution, or find the one that was started with the same idempotency key.

        Raise `StartsExceeded` when the callers of the tenant have started too many.
        """
        self._quota.spend(caller.tenant_id)
        return await self.start_internally(request, caller.recorded)

    async def start_internally(self, request: StartRequest, started_by: str | None) -> Started:
        """As `start`, for the service itself: no caller asks for it."""
        return await self._starter.start(request, self._starter.new_id(), started_by)

    async def execute(self, caller: Caller, request: StartRequest) -> tuple[Started, AsyncGenerator[Sequence[Update]]]:
        """As `start`, and follow it from the first event on, without a read of the database if it runs here.

        Consume the stream at once: updates are buffered from now on.
        """
        self._quota.spend(caller.tenant_id)
        execution_id = self._starter.new_id()
        watcher = self._hub.add(execution_id)
        try:
            started = await self._starter.start(request, execution_id, caller.recorded)
        except BaseException:
            self._hub.remove(execution_id, watcher)
            raise
        execution = started.execution
        if execution.id == execution_id:
            watcher.must_read = not watcher.holds_from(1)
            return started, self._follow(execution, 0, watcher)
        self._hub.remove(execution_id, watcher)
        return started, self._follow(execution, 0)

    async def get(self, caller: Caller, execution_id: UUID) -> Execution:
        return await read_execution(self._store, caller.tenant_id, execution_id)

    async def list_executions(
        self, caller: Caller, wanted: ExecutionFilter, before: UUID | None, limit: int
    ) -> ExecutionPage:
        """Newest first, starting below `before`."""
        found = await self._store.list_executions(caller.tenant_id, wanted, before, limit + 1)
        page = found[:limit]
        return ExecutionPage(page, page[-1].id if len(found) > limit else None)

    async def workflow_id(self, caller: Caller, ref: Ref) -> int:
        """The id that a ref stands for. An id is not checked, because executions remain when a workflow is deleted."""
        if ref.id is not None:
            return ref.id
        if (current := await self._plans.current(ref)) is not None:
            return current[0]
        raise NotFound("workflow", ref)

    async def last_update(self, caller: Caller, execution: Execution) -> Update | None:
        event = await self._store.last_event(caller.tenant_id, execution.id)
        return None if event is None else _show(execution, await read_plan(self._plans, execution), (event,))[0]

    async def updates(self, caller: Caller, execution_id: UUID, after: int, limit: int) -> UpdatePage:
        """A page of the stored history after number `after`."""
        execution = await self.get(caller, execution_id)
        plan = await read_plan(self._plans, execution)
        page = await self._store.read_history(execution.tenant_id, execution.id, after, limit)
        return UpdatePage(_show(execution, plan, page.events), page.ended)

    async def tasks(self, caller: Caller, execution_id: UUID) -> Sequence[TaskExecution]:
        """The state of each task of the revision, in the order in which they run."""
        execution = await self.get(caller, execution_id)
        plan = await read_plan(self._plans, execution)
        return await task_executions(plan, await read_whole_history(self._store, execution))

    async def wait(self, caller: Caller, execution_id: UUID, seconds: float) -> Execution:
        """Wait until the execution has ended, at most `seconds`; return its state then."""
        ended = await self._ends.wait(caller.tenant_id, execution_id, seconds)
        return ended or await self.get(caller, execution_id)

    async def watch(self, caller: Caller, execution_id: UUID, after: int) -> AsyncGenerator[Sequence[Update]]:
        """Replay the history after number `after`, then follow the execution until it has ended.

        When it runs in this process, only events that the caller has missed are read from the database.
        """
        if after < 0:
            raise Invalid.at("after_sequence", "must be 0 or more")
        held = self._engine.held(execution_id)
        if held is None or held[0].tenant_id != caller.tenant_id:
            return self._follow(await self.get(caller, execution_id), after)
        execution, committed = held
        watcher = self._hub.add(execution.id, after if after >= committed else None)
        return self._follow(execution, after, watcher)

    async def _follow(
        self, execution: Execution, after: int, watcher: Watcher | None = None
    ) -> AsyncGenerator[Sequence[Update]]:
        watcher = watcher or self._hub.add(execution.id)
        try:
            show = partial(_updates, execution, await read_plan(self._plans, execution))
            history = partial(self._store.read_history, execution.tenant_id, execution.id)
            batches = follow(self._hub, watcher, history, execution.id, after, self._poll_seconds)
            async with aclosing(batches):
                async for batch in batches:
                    yield batch.updates(show)
        finally:
            self._hub.remove(execution.id, watcher)


def _updates(execution: Execution, plan: Plan, batch: Batch) -> Sequence[Update]:
    return _show(execution, plan, batch.events, is_shared=batch.is_shared)


def _show(execution: Execution, plan: Plan, events: Sequence[Event], *, is_shared: bool = False) -> Sequence[Update]:
    execution_id, workflow_id, task_name = execution.id, execution.workflow_id, plan.task_name
    return [Update(execution_id, workflow_id, event, task_name(event.task_id), is_shared) for event in events]
