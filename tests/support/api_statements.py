"""Every statement that is sent with the login of callers: all methods of all stores that serve them, called once."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from app.adapters.database.audit import PostgresAudit
from app.adapters.database.definitions import PostgresDefinitionStore
from app.adapters.database.executions import PostgresDefinitionReader, PostgresExecutionStore
from app.adapters.database.feed import PostgresFeed
from app.adapters.database.fleet import PostgresFleet
from app.adapters.database.identity import PostgresKeyStore, PostgresTenantStore, PostgresWorkflowKeys
from app.adapters.database.overview import PostgresOverviews
from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.schedules import PostgresScheduleStore
from app.adapters.database.sessions import create_engine
from app.adapters.database.suggestion_runs import PostgresHistories
from app.adapters.database.suggestions import PostgresSuggestionStore
from app.audit.ports import EntryFilter
from app.definitions import edits
from app.definitions.ports import WorkflowFilter
from app.domain.actions import Act
from app.domain.definitions import ExecutionType, TaskDraft, WorkflowDraft
from app.domain.errors import NotFound
from app.domain.events import Event, EventType
from app.domain.payloads import Payload
from app.domain.permissions import Role
from app.domain.refs import Ref
from app.domain.states import ExecutionStatus, TaskStatus
from app.domain.tenants import TenantChange
from app.engine.execution_filter import ExecutionFilter
from app.engine.fleet.ports import TaskFilter
from app.engine.overview.ports import Revision
from app.engine.ports import ControlCommand, Opening
from app.engine.triggering.ports import Storing
from app.feed.entries import Entry
from app.identity.api_keys import Grant, KeyDraft, new_key_text
from app.identity.ports import Ended
from app.insights.ports import Decision, NewSuggestion
from app.insights.sampling import LAST
from app.insights.suggestions import Source, Status, SuggestionFilter
from app.schedules.schedule import Overlap, Schedule, Timing
from tests.support.acts import act_of
from tests.support.machine_statements import MachineStores, MachineThings
from tests.support.session_statements import SessionStatements

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = "w"
FIRST_ID = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Things:
    """What one tenant has: one of each kind.

    tenant_id: the tenant.
    schedule: its schedule.
    execution_id: an execution that is the parent of `child_id`.
    """

    tenant_id: int
    workflow_id: int
    task_id: int
    schedule: Schedule
    execution_id: uuid.UUID
    child_id: uuid.UUID
    key_id: int
    digest: bytes
    suggestion_id: int
    session: bytes
    of_machines: MachineThings


class Stores:
    """The stores with which callers are served, over one login."""

    def __init__(self, pool: Pool, definitions: PostgresDefinitionStore) -> None:
        self.definitions = definitions
        self.executions = PostgresExecutionStore(pool)
        self.reader = PostgresDefinitionReader(pool)
        self.schedules = PostgresScheduleStore(pool)
        self.keys = PostgresKeyStore(pool)
        self.tenants = PostgresTenantStore(pool)
        self.workflow_keys = PostgresWorkflowKeys(pool)
        self.audit = PostgresAudit(pool)
        self.feed = PostgresFeed(pool)
        self.fleet = PostgresFleet(pool)
        self.suggestions = PostgresSuggestionStore(pool)
        self.histories = PostgresHistories(pool)
        self.of_machines = MachineStores(pool)
        self.sessions = SessionStatements(pool)
        self.overviews = PostgresOverviews(pool)

    async def fill(self, tenant_id: int, main: asyncpg.Connection) -> Things:
        """Store one of each kind. `main` stores what only engines do."""
        task = TaskDraft("a", ExecutionType.SYNC, sequence=1, type="workflow", config={"workflow": KEY})
        draft = WorkflowDraft(name="a workflow", key=KEY, tasks=(task,))
        workflow = (await self.definitions.create(act_of(tenant_id), draft)).workflow
        of_workflow = Ref(tenant_id=tenant_id, id=workflow.id)
        await self.definitions.change(
            act_of(tenant_id), of_workflow, lambda current: edits.merged(current, {"name": "changed"})
        )
        schedule = await self.schedules.insert(act_of(tenant_id), _schedule(tenant_id, workflow.id))
        parent, child = uuid.uuid4(), uuid.uuid4()
        for execution_id, key in ((parent, "k"), (child, None)):
            opening = Opening(workflow.id, 2, Payload("{}"), NOW, idempotency_key=key)
            assert await self.executions.enqueue(tenant_id, execution_id, opening, [_created()])
        await main.execute("UPDATE executions SET parent_id = $1, root_id = $1, depth = 1 WHERE id = $2", parent, child)
        text = new_key_text()
        key = await self.keys.insert(act_of(tenant_id), text, KeyDraft("a key", Grant(Role.ADMIN), 3600.0))
        suggestion = await self.suggestions.insert(act_of(tenant_id), _suggestion(workflow.id, "mine"))
        assert suggestion is not None
        others = (suggestion.id, await self.sessions.fill(tenant_id), await self.of_machines.fill(tenant_id))
        ids = (workflow.id, workflow.tasks[0].id)
        return Things(tenant_id, *ids, schedule, parent, child, key.id, text.digest, *others)

    def calls(self, tenant_id: int, of: Things) -> Mapping[str, Callable[[], Awaitable[Any]]]:
        """Calls in a tenant that name the things `of` the same or another tenant. What changes something is last."""
        by_id, by_key = Ref(tenant_id=tenant_id, id=of.workflow_id), Ref(tenant_id=tenant_id, key=KEY)
        schedule, schedule_key = Ref(tenant_id=tenant_id, id=of.schedule.id), Ref(tenant_id=tenant_id, key="s")
        foreign = replace(of.schedule, tenant_id=tenant_id)
        act, d, x, s, k = act_of(tenant_id), self.definitions, self.executions, self.schedules, self.keys
        filters = (
            ExecutionFilter(),
            *(ExecutionFilter(statuses=[status]) for status in ExecutionStatus),
            ExecutionFilter(workflow_id=of.workflow_id),
            ExecutionFilter(created_after=NOW - HOUR, created_before=NOW + HOUR),
            ExecutionFilter(parent_id=of.execution_id),
            ExecutionFilter(root_id=of.execution_id),
            ExecutionFilter(statuses=[ExecutionStatus.PENDING, ExecutionStatus.FAILED, ExecutionStatus.COMPLETED]),
            ExecutionFilter(workflow_ids=[of.workflow_id]),
            ExecutionFilter(workflow_ids=[of.workflow_id], statuses=[ExecutionStatus.PENDING]),
            ExecutionFilter(error_code="timeout"),
            ExecutionFilter(first_id=of.execution_id, last_id=of.execution_id),
            ExecutionFilter(unresolved=True),
        )
        saved = replace(foreign, version=foreign.version + 1)
        command = ControlCommand(0, of.execution_id, "pause")
        opening = Opening(of.workflow_id, 2, Payload("{}"), NOW)
        repeating = replace(opening, origin_id=of.execution_id)
        return {
            "document": lambda: d.document(by_id),
            "current": lambda: d.current(by_id),
            "existing": lambda: d.existing(tenant_id, [by_id]),
            "callers": lambda: d.callers(tenant_id, [by_id]),
            "workflow_of_task": lambda: d.workflow_of_task(tenant_id, of.task_id),
            "list_revisions": lambda: d.list_revisions(by_id, 0, 10),
            "revision_document": lambda: d.revision_document(by_id, 1),
            "execution": lambda: x.get(tenant_id, of.execution_id),
            "of idempotency key": lambda: x.find_by_idempotency_key(tenant_id, of.workflow_id, "k"),
            "history": lambda: _existing_history(x, tenant_id, of.execution_id),
            "events of the feed": lambda: _of_feed(self.feed, tenant_id, of.execution_id),
            "last_event": lambda: x.last_event(tenant_id, of.execution_id),
            **self._of_fleet(tenant_id, of),
            **{f"executions {wanted}": _listing(x, tenant_id, wanted, of) for wanted in filters},
            **self._overviews(tenant_id, of),
            "current revision": lambda: self.reader.current(by_id),
            "revision": lambda: self.reader.revision(tenant_id, of.workflow_id, 1),
            "schedule": lambda: s.get(schedule),
            "workflow of a schedule": lambda: s.workflow_id(by_id),
            "schedules": lambda: _page(s.list_schedules(tenant_id, of.workflow_id, 0, 10)),
            "key": lambda: k.get(tenant_id, of.key_id),
            "limit of a workflow": lambda: self.workflow_keys.of_workflow(by_id),
            "limit of an execution": lambda: self.workflow_keys.of_execution(tenant_id, of.execution_id),
            "limit of a schedule": lambda: self.workflow_keys.of_schedule(schedule),
            "suggestion": lambda: self.suggestions.get(tenant_id, of.suggestion_id),
            "suggestions": lambda: _page(self.suggestions.list(tenant_id, SuggestionFilter(of.workflow_id), 0, 10)),
            "known suggestions": lambda: self.suggestions.known(tenant_id, of.workflow_id, NOW),
            "sampled executions": lambda: self.histories.executions(tenant_id, of.workflow_id, FIRST_ID, LAST, 10),
            "sampled revisions": lambda: self.histories.revisions(tenant_id, of.workflow_id, [1, 2]),
            **self._by_names_of_all_tenants(tenant_id, of, by_key, schedule_key),
            **self.of_machines.reads(tenant_id, of.of_machines),
            "enqueue": lambda: x.enqueue(tenant_id, uuid.uuid4(), opening, [_created()]),
            "store_run": lambda: _stored_run(x, tenant_id, opening),
            "enqueue again": lambda: x.enqueue(tenant_id, uuid.uuid4(), repeating, [_created()]),
            "enqueue audited": lambda: x.enqueue(tenant_id, uuid.uuid4(), repeating, [_created()], act),
            "cancel_descendants audited": lambda: x.cancel_descendants(tenant_id, of.execution_id, "why", act),
            "send_command audited": lambda: x.send_command(tenant_id, command, act),
            "cancel_descendants": lambda: x.cancel_descendants(tenant_id, of.execution_id, "why"),
            "send_command": lambda: x.send_command(tenant_id, command),
            "insert a suggestion": lambda: self.suggestions.insert(act, _suggestion(of.workflow_id, "other")),
            "decide": lambda: _rejected(self.suggestions, act, of.suggestion_id),
            "insert a schedule": lambda: s.insert(act, replace(foreign, key=None)),
            "save": lambda: s.save(foreign),
            "change a schedule": lambda: s.change(act, saved, saved),
            "delete a schedule": lambda: s.delete(act, of.schedule.id),
            "rotate": lambda: k.rotate(act, of.key_id, new_key_text(), 60.0, 60.0),
            "revoke": lambda: k.revoke(act, of.key_id),
            "change": lambda: d.change(act, by_id, lambda current: edits.merged(current, {"name": "again"})),
            **self.of_machines.writes(tenant_id, of.of_machines),
            **self.sessions.writes(tenant_id, of.session),
            "delete": lambda: d.delete(act, by_id),
        }

    def _of_fleet(self, tenant_id: int, of: Things) -> Mapping[str, Callable[[], Awaitable[Any]]]:
        """Lists of tasks, which are executions with the tasks of their revisions."""
        filters = (
            TaskFilter(execution_id=of.execution_id),
            TaskFilter(workflow_id=of.workflow_id),
            TaskFilter(frozenset({TaskStatus.PENDING}), of.workflow_id),
            TaskFilter(frozenset({TaskStatus.PENDING, TaskStatus.FAILED}), of.workflow_id),
        )
        lists = {f"tasks {wanted}": _tasks(self.fleet, tenant_id, wanted, of) for wanted in filters}
        return lists | {"newest": lambda: _newest(self.fleet, tenant_id, of.workflow_id)}

    def _overviews(self, tenant_id: int, of: Things) -> Mapping[str, Callable[[], Awaitable[Any]]]:
        o, ids, revision = self.overviews, [of.execution_id], Revision(of.workflow_id, 1)
        return {
            "view": lambda: o.snapshot(tenant_id, of.execution_id, 10),
            "surroundings": lambda: o.surroundings(tenant_id, ids),
            "advances": lambda: o.advances(tenant_id, ids, [], [], 10),
            "snapshots": lambda: o.snapshots(tenant_id, [revision]),
            "counts of a workflow": lambda: _counted(o, tenant_id, of.workflow_id),
            "ended": lambda: o.ended(tenant_id, of.workflow_id, NOW - HOUR, 10),
            "attempts": lambda: _first(o.attempts(tenant_id, ids, 10)),
        }

    def _by_names_of_all_tenants(
        self, tenant_id: int, of: Things, by_key: Ref, schedule_key: Ref
    ) -> Mapping[str, Callable[[], Awaitable[Any]]]:
        """Keys that both tenants have, and lists of everything: a foreign row is found in what these return."""
        d, k = self.definitions, self.keys
        named, routed = WorkflowFilter(name="changed", key=KEY), WorkflowFilter(routed=True)
        filters = (WorkflowFilter(), WorkflowFilter(name="changed"), named, routed)
        return {
            "* document by key": lambda: d.document(by_key),
            "* current by key": lambda: d.current(by_key),
            "* existing by key": lambda: d.existing(tenant_id, [by_key]),
            "* callers by key": lambda: d.callers(tenant_id, [by_key]),
            "* revisions by key": lambda: d.list_revisions(by_key, 0, 10),
            **{f"* documents {wanted}": _documents(d, tenant_id, wanted) for wanted in filters},
            "* counts": lambda: self.overviews.counts(tenant_id, None, 24),
            "* workflows by a part of the name": lambda: self.overviews.workflows_named(tenant_id, "ANGE", 10),
            "* current revision by key": lambda: self.reader.current(by_key),
            "* schedule by key": lambda: self.schedules.get(schedule_key),
            "* all schedules": lambda: self.schedules.list_schedules(tenant_id, None, 0, 10),
            "* workflow of a schedule by key": lambda: self.schedules.workflow_id(by_key),
            "* limit of a schedule by key": lambda: self.workflow_keys.of_schedule(schedule_key),
            "* sampled workflows": lambda: self.histories.workflows(tenant_id, 0, NOW + HOUR, 10),
            "* all suggestions": lambda: self.suggestions.list(tenant_id, SuggestionFilter(), 0, 10),
            "* audit log": lambda: self.audit.entries(tenant_id, EntryFilter(), None, 10),
            "* head of the audit log": lambda: self.audit.head(tenant_id),
            "* keys": lambda: k.list_keys(tenant_id, 0, 10),
            "* a valid key": lambda: k.has_valid_key(tenant_id, [Role.ADMIN]),
        }

    async def call_open_ones(self, of: Things) -> None:
        """What is not bound to a tenant."""
        assert await self.keys.find(of.digest) is not None
        await self.keys.touch([of.key_id])
        assert await self.keys.ended([of.key_id], [of.tenant_id], 60.0) == Ended(frozenset(), frozenset())
        await self.sessions.call_open_ones(of.session)
        assert await self.tenants.tenant("default") is not None
        await self.tenants.insert_tenant(act_of(of.tenant_id), "third", "Third")
        change = TenantChange({"max_running": 3}, suspended=True)
        assert await self.tenants.change_tenant(act_of(of.tenant_id), "third", change) is not None
        assert (await self.tenants.limits()).there_are_several
        assert (await self.tenants.list_tenants(0, 10))[1] == 3
        assert await self.schedules.now()
        assert (await self.fleet.engines(None, 0, 10))[1] == 0
        assert await self.fleet.engine(1) is None
        assert await self.fleet.free_slots() == (0, 0)
        last = await self.feed.number()
        assert last is not None
        assert (await self.feed.head()).last == last
        # Ids and numbers of all tenants, for the follower.
        assert of.execution_id in [entry.stream_id for entry in await self.feed.entries(0)]


@asynccontextmanager
async def open_stores(url: str, *, pooled: bool = False) -> AsyncIterator[Stores]:
    engine = create_engine(url, 2, pooled=pooled)
    try:
        async with open_pool(url, 2, 60, pooled=pooled) as pool:
            yield Stores(pool, PostgresDefinitionStore(engine, lambda: NOW))
    finally:
        await engine.dispose()


async def outcome(call: Callable[[], Awaitable[Any]]) -> Any:
    """What a call returns; None if it does not find what it names."""
    try:
        return await call()
    except NotFound:
        return None


def _created() -> Event:
    return Event(1, EventType.EXECUTION_CREATED, NOW, ExecutionStatus.PENDING, 0, None, 0, None)


def _suggestion(workflow_id: int, rule: str) -> NewSuggestion:
    return NewSuggestion(workflow_id, None, None, rule, Source.EXTERNAL, "Think again", "", None, {}, None)


async def _rejected(suggestions: PostgresSuggestionStore, act: Act, suggestion_id: int) -> Any:
    async with suggestions.deciding(act, suggestion_id) as undecided:
        return await undecided.decide(Decision(Status.REJECTED, None, None))


def _schedule(tenant_id: int, workflow_id: int) -> Schedule:
    return Schedule(
        id=0,
        version=0,
        tenant_id=tenant_id,
        workflow_id=workflow_id,
        timing=Timing("0 0 * * *", "UTC", None),
        input=Payload("{}"),
        key="s",
        overlap=Overlap.SKIP,
        catch_up_seconds=60.0,
        paused=False,
        created_at=NOW,
        updated_at=NOW,
    )


async def _of_feed(feed: PostgresFeed, tenant_id: int, execution_id: uuid.UUID) -> Any:
    """None if there is none."""
    (found,) = await feed.events(tenant_id, [Entry(1, execution_id, 1, 1, None)])
    return found or None


async def _stored_run(executions: PostgresExecutionStore, tenant_id: int, opening: Opening) -> bool:
    return await executions.store_run(tenant_id, uuid.uuid4(), opening, 30.0) is Storing.STORED


async def _existing_history(executions: PostgresExecutionStore, tenant_id: int, execution_id: uuid.UUID) -> Any:
    page = await executions.read_history(tenant_id, execution_id, 0, 10)
    return page if page.exists or page.events else None


def _listing(
    executions: PostgresExecutionStore, tenant_id: int, wanted: ExecutionFilter, of: Things
) -> Callable[[], Awaitable[Any]]:
    async def call() -> Any:
        found = await executions.list_executions(tenant_id, wanted, None, 10)
        return [one for one in found if one.id in (of.execution_id, of.child_id)]

    return call


def _tasks(fleet: PostgresFleet, tenant_id: int, wanted: TaskFilter, of: Things) -> Callable[[], Awaitable[Any]]:
    async def call() -> Any:
        found = (await fleet.tasks(tenant_id, wanted, NOW - HOUR, 0, 10)).tasks
        return [one for one in found if one.execution_id in (of.execution_id, of.child_id)]

    return call


async def _newest(fleet: PostgresFleet, tenant_id: int, workflow_id: int) -> Any:
    await fleet.work(tenant_id, NOW - HOUR, NOW)
    return await fleet.newest(tenant_id, [workflow_id])


async def _counted(overviews: PostgresOverviews, tenant_id: int, workflow_id: int) -> int:
    counts = await overviews.counts(tenant_id, workflow_id, 24)
    return sum(counts.active.values()) + sum(counts.ended.values())


async def _first(call: Awaitable[tuple[Any, Any]]) -> Any:
    return (await call)[0]


def _documents(
    definitions: PostgresDefinitionStore, tenant_id: int, wanted: WorkflowFilter
) -> Callable[[], Awaitable[Any]]:
    return lambda: definitions.list_documents(tenant_id, wanted, 0, 10)


async def _page(call: Awaitable[tuple[Any, int]]) -> Any:
    found, total = await call
    return found if total else None
