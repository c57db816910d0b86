"""Writes the SQL of lists of executions: only what a filter has, so that each combination can use its index.

Tenant, ids of workflows, statuses and limit are written into the statement, not passed as parameters. A generic plan
for all workflows would suit neither the one with the most executions nor the one with the fewest. Ids sort by time, so
a range of times is also given as a range of ids, for which there are indexes.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.adapters.database.tenancy import in_tenant
from app.domain.states import ExecutionStatus
from app.engine.execution_filter import ExecutionFilter
from app.engine.identifiers import first_id_at

ID_TOLERANCE = 600_000 << 80
"""Ten minutes, as a distance between ids.

The time in an id and `created_at` come from two readings of a clock, which may be adjusted between them.
"""
_LISTED = (
    "SELECT id, tenant_id, workflow_id, revision, status, 'null'::json AS input, created_at, started_at, finished_at,"
    " NULL AS output, failure, idempotency_key, origin_id, parent_id, parent_task_id, parent_element, root_id, depth,"
    " started_by"
    " FROM executions e"
)
_FEW = (
    "few AS MATERIALIZED (SELECT id, tenant_id, workflow_id, status, created_at, parent_id, failure FROM executions"
    " WHERE {}), "
)
"""Find few executions by a partial index first, then select from them.

Without `MATERIALIZED` the planner scans from the newest execution, because it expects to find enough matches soon. But
those that match may be old, and the scan then reads the whole table.
"""
_IS_ACTIVE = "finished_at IS NULL"
_IS_UNRESOLVED = (
    "parent_id IS NULL AND NOT EXISTS ("
    "WITH RECURSIVE later AS ("
    "SELECT r.id, r.status FROM executions r WHERE r.origin_id = e.id"
    " UNION ALL SELECT n.id, n.status FROM later l JOIN executions n ON n.origin_id = l.id"
    ") SELECT FROM later WHERE later.status = 'completed')"
)
_WITH_ERROR = frozenset({ExecutionStatus.FAILED, ExecutionStatus.CANCELLED})


def listing(tenant_id: int, wanted: ExecutionFilter, before: UUID | None, limit: int) -> tuple[str, list[Any]]:
    """The statement that lists the newest executions below `before`, and its arguments."""
    arguments: list[Any] = []
    few, parts = _parts(wanted, _statuses(wanted), arguments)
    shared = [in_tenant(tenant_id), *_shared(wanted, before, arguments)]
    end = f" ORDER BY id DESC LIMIT {limit:d}"
    if not few and len(parts) == 1 and wanted.workflow_ids is None:
        return f"{_LISTED} WHERE {' AND '.join([*shared, *parts[0].conditions])}{end}", arguments
    found = " UNION ALL ".join(f"({part.ids(shared, wanted.workflow_ids, end)})" for part in parts)
    page = f"page AS MATERIALIZED (SELECT id FROM ({found}) AS found{end})"  # noqa: S608
    # Also in the outermost WHERE: a plan may read the rows of a join before those of the common table expression.
    of_page = f"JOIN page USING (id) WHERE {in_tenant(tenant_id)} ORDER BY id DESC"
    return f"WITH {_FEW.format(few) if few else ''}{page} {_LISTED} {of_page}", arguments


class _Part:
    """Executions that one index finds.

    source: the table to select from.
    conditions: what leaves only these.
    by_workflow: whether they are best found by their workflow, if there are only some.
    """

    def __init__(self, source: str, conditions: Sequence[str], *, by_workflow: bool = False) -> None:
        self.conditions = conditions
        self._source = source
        self._by_workflow = by_workflow

    def ids(self, shared: Sequence[str], workflow_ids: Sequence[int] | None, end: str) -> str:
        conditions = [*shared, *self.conditions]
        if workflow_ids is None:
            return self._select(conditions, end)
        some = f"ARRAY[{', '.join(f'{one:d}' for one in workflow_ids)}]::bigint[]"
        if not self._by_workflow:
            return self._select([*conditions, f"workflow_id = ANY ({some})"], end)
        of_each = self._select([*conditions, "workflow_id = w.one"], end)
        return f"SELECT id FROM unnest({some}) AS w (one) CROSS JOIN LATERAL ({of_each}) AS newest{end}"  # noqa: S608

    def _select(self, conditions: Sequence[str], end: str) -> str:
        return f"SELECT id FROM {self._source} e WHERE {' AND '.join(conditions)}{end}"  # noqa: S608


def _parts(
    wanted: ExecutionFilter, statuses: frozenset[ExecutionStatus] | None, arguments: list[Any]
) -> tuple[str, list[_Part]]:
    """The condition of the few that are found first, empty for none; and the parts of the list."""
    if wanted.parent_id is not None or wanted.root_id is not None:
        in_family = " AND ".join(_in_family(wanted, arguments))
        return in_family, [_Part("few", [] if statuses is None else [_of_status(statuses)])]
    if statuses is None:
        return "", [_Part("executions", (), by_workflow=True)]
    active = [status for status in statuses if not status.is_final]
    parts = [
        _Part("executions", [_of_status([status])], by_workflow=status is ExecutionStatus.COMPLETED)
        for status in sorted(statuses)
        if status.is_final
    ]
    if active or not parts:
        return _IS_ACTIVE, [*parts, _Part("few", [_of_status(active)])]
    return "", parts


def _statuses(wanted: ExecutionFilter) -> frozenset[ExecutionStatus] | None:
    """The statuses that what is wanted can have; None for all."""
    possible = frozenset(wanted.statuses or ExecutionStatus)
    if wanted.error_code is not None:
        possible &= _WITH_ERROR
    if wanted.unresolved:
        possible &= {ExecutionStatus.FAILED}
    return None if possible == frozenset(ExecutionStatus) else possible


def _of_status(statuses: Iterable[ExecutionStatus]) -> str:
    names = sorted(status.value for status in statuses)
    if not names:
        return "false"
    return f"status = '{names[0]}'" if len(names) == 1 else f"status IN ({', '.join(map(repr, names))})"


def _shared(wanted: ExecutionFilter, before: UUID | None, arguments: list[Any]) -> Iterator[str]:
    """The conditions of all parts; what they compare with is added to the arguments."""
    for condition, value in (
        ("id < {}", before),
        ("created_at > {}", wanted.created_after),
        ("id > {}", _id_near(wanted.created_after, -ID_TOLERANCE)),
        ("created_at < {}", wanted.created_before),
        ("id < {}", _id_near(wanted.created_before, ID_TOLERANCE)),
        ("id >= {}", wanted.first_id),
        ("id <= {}", wanted.last_id),
        ("failure->>'code' = {}", wanted.error_code),
    ):
        if value is not None:
            arguments.append(value)
            yield condition.format(f"${len(arguments)}")
    if wanted.workflow_id is not None:
        yield f"workflow_id = {wanted.workflow_id:d}"
    if wanted.unresolved:
        yield _IS_UNRESOLVED


def _in_family(wanted: ExecutionFilter, arguments: list[Any]) -> Iterator[str]:
    for column, value in (("parent_id", wanted.parent_id), ("root_id", wanted.root_id)):
        if value is not None:
            arguments.append(value)
            yield f"{column} = ${len(arguments)}"


def _id_near(instant: datetime | None, tolerance: int) -> UUID | None:
    """The id at `instant`, moved by `tolerance`: a bound for the ids of executions created before or after it."""
    return None if instant is None else UUID(int=max(first_id_at(instant).int + tolerance, 0))


def ended_listing(tenant_id: int, workflow_id: int, after: datetime, limit: int) -> tuple[str, list[Any]]:
    """The statement that lists the newest executions of a workflow that were created after `after` and have ended."""
    columns = "id, revision, status, created_at, started_at, finished_at, failure->>'code'"
    wanted = f"workflow_id = {workflow_id:d} AND finished_at IS NOT NULL AND created_at > $1 AND id > $2"
    statement = f"SELECT {columns} FROM executions WHERE {in_tenant(tenant_id)} AND {wanted}"  # noqa: S608
    return f"{statement} ORDER BY id DESC LIMIT {limit:d}", [after, _id_near(after, -ID_TOLERANCE)]
