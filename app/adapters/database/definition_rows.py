"""Writes the rows of a definition: workflow, tasks and revision."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.adapters.database.tables import Base, RevisionRow, TaskRow, WorkflowRow
from app.definitions.changes import Change, draft_fields, workflow_values
from app.definitions.ports import StoredWorkflow
from app.domain.callers import Caller
from app.domain.definitions import TaskDraft, Workflow, WorkflowDraft
from app.domain.documents import retry_document
from app.domain.errors import QuotaExceeded

# The statements use the tables, not the mapped classes: the ORM would make an object of each row, which is not needed
# and takes as long as the statement itself.
_WORKFLOWS, _TASKS, _REVISIONS = (
    Base.metadata.tables[row.__tablename__] for row in (WorkflowRow, TaskRow, RevisionRow)
)
_INSERT_WORKFLOW = insert(_WORKFLOWS).returning(_WORKFLOWS.c.id)
_INSERT_TASKS = insert(_TASKS).returning(_TASKS.c.id, sort_by_parameter_order=True)
_INSERT_REVISION = insert(_REVISIONS)
_MAX_DEFINITIONS = text("SELECT max_definitions FROM tenants WHERE id = :tenant")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('workflows of a tenant'), :tenant)")
_COUNT_WORKFLOWS = text("SELECT count(*) FROM workflows WHERE tenant_id = :tenant")
_BLANKS = str.maketrans("01", " \t")


async def write_tasks(session: AsyncSession, workflow_id: int, change: Change, now: datetime) -> Sequence[int]:
    """Apply `change` to the rows of the tasks and return the ids of the added ones.

    Tasks are removed first, because an added task may have the name of a removed one.
    """
    if change.removed:
        await session.execute(delete(TaskRow).where(TaskRow.id.in_(change.removed)))
    await _free_names(session, change.renamed)
    if change.updated:
        rows = [{"id": task.id, "updated_at": now, **_task_row(task)} for task in change.updated]
        await session.execute(update(TaskRow), rows)
    return await insert_tasks(session, change.added, workflow_id, now)


async def _free_names(session: AsyncSession, renamed: Sequence[int]) -> None:
    """Before several tasks get new names, take their old ones away: one may get the name that another still has.

    The names in between are blank, which no task's name is, and differ by their spaces and tabs.
    """
    if len(renamed) > 1:
        rows = [
            {"id": task_id, "name": f"{number:b}".translate(_BLANKS)} for number, task_id in enumerate(renamed, start=1)
        ]
        await session.execute(update(TaskRow), rows)


async def refuse_too_many(session: AsyncSession, tenant_id: int) -> None:
    """Raise `QuotaExceeded` when the tenant may not store another workflow.

    A tenant that has a limit creates one workflow after the other, so that each transaction counts those before it.
    """
    most = await session.scalar(_MAX_DEFINITIONS, {"tenant": tenant_id})
    if most is None:
        return
    await session.execute(_ONE_AT_A_TIME, {"tenant": tenant_id})
    if await session.scalar(_COUNT_WORKFLOWS, {"tenant": tenant_id}) >= most:
        raise QuotaExceeded.of_definitions(most)


async def insert_workflow(session: AsyncSession, tenant_id: int, draft: WorkflowDraft, now: datetime) -> int:
    row = workflow_values(draft) | {"revision": 1, "created_at": now, "updated_at": now, "tenant_id": tenant_id}
    connection = await session.connection()
    return int((await connection.execute(_INSERT_WORKFLOW, row)).scalar_one())


async def insert_tasks(
    session: AsyncSession, drafts: Sequence[TaskDraft], workflow_id: int, now: datetime
) -> Sequence[int]:
    if not drafts:
        return ()
    common = {"workflow_id": workflow_id, "created_at": now, "updated_at": now}
    rows = [common | _by_column(_task_row(draft)) for draft in drafts]
    ids: Sequence[int] = (await (await session.connection()).execute(_INSERT_TASKS, rows)).scalars().all()
    return ids


async def update_workflow(session: AsyncSession, workflow: Workflow) -> None:
    await session.execute(
        update(WorkflowRow)
        .where(WorkflowRow.id == workflow.id)
        .values(**workflow_values(workflow), revision=workflow.revision, updated_at=workflow.updated_at)
    )


async def insert_revision(session: AsyncSession, caller: Caller, stored: StoredWorkflow) -> None:
    workflow = stored.workflow
    row = {"workflow_id": workflow.id, "revision": workflow.revision, "snapshot": stored.body.decode()}
    made = {"tenant_id": caller.tenant_id, "requested_by": caller.recorded, "created_at": workflow.updated_at}
    connection = await session.connection()
    await connection.execute(_INSERT_REVISION, row | made)


def _task_row(task: TaskDraft) -> dict[str, Any]:
    return draft_fields(task) | {
        "config": dict(task.config),
        "retry": None if task.retry is None else retry_document(task.retry),
        "depends_on": None if task.depends_on is None else list(task.depends_on),
        "compensate": list(task.compensate),
    }


def _by_column(row: dict[str, Any]) -> dict[str, Any]:
    """Use the names of the columns. WHEN is a keyword of SQL, so the column of `when` has another name."""
    return row | {"when_expression": row.pop("when")}
