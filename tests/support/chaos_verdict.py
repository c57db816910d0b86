"""What must be true once everything is healed."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from app.adapters.database_url import driver_dsn
from tests.support.chaos_tenants import StartKey
from tests.support.checking import findings_in

POLL_SECONDS = 0.25
PATIENCE_SECONDS = 120.0
"""How long nothing at all may happen while there is something to do. A task that lost attempts waits for up to 61 s."""
SHOWN = 20

_LEFT = """
SELECT (SELECT count(*) FROM executions WHERE finished_at IS NULL), (SELECT count(*) FROM execution_commands),
       (SELECT count(*) FROM execution_events)
"""
_BY_KEY = """
SELECT t.key AS tenant, x.idempotency_key AS key, array_agg(x.id::text) AS ids
FROM executions x JOIN tenants t ON t.id = x.tenant_id WHERE x.parent_id IS NULL GROUP BY 1, 2
"""
_FOREIGN_CHILDREN = """
SELECT c.id, c.parent_id, named.times
FROM executions c
CROSS JOIN LATERAL (SELECT count(*) AS times FROM execution_events h
                    WHERE h.execution_id = c.parent_id AND h.type = 'task_progressed'
                      AND h.data ->> 'child_id' = c.id::text) named
WHERE c.parent_id IS NOT NULL AND named.times <> 1
"""
_CHILDREN = "SELECT count(*) FROM executions WHERE parent_id IS NOT NULL"
_STUCK = """
SELECT x.id, x.status::text, x.owner_id, g.name, x.due_at,
       (SELECT string_agg(format('%s %s %s/%s', h.sequence, h.type, h.task_id, h.attempt), ', ' ORDER BY h.sequence)
        FROM (SELECT * FROM execution_events e WHERE e.execution_id = x.id ORDER BY sequence DESC LIMIT 5) h) AS events
FROM executions x LEFT JOIN engines g ON g.id = x.owner_id
WHERE x.finished_at IS NULL ORDER BY x.id LIMIT $1
"""
_ATTEMPTS = """
SELECT execution_id::text || ' ' || task_id AS task, max(attempt) AS started,
       max(attempt) FILTER (WHERE type = 'task_completed') AS completed
FROM execution_events WHERE task_id IS NOT NULL GROUP BY 1
"""

_LOST = """
SELECT execution_id::text || ' ' || task_id || ' ' || attempt AS attempt FROM execution_events
WHERE type = 'task_retrying' AND data ->> 'code' = 'engine_lost'
"""


@asynccontextmanager
async def _session(url: str) -> AsyncIterator[asyncpg.Connection]:
    session = await asyncpg.connect(driver_dsn(url))
    try:
        yield session
    finally:
        await session.close()


async def all_final(url: str) -> list[str]:
    """Wait until no execution is left and no command waits, as long as anything happens; else what is stuck."""
    looks_in_vain, seen = 0, None
    async with _session(url) as session:
        while looks_in_vain < PATIENCE_SECONDS / POLL_SECONDS:
            executions, commands, events = await session.fetchrow(_LEFT)
            if not executions and not commands:
                return []
            looks_in_vain = looks_in_vain + 1 if seen == (executions, commands, events) else 0
            seen = executions, commands, events
            await asyncio.sleep(POLL_SECONDS)
        stuck = [f"stuck: {' | '.join(map(str, row))}" for row in await session.fetch(_STUCK, SHOWN)]
        return stuck or ["commands of finished executions were not swept"]


async def nothing_lost(url: str, accepted: Mapping[StartKey, str]) -> list[str]:
    """Exactly the accepted executions are there, one for each idempotency key of each tenant."""
    async with _session(url) as session:
        rows = await session.fetch(_BY_KEY)
    stored = {StartKey(row["tenant"], row["key"]): row["ids"] for row in rows}
    lost = [
        f"accepted: {key} {execution_id}, stored: {stored.get(key)}"
        for key, execution_id in accepted.items()
        if stored.get(key) != [execution_id]
    ]
    return lost + [f"never accepted: {key} {stored[key]}" for key in stored.keys() - accepted.keys()]


async def families_are_whole(url: str) -> list[str]:
    """Children there were, and each belongs to one attempt of its parent."""
    async with _session(url) as session:
        foreign = await session.fetch(_FOREIGN_CHILDREN)
        children = await session.fetchval(_CHILDREN)
    wrong = [f"child {child} is named {times} times in the history of {parent}" for child, parent, times in foreign]
    return wrong if children else ["no child was started"]


async def nothing_ran_again(url: str, traces: Path) -> list[str]:
    """No attempt ran twice, none ran that the history does not know, none after the one that completed."""
    runs: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for line in traces.read_text().splitlines():
        task, _, attempt = line.rpartition(" ")
        runs[task][int(attempt)] += 1
    async with _session(url) as session:
        attempts = {row["task"]: (row["started"], row["completed"]) for row in await session.fetch(_ATTEMPTS)}
    wrong = []
    for task, counted in runs.items():
        started, completed = attempts.get(task, (0, None))
        if max(counted) > (completed or started) or max(counted.values()) > 1:
            wrong.append(f"ran again: {task}: runs {dict(counted)}, started {started}, completed by {completed}")
    return wrong


async def attempts_cut_short(url: str, traces: Path) -> list[str]:
    """Attempts that ran and ended with their engine. One that is recorded as started need not have begun to run."""
    ran = set(traces.read_text().splitlines())
    async with _session(url) as session:
        lost = [row["attempt"] for row in await session.fetch(_LOST)]
    return [f"an attempt was cut short: {attempt}" for attempt in lost if attempt in ran]


async def broken_histories(url: str) -> list[str]:
    return [str(finding) for finding in await findings_in(url) if not finding.rule.is_warning]


async def statuses(url: str) -> dict[str, int]:
    async with _session(url) as session:
        rows = await session.fetch("SELECT status::text, count(*) FROM executions GROUP BY 1 ORDER BY 1")
        children = await session.fetchval(_CHILDREN)
    return {row["status"]: row["count"] for row in rows} | {"children": children}
