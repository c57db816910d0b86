"""Histories with a known truth: what must be suggested is planted in them, and a clean twin has nothing of it.

The workflow loads something, asks for users and for orders, joins them, writes the result, and says so. Planted are:

- 8 % of the first attempts of `load` fail with `http_timeout`, and it has no retries;
- `orders` comes after `users` by the order of the groups alone;
- `index` has no time limit, and some of its attempts take three times its 99th percentile.
"""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from app.adapters.database_url import driver_dsn
from app.domain.definitions import ExecutionType, RetryPolicy, Task, TaskDraft, Workflow, WorkflowDraft
from app.domain.documents import rfc3339
from app.domain.events import EventType
from app.domain.states import ExecutionStatus
from app.insights.folding import StoredEvent, StoredExecution, fold
from app.insights.samples import Sample
from app.insights.sampling import Taken

PLANTED = {("load", "add_retries"), ("orders", "run_side_by_side"), ("index", "set_timeout")}
P99 = 2.3263
SPREAD = 0.3
SECONDS = {"load": 1.0, "users": 3.0, "orders": 2.5, "join": 0.01, "index": 2.0, "done": 0.001}
RETRIES = RetryPolicy(max_attempts=3)


def _get(name: str, sequence: int, url: str, **fields: Any) -> TaskDraft:
    config = {"url": f"https://example.com/{url}"}
    return TaskDraft(name, ExecutionType.SYNC, sequence=sequence, type="http", config=config, **fields)


def planted_draft(key: str = "planted", *, is_clean: bool = False) -> WorkflowDraft:
    orders = "orders?for=${tasks.users.output.body}" if is_clean else "orders?of=${tasks.load.output.body}"
    guarded: dict[str, Any] = {"timeout_seconds": 60.0, "retry": RETRIES}
    both = {"value": "${[tasks.users.output, tasks.orders.output]}"}
    post = {"url": "https://example.com/index", "method": "POST", "body": "${tasks.join.output}"}
    done = {"message": "${tasks.index.output.status}"}
    return WorkflowDraft(
        name=key,
        key=key,
        tasks=(
            _get("load", 1, "load", timeout_seconds=60.0),
            _get("users", 2, "users?of=${tasks.load.output.body}", **guarded),
            _get("orders", 3, orders, **guarded),
            TaskDraft("join", sequence=4, type="transform", config=both, retry=RETRIES),
            TaskDraft("index", sequence=5, type="http", config=post, retry=RETRIES),
            TaskDraft("done", sequence=6, type="log", config=done, retry=RETRIES),
        ),
    )


def planted_workflow(workflow_id: int, *, is_clean: bool = False, created_at: datetime | None = None) -> Workflow:
    """The workflow as it would be stored, with the ids of its tasks."""
    draft, at = (
        planted_draft(f"planted-{workflow_id}", is_clean=is_clean),
        created_at or datetime(2026, 1, 1, tzinfo=UTC),
    )
    tasks = tuple(
        Task(**{name: getattr(task, name) for name in TaskDraft.__slots__}, id=10 * workflow_id + index)
        for index, task in enumerate(draft.tasks or ())
    )
    return Workflow(workflow_id, draft.key, draft.name, None, 1, tasks, at, at)


EXECUTION_COLUMNS = (
    "id", "tenant_id", "workflow_id", "revision", "status", "input",
    "created_at", "started_at", "finished_at", "due_at",
)  # fmt: skip
EVENT_COLUMNS = (
    "execution_id", "sequence", "type", "occurred_at", "status", "progress_percent", "task_id", "attempt", "data",
)  # fmt: skip


@dataclass
class History:
    """The rows of one workflow's executions."""

    executions: list[StoredExecution] = field(default_factory=list)
    events: list[StoredEvent] = field(default_factory=list)


def planted_history(
    workflow: Workflow,
    seed: int,
    now: datetime,
    *,
    count: int = 600,
    days: float = 20.0,
    is_clean: bool = False,
    revision: int = 1,
    failures: float | None = None,
) -> History:
    """failures: the share of the first attempts of `load`; None for what is planted."""
    chance, history = random.Random(seed), History()
    begin = now - timedelta(days=days)
    for number in range(count):
        at = begin + timedelta(
            days=days * 0.99 * number / count, seconds=chance.uniform(0, min(600, 86_400 * days / count / 2))
        )
        share = failures if failures is not None else 0.003 if is_clean else 0.08
        _add(history, workflow, chance, at.timestamp(), number, share, is_clean=is_clean)
    history.executions = [row._replace(revision=revision) for row in history.executions]
    return history


def _add(
    history: History, workflow: Workflow, chance: random.Random, at: float, number: int, share: float, *, is_clean: bool
) -> None:
    execution_id = UUID(int=(int(at * 1_000) << 80) | (7 << 76) | (2 << 62) | chance.getrandbits(60))
    clock, failed = at + 0.01, False
    for task in workflow.tasks:
        seconds = SECONDS[task.name] * math.exp(chance.gauss(0, SPREAD))
        if task.name == "index" and not is_clean and number % 149 == 7:
            seconds = 3 * SECONDS["index"] * math.exp(P99 * SPREAD)
        failed = task.name == "load" and chance.random() < share
        history.events.append(StoredEvent(execution_id, EventType.TASK_STARTED, clock, task.id, 1))
        clock += seconds
        history.events.append(_end(execution_id, clock, task.id, failed=failed))
        if failed:
            break
    status = ExecutionStatus.FAILED if failed else ExecutionStatus.COMPLETED
    history.executions.append(StoredExecution(execution_id, 1, status, at, at + 0.005, clock, None, f"{number}"))


def _end(execution_id: UUID, at: float, task_id: int, *, failed: bool) -> StoredEvent:
    if failed:
        code, message = "http_timeout", "example.com did not answer in time"
        return StoredEvent(execution_id, EventType.TASK_FAILED, at, task_id, 1, code, message)
    return StoredEvent(execution_id, EventType.TASK_COMPLETED, at, task_id, 1, size=2)


def taken_from(workflow: Workflow, history: History, now: datetime) -> Taken:
    """What a sampler would read."""
    executions = fold(history.executions, history.events, now.timestamp())
    return Taken(Sample(workflow, executions, (), now.timestamp()), {workflow.revision: workflow})


async def store_history(url: str, tenant_id: int, workflow: Workflow, history: History) -> None:
    """Store the rows, and make the workflow old enough. `url` has a login that passes the walls."""
    session = await asyncpg.connect(driver_dsn(url))
    try:
        old = datetime.now(UTC) - timedelta(days=60)
        await session.execute("UPDATE workflows SET created_at = $2 WHERE id = $1", workflow.id, old)
        await session.execute(
            "UPDATE workflow_revisions SET snapshot = jsonb_set(snapshot::jsonb, '{created_at}', to_jsonb($2::text))"
            " WHERE workflow_id = $1",
            workflow.id,
            rfc3339(old),
        )
        await session.copy_records_to_table(
            "executions",
            records=[_execution_record(row, tenant_id, workflow.id) for row in history.executions],
            columns=EXECUTION_COLUMNS,
        )
        await session.copy_records_to_table(
            "execution_events",
            records=list(_event_records(history)),
            columns=EVENT_COLUMNS,
        )
    finally:
        await session.close()


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _execution_record(row: StoredExecution, tenant_id: int, workflow_id: int) -> tuple[Any, ...]:
    assert row.started_at is not None
    assert row.finished_at is not None
    times = (_at(row.created_at), _at(row.started_at), _at(row.finished_at), _at(row.created_at))
    return row.id, tenant_id, workflow_id, row.revision, row.status.value, json.dumps({"n": row.input}), *times


def _event_records(history: History) -> Iterator[tuple[Any, ...]]:
    sequence: dict[UUID, int] = {}
    for event in history.events:
        number = sequence[event.execution_id] = sequence.get(event.execution_id, 0) + 1
        data = json.dumps({"code": event.code, "message": event.message}) if event.code else None
        if event.size > 2:
            data = json.dumps("x" * (event.size - 2))
        what = (event.type.value, _at(event.at), "running", 0, event.task_id, event.attempt, data)
        yield event.execution_id, number, *what


def moved_to(history: History, workflow: Workflow, planted: Workflow) -> History:
    """The same history with the ids of the tasks of a stored workflow."""
    ids = {old.id: new.id for old, new in zip(planted.tasks, workflow.tasks, strict=True)}
    return History(
        history.executions,
        [event._replace(task_id=ids[event.task_id or 0]) for event in history.events],
    )
