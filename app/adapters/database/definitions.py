"""Definitions in PostgreSQL.

The snapshot of a revision is authoritative: reads return it and edits start from it, so a config is returned byte for
byte as it was sent. The rows of `workflows` and `tasks` repeat its contents for constraints, for lookups and for people
who query the database. Both are written in one transaction, under a lock on the workflow's row.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    SQLColumnExpression,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from app.adapters.database import tenancy
from app.adapters.database.audit import append_to
from app.adapters.database.definition_errors import service_errors
from app.adapters.database.definition_rows import (
    insert_revision,
    insert_tasks,
    insert_workflow,
    refuse_too_many,
    update_workflow,
    write_tasks,
)
from app.adapters.database.sessions import create_sessions
from app.adapters.database.tables import RevisionRow, TaskRow, WorkflowRow
from app.audit.entry import UNMASKED, Entries
from app.definitions.changes import find_change, first_revision, next_revision
from app.definitions.ports import (
    CurrentRevision,
    Edit,
    RevisionSummary,
    StoredDocument,
    StoredWorkflow,
    WorkflowFilter,
    refs_of,
)
from app.domain.actions import Act
from app.domain.calls import CALLED, CALLING_TYPE
from app.domain.definitions import Workflow, WorkflowDraft
from app.domain.documents import workflow_from_document
from app.domain.errors import NotFound, RevisionMismatch
from app.domain.refs import MAX_ID, Ref

MAX_REVISION = 2**31 - 1


class PostgresDefinitionStore:
    """Stores definitions. All methods raise `Unavailable` when the database is unreachable.

    Reads carry their tenant in the statement, writes begin with it.

    engine: the pool of connections.
    now: returns the time to store with a change.
    entries: makes the entries of the audit log.
    """

    def __init__(self, engine: AsyncEngine, now: Callable[[], datetime], entries: Entries = UNMASKED) -> None:
        self._sessions = create_sessions(engine)
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._now = now
        self._entries = entries

    async def create(self, act: Act, draft: WorkflowDraft) -> StoredWorkflow:
        now, tenant_id = self._now(), act.caller.tenant_id
        async with self._writing(tenant_id) as session:
            await refuse_too_many(session, tenant_id)
            workflow_id = await insert_workflow(session, tenant_id, draft, now)
            task_ids = await insert_tasks(session, draft.tasks or (), workflow_id, now)
            stored = StoredWorkflow.of(first_revision(draft, workflow_id, task_ids, now))
            await insert_revision(session, act.caller, stored)
            await self._audit(session, act, workflow_id, after=stored.body)
        return stored

    async def change(self, act: Act, ref: Ref, edit: Edit, expected_revision: int | None = None) -> StoredWorkflow:
        async with self._writing(ref.tenant_id) as session:
            current = await _lock(session, ref, expected_revision)
            wanted, now = edit(current), self._now()
            change = find_change(current, wanted, now)
            if change is None:
                return StoredWorkflow.of(current)
            task_ids = await write_tasks(session, current.id, change, now)
            stored = StoredWorkflow.of(next_revision(current, wanted, change, task_ids, now))
            await update_workflow(session, stored.workflow)
            await insert_revision(session, act.caller, stored)
            await self._audit(session, act, current.id, StoredWorkflow.of(current).body, stored.body)
        return stored

    async def delete(self, act: Act, ref: Ref, expected_revision: int | None = None) -> Workflow:
        async with self._writing(ref.tenant_id) as session:
            current = await _lock(session, ref, expected_revision)
            await session.execute(delete(WorkflowRow).where(WorkflowRow.id == current.id))
            await self._audit(session, act, current.id, before=StoredWorkflow.of(current).body)
        return current

    async def document(self, ref: Ref) -> StoredDocument | None:
        statement = _DOCUMENT_BY_KEY if ref.id is None else _DOCUMENT_BY_ID
        async with self._reading() as connection:
            row = (await connection.execute(statement, _parameters(ref))).one_or_none()
        return None if row is None else StoredDocument(row.id, row.key, row.revision, row.snapshot.encode())

    async def current(self, ref: Ref) -> CurrentRevision | None:
        statement = _CURRENT_BY_KEY if ref.id is None else _CURRENT_BY_ID
        async with self._reading() as connection:
            row = (await connection.execute(statement, _parameters(ref))).one_or_none()
        return None if row is None else CurrentRevision(*row)

    async def existing(self, tenant_id: int, refs: Collection[Ref]) -> frozenset[Ref]:
        is_one = or_(WorkflowRow.id.in_(_ids(refs)), WorkflowRow.key.in_(_keys(refs)))
        async with self._reading() as connection:
            rows = (await connection.execute(_NAMES.where(is_one), {"tenant": tenant_id})).all()
        found = frozenset[Ref]().union(*(refs_of(tenant_id, row.id, row.key) for row in rows))
        return found.intersection(refs)

    async def callers(self, tenant_id: int, refs: Collection[Ref]) -> Sequence[CurrentRevision]:
        async with self._reading() as connection:
            rows = (await connection.execute(_callers_of(refs), {"tenant": tenant_id})).all()
        return [CurrentRevision(*row) for row in rows]

    async def list_documents(
        self, tenant_id: int, wanted: WorkflowFilter, skip: int, limit: int
    ) -> tuple[Sequence[bytes], int]:
        count, page = _listing(wanted)
        places = {"tenant": tenant_id, "skip": skip, "limit": limit}
        async with self._reading() as connection:
            total = (await connection.execute(count, {"tenant": tenant_id})).scalar_one()
            snapshots = (await connection.execute(page, places)).scalars().all()
        return [snapshot.encode() for snapshot in snapshots], total

    async def workflow_of_task(self, tenant_id: int, task_id: int) -> int:
        if 0 < task_id <= MAX_ID:
            async with self._reading() as connection:
                found = await connection.scalar(_OF_TASK, {"tenant": tenant_id, "task": task_id})
            if found is not None:
                return found
        raise NotFound("task", task_id)

    async def list_revisions(self, ref: Ref, skip: int, limit: int) -> tuple[Sequence[RevisionSummary], int]:
        async with self._reading() as connection:
            workflow_id = await _id_of(connection, ref)
            of_workflow, tenant = RevisionRow.workflow_id == workflow_id, {"tenant": ref.tenant_id}
            total = (await connection.execute(_COUNT_REVISIONS.where(of_workflow), tenant)).scalar_one()
            if total == 0:
                raise NotFound("workflow", ref)
            newest_first = _SUMMARY.where(of_workflow).order_by(RevisionRow.revision.desc())
            rows = (await connection.execute(newest_first.offset(skip).limit(limit), tenant)).all()
        return [RevisionSummary(*row) for row in rows], total

    async def revision_document(self, ref: Ref, revision: int) -> bytes:
        if not 0 < revision <= MAX_REVISION:
            raise NotFound("revision", revision)
        async with self._reading() as connection:
            workflow_id = await _id_of(connection, ref)
            snapshot = await _snapshot(connection, ref.tenant_id, workflow_id, revision)
        if snapshot is None:
            raise NotFound("revision", revision)
        return snapshot.encode()

    async def _audit(
        self, session: AsyncSession, act: Act, workflow_id: int, before: bytes | None = None, after: bytes | None = None
    ) -> None:
        """Audit a change at the end of its transaction: until the commit, other changes of the tenant wait."""
        entry = self._entries.of(act.caller, act.action, f"workflow:{workflow_id}", before, after)
        await append_to(session, entry)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement commits by itself: one round trip, where a transaction takes three."""
        with service_errors():
            async with self._reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def _writing(self, tenant_id: int) -> AsyncIterator[AsyncSession]:
        """A session with one transaction in the tenant, which is committed at the end."""
        with service_errors():
            async with self._sessions.begin() as session:
                await tenancy.enter(session, tenant_id)
                yield session


_SUMMARY = select(
    RevisionRow.workflow_id,
    RevisionRow.revision,
    func.json_extract_path_text(RevisionRow.snapshot, "name"),
    func.json_array_length(func.json_extract_path(RevisionRow.snapshot, "tasks")),
    RevisionRow.created_at,
    RevisionRow.requested_by,
).where(tenancy.of_tenant(RevisionRow.tenant_id))
_COUNT_REVISIONS = select(func.count()).select_from(RevisionRow).where(tenancy.of_tenant(RevisionRow.tenant_id))


def _named(ref: Ref) -> ColumnElement[bool]:
    return WorkflowRow.key == ref.key if ref.id is None else WorkflowRow.id == ref.id


def _is_revision(workflow_id: SQLColumnExpression[int], revision: SQLColumnExpression[int]) -> ColumnElement[bool]:
    return and_(RevisionRow.workflow_id == workflow_id, RevisionRow.revision == revision)


@lru_cache(maxsize=64)
def _listing(wanted: WorkflowFilter) -> tuple[Select[int], Select[str]]:
    """The statements that count the matches and select a page of them. Cached: building them takes as long as a run."""
    matching = _matching(wanted)
    ids = select(WorkflowRow.id, WorkflowRow.revision).where(matching).order_by(WorkflowRow.id)
    page = ids.offset(bindparam("skip", type_=BigInteger)).limit(bindparam("limit", type_=BigInteger)).subquery()
    snapshots = select(RevisionRow.snapshot).join(page, _is_revision(page.c.id, page.c.revision)).order_by(page.c.id)
    # Also in the outermost WHERE: a plan may read revisions before it reads the page.
    snapshots = snapshots.where(tenancy.of_tenant(RevisionRow.tenant_id))
    return select(func.count()).select_from(WorkflowRow).where(matching), snapshots


def _matching(wanted: WorkflowFilter) -> ColumnElement[bool]:
    matching = tenancy.of_tenant(WorkflowRow.tenant_id)
    if wanted.name is not None:
        matching &= WorkflowRow.name.icontains(wanted.name, autoescape=True)
    if wanted.key is not None:
        matching &= WorkflowRow.key == wanted.key
    if wanted.routed:
        matching &= WorkflowRow.start_task.is_not(None)
    return matching


def _callers_of(refs: Collection[Ref]) -> Select[int, str | None, int]:
    """An id may be written with zeros before it. The type is compared first, so few configs are parsed."""
    called = TaskRow.config[CALLED].as_string()
    names_one = or_(called.in_(_keys(refs)), func.ltrim(called, "0").in_([str(one) for one in _ids(refs)]))
    calling = select(TaskRow.workflow_id).where(case((TaskRow.type == CALLING_TYPE, names_one), else_=False))
    return _CURRENT.where(WorkflowRow.id.in_(calling)).order_by(WorkflowRow.id)


def _ids(refs: Collection[Ref]) -> list[int]:
    return [ref.id for ref in refs if ref.id is not None]


def _keys(refs: Collection[Ref]) -> list[str]:
    return [ref.key for ref in refs if ref.key is not None]


async def _id_of(connection: AsyncConnection, ref: Ref) -> int:
    """Return an id without checking it, because revisions remain when their workflow is deleted; look up a key."""
    if ref.id is not None:
        return ref.id
    found: int | None = await connection.scalar(_NAMES.where(WorkflowRow.key == ref.key), {"tenant": ref.tenant_id})
    if found is None:
        raise NotFound("workflow", ref)
    return found


async def _lock(session: AsyncSession, ref: Ref, expected_revision: int | None) -> Workflow:
    """Lock the workflow and return its current revision. No other transaction can create the next one meanwhile.

    The snapshot is read by a second statement. A statement that waits for a lock continues with the newest version of
    the locked row, but sees all other rows as they were before the wait: a join would not find a snapshot that the
    previous holder of the lock has just stored.
    """
    in_tenant = tenancy.of_tenant(WorkflowRow.tenant_id)
    statement = select(WorkflowRow.id, WorkflowRow.revision).where(_named(ref), in_tenant).with_for_update()
    row = (await session.execute(statement, {"tenant": ref.tenant_id})).one_or_none()
    if row is None:
        raise NotFound("workflow", ref)
    if expected_revision not in (None, row.revision):
        raise RevisionMismatch(ref, row.revision)
    snapshot = await _snapshot(session, ref.tenant_id, row.id, row.revision)
    if snapshot is None:
        raise LookupError(f"workflow {row.id} has no snapshot of revision {row.revision}")
    return workflow_from_document(orjson.loads(snapshot))


async def _snapshot(
    session: AsyncSession | AsyncConnection, tenant_id: int, workflow_id: int, revision: int
) -> str | None:
    values = {"tenant": tenant_id, "workflow": workflow_id, "revision": revision}
    return await session.scalar(_SNAPSHOT, values)


def _parameters(ref: Ref) -> dict[str, int | str | None]:
    return {"tenant": ref.tenant_id, "ref": ref.key if ref.id is None else ref.id}


_NAMES = select(WorkflowRow.id, WorkflowRow.key).where(tenancy.of_tenant(WorkflowRow.tenant_id))
_OF_TASK = (
    select(TaskRow.workflow_id)
    .join(WorkflowRow, WorkflowRow.id == TaskRow.workflow_id)
    .where(TaskRow.id == bindparam("task"), tenancy.of_tenant(WorkflowRow.tenant_id))
)
_SNAPSHOT = select(RevisionRow.snapshot).where(
    _is_revision(bindparam("workflow", type_=BigInteger), bindparam("revision", type_=Integer)),
    tenancy.of_tenant(RevisionRow.tenant_id),
)
_CURRENT = select(WorkflowRow.id, WorkflowRow.key, WorkflowRow.revision).where(tenancy.of_tenant(WorkflowRow.tenant_id))
_CURRENT_BY_ID = _CURRENT.where(WorkflowRow.id == bindparam("ref"))
_CURRENT_BY_KEY = _CURRENT.where(WorkflowRow.key == bindparam("ref"))
_DOCUMENT = _CURRENT.add_columns(RevisionRow.snapshot).join(
    RevisionRow, _is_revision(WorkflowRow.id, WorkflowRow.revision)
)
_DOCUMENT_BY_ID = _DOCUMENT.where(WorkflowRow.id == bindparam("ref"))
_DOCUMENT_BY_KEY = _DOCUMENT.where(WorkflowRow.key == bindparam("ref"))
