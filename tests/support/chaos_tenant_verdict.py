"""What must be true of the rows of several tenants once everything is healed.

`workflow check` finds a child of another tenant than its parent, an execution of another tenant than its revision, and
a revision of another tenant than its workflow. Who has asked for a row it cannot know. Here that is known: from the
prefixes of the API keys in the rows, and from what the clients of each tenant have been answered.
"""

from collections.abc import Mapping, Sequence

import asyncpg

from app.adapters.database_url import driver_dsn
from tests.support.chaos_tenants import ChaosTenant, StartKey

_FOREIGN_HANDS = """
WITH made (what, tenant_id, by) AS (
    SELECT format('execution %s', id), tenant_id, started_by FROM executions WHERE parent_id IS NULL
    UNION ALL
    SELECT format('revision %s of workflow %s', revision, workflow_id), tenant_id, requested_by FROM workflow_revisions
    UNION ALL
    SELECT format('event %s of execution %s, %s,', h.sequence, x.id, h.type), x.tenant_id, h.data ->> 'by'
    FROM execution_events h JOIN executions x ON x.id = h.execution_id WHERE h.data ->> 'by' IS NOT NULL
    UNION ALL
    SELECT format('entry %s of the audit log, %s of %s,', number, action, target), tenant_id, actor FROM audit_log
    WHERE actor_kind = 'key'
)
SELECT what, t.key AS tenant, by, (SELECT o.key FROM tenants o WHERE o.id = k.tenant_id) AS other
FROM made JOIN tenants t ON t.id = made.tenant_id LEFT JOIN api_keys k ON by = 'key:' || k.prefix
WHERE k.tenant_id IS DISTINCT FROM made.tenant_id ORDER BY what
"""
_WORKFLOWS = "SELECT w.id, t.key AS tenant, w.key FROM workflows w JOIN tenants t ON t.id = w.tenant_id"
_TENANTS = "SELECT x.id::text, t.key FROM executions x JOIN tenants t ON t.id = x.tenant_id"


async def no_wrong_tenant(
    url: str, tenants: Sequence[ChaosTenant], accepted: Mapping[StartKey, str], seen: Mapping[str, set[str]]
) -> list[str]:
    """Each row has the tenant of who has made it, and no tenant has seen a row of another one.

    tenants: the tenants and what they have stored.
    accepted: the ids of the executions that each tenant has started.
    seen: the ids in the lists of each tenant.
    """
    session = await asyncpg.connect(driver_dsn(url))
    try:
        return [
            *await _made_by_others(session),
            *await _misplaced_workflows(session, tenants),
            *await _lists_and_rows(session, seen),
            *_idle(tenants, accepted),
        ]
    finally:
        await session.close()


async def _made_by_others(session: asyncpg.Connection) -> list[str]:
    return [
        f"{row['what']} is of {row['tenant']}, and was made by {row['by']} of {row['other']}"
        for row in await session.fetch(_FOREIGN_HANDS)
    ]


async def _misplaced_workflows(session: asyncpg.Connection, tenants: Sequence[ChaosTenant]) -> list[str]:
    stored = {row["id"]: (row["tenant"], row["key"]) for row in await session.fetch(_WORKFLOWS)}
    wanted = {number: (of.name, key) for of in tenants for key, number in of.workflows.items()}
    return [
        f"workflow {number}: {wanted.get(number)} was stored, {stored.get(number)} is there"
        for number in sorted(stored.keys() | wanted.keys())
        if stored.get(number) != wanted.get(number)
    ]


async def _lists_and_rows(session: asyncpg.Connection, seen: Mapping[str, set[str]]) -> list[str]:
    """All lists were read to their end when everything had ended, so they have all that is stored, each once."""
    tenant_of = dict(await session.fetch(_TENANTS))
    foreign = [
        f"execution {wanted} of {tenant_of.get(wanted)} was in a list of {name}"
        for name, ids in seen.items()
        for wanted in sorted(ids)
        if tenant_of.get(wanted) != name
    ]
    missing = [
        f"execution {stored} of {name} was in no list of {name}"
        for stored, name in sorted(tenant_of.items())
        if stored not in seen[name]
    ]
    return foreign + missing


def _idle(tenants: Sequence[ChaosTenant], accepted: Mapping[StartKey, str]) -> list[str]:
    """Without these there is nothing to find."""
    started = {key.tenant for key in accepted}
    return [f"{of.name} has started nothing" for of in tenants if of.name not in started]
