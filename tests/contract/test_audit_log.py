"""The audit log in a real database: parallel writers, and what a superuser can do to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text as sql

from app.adapters.database.audit import NoHead, PostgresAudit, append, append_to
from app.adapters.database.identity import PostgresTenantStore
from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.sessions import create_engine, create_sessions
from app.adapters.database_url import driver_dsn
from app.audit.chain import EMPTY
from app.audit.entry import Entry
from app.audit.ports import EntryFilter, TenantHead
from app.audit.verifying import Flaw
from app.cli.verifying import Verdict, verdict_on
from tests.support.databases import ask
from tests.support.tenant import TENANT, TENANT_ID

WRITERS, OF_EACH = 8, 25

pytestmark = pytest.mark.server


def entry(number: int, tenant_id: int = TENANT_ID, **fields: Any) -> Entry:
    given = {"actor": "key:Xk3vT9aB", "actor_kind": "key", "action": "workflow.change", "after": '{"name": "\u00e9"}'}
    return Entry(tenant_id, target=f"workflow:{number}", **(given | fields))


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with open_pool(database_url, WRITERS, 20) as opened:
        yield opened


@pytest.fixture
async def superuser(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A session in which no trigger fires."""
    session = await asyncpg.connect(driver_dsn(database_url), statement_cache_size=0)
    await session.execute("SET session_replication_role = replica")
    yield session
    await session.close()


async def add(pool: Pool, *entries: Entry) -> None:
    for one in entries:
        async with pool.acquire() as connection, connection.transaction():
            await append(connection, one)


async def verdict(pool: Pool, anchors: Mapping[int, bytes] | None = None) -> Verdict:
    tenant = await PostgresTenantStore(pool).tenant(TENANT)
    assert tenant is not None
    return await verdict_on(PostgresAudit(pool), tenant, anchors or {}, lambda _: None)


async def flaw(pool: Pool, anchors: Mapping[int, bytes] | None = None) -> tuple[Flaw, int] | None:
    finding = (await verdict(pool, anchors)).finding
    return None if finding is None else (finding.flaw, finding.number)


async def test_eight_writers_of_one_tenant_make_one_chain(pool: Pool):
    async def write(writer: int) -> None:
        for number in range(OF_EACH):
            await add(pool, entry(number, actor=f"key:{writer}"))

    await asyncio.gather(*map(write, range(WRITERS)))
    found = await verdict(pool)
    assert (found.finding, found.last.number) == (None, WRITERS * OF_EACH)
    links = await PostgresAudit(pool).entries(TENANT_ID, EntryFilter(), None, 1_000)
    assert len({link.prev for link in links}) == len(links)
    assert [link.number for link in links] == list(range(WRITERS * OF_EACH, 0, -1))


async def test_entries_that_are_added_meanwhile_do_no_harm(pool: Pool):
    await add(pool, *map(entry, range(5)))
    gate = asyncio.Event()

    async def write() -> None:
        while not gate.is_set():
            await add(pool, entry(0))

    writing = asyncio.gather(write(), write())
    for _ in range(5):
        assert (await verdict(pool)).finding is None
    gate.set()
    await writing


async def test_both_ways_to_write_make_the_same_chain(pool: Pool, database_url: str):
    engine = create_engine(database_url, 1)
    full = entry(1, request_id="r-1", ip="192.0.2.7", before='{"a":1}', after=None)
    async with create_sessions(engine).begin() as session:
        await append_to(session, full)
    await engine.dispose()
    await add(pool, full)
    assert (await verdict(pool)).finding is None
    links = await PostgresAudit(pool).entries(TENANT_ID, EntryFilter(), None, 10)
    assert [link.entry for link in links] == [full, full]


async def test_a_change_that_is_rolled_back_leaves_no_entry(pool: Pool):
    await add(pool, entry(1))

    async def fail() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await append(connection, entry(2))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await add(pool, entry(3))
    found = await verdict(pool)
    assert (found.finding, found.last.number) == (None, 2)


async def test_without_a_head_row_nothing_can_be_changed(pool: Pool, database_url: str):
    await pool.execute("DELETE FROM audit_heads WHERE tenant_id = $1", TENANT_ID)
    with pytest.raises(NoHead):
        await add(pool, entry(1))
    engine = create_engine(database_url, 1)

    async def change() -> None:
        async with create_sessions(engine).begin() as session:
            await session.execute(sql("INSERT INTO tenants (key, name) VALUES ('lost', 'Lost')"))
            await append_to(session, entry(1))

    with pytest.raises(NoHead):
        await change()
    await engine.dispose()
    assert await ask(database_url, "SELECT count(*) FROM tenants WHERE key = 'lost'") == 0
    assert await flaw(pool) == (Flaw.HEAD, 0)


async def test_a_new_tenant_has_an_empty_log_of_its_own(pool: Pool):
    await add(pool, entry(1))
    tenant_id = await pool.fetchval("INSERT INTO tenants (key, name) VALUES ('sales', 'Sales') RETURNING id")
    audit = PostgresAudit(pool)
    assert await audit.head(tenant_id) == EMPTY
    await add(pool, entry(1, tenant_id), entry(2, tenant_id))
    heads = {found.tenant: found for found in await audit.heads()}
    assert [heads[name].head.number for name in (TENANT, "sales")] == [1, 2]
    assert heads["sales"] == TenantHead("sales", await audit.head(tenant_id) or EMPTY)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'key:Someone1'",
        "UPDATE audit_log SET actor = 'x' WHERE false",
        "DELETE FROM audit_log WHERE number = 1",
        "TRUNCATE audit_log",
        "TRUNCATE audit_log, audit_heads, tenants CASCADE",
    ],
)
async def test_changes_of_the_log_are_refused(pool: Pool, statement: str):
    await add(pool, entry(1))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="the audit log is only added to"):
        await pool.execute(statement)
    assert (await verdict(pool)).last.number == 1


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'key:Someone1'",
        "actor_kind = 'token'",
        "action = 'workflow.delete'",
        "action = 'no such action'",
        "target = 'workflow:66'",
        "request_id = 'r'",
        "ip = '192.0.2.66'",
        "before = '{}'",
        """after = '{"name":"\u00e9"}'""",
        "after = NULL",
        "at = at - interval '1 microsecond'",
        "at = 'infinity'",
        "at = '20000-01-01Z'",
        "at = '0044-03-15Z BC'",
        "hash = sha256('')",
        "prev = sha256('')",
    ],
)
async def test_an_edited_row_is_found(pool: Pool, superuser: asyncpg.Connection, change: str):
    await add(pool, *map(entry, range(1, 6)))
    await superuser.execute(f"UPDATE audit_log SET {change} WHERE number = 3")
    assert await flaw(pool) == (Flaw.EDITED, 3)


@pytest.mark.parametrize("gone", [1, 3, 5])
async def test_a_deleted_row_is_found(pool: Pool, superuser: asyncpg.Connection, gone: int):
    await add(pool, *map(entry, range(1, 6)))
    await superuser.execute("DELETE FROM audit_log WHERE number = $1", gone)
    assert await flaw(pool) == (Flaw.MISSING, gone)


async def test_swapped_rows_are_found(pool: Pool, superuser: asyncpg.Connection):
    await add(pool, *map(entry, range(1, 6)))
    for old, new in ((3, 99), (4, 3), (99, 4)):
        await superuser.execute("UPDATE audit_log SET number = $2 WHERE number = $1", old, new)
    assert await flaw(pool) == (Flaw.MOVED, 3)


async def insert_again(superuser: asyncpg.Connection, number: int, as_number: int) -> None:
    """Insert a copy of an entry with a right hash, as somebody would who has read the source."""
    await superuser.execute(
        """INSERT INTO audit_log (tenant_id, number, at, actor, actor_kind, action, target, prev, hash)
        SELECT tenant_id, $2, at, actor, actor_kind, action, 'workflow:66', p.hash,
               sha256(p.hash || int8send($2) || int8send((extract(epoch FROM at) * 1000000)::bigint)
                      || convert_to(format('{"action":"%s","actor":"%s","actor_kind":"%s",'
                         '"target":"workflow:66","tenant_id":%s}', action, actor, actor_kind, tenant_id), 'UTF8'))
        FROM audit_log, (SELECT hash FROM audit_log WHERE number = $2 - 1) p WHERE number = $1""",
        number,
        as_number,
    )


async def test_an_inserted_row_is_found(pool: Pool, superuser: asyncpg.Connection):
    await add(pool, *map(entry, range(1, 5)))
    await superuser.execute("UPDATE audit_log SET number = number + 100 WHERE number >= 3")
    await superuser.execute("UPDATE audit_log SET number = number - 99 WHERE number >= 100")
    await insert_again(superuser, 1, 3)
    await superuser.execute("UPDATE audit_heads SET number = 5")
    assert await flaw(pool) == (Flaw.INSERTED, 3)


async def test_a_row_after_the_last_one_is_found(pool: Pool, superuser: asyncpg.Connection):
    await add(pool, *map(entry, range(1, 5)))
    await insert_again(superuser, 1, 5)
    assert await flaw(pool) == (Flaw.INSERTED, 5)


async def test_a_chain_that_was_written_anew_breaks_its_anchor(pool: Pool, superuser: asyncpg.Connection):
    await add(pool, *map(entry, range(1, 4)))
    noted = await PostgresAudit(pool).head(TENANT_ID)
    assert noted is not None
    await add(pool, entry(4))
    anchors = {noted.number: noted.hash}
    assert await flaw(pool, anchors) is None
    await superuser.execute("DELETE FROM audit_log")
    await superuser.execute("UPDATE audit_heads SET number = 0, prev = $1, hash = $1", bytes(32))
    await add(pool, *map(entry, range(1, 5)))
    assert await flaw(pool) is None
    assert await flaw(pool, anchors) == (Flaw.ANCHOR, 3)


async def test_entries_are_found_by_what_they_say(pool: Pool):
    await add(
        pool,
        entry(1),
        entry(2, actor="token:ada", actor_kind="token"),
        entry(2, action="workflow.delete"),
        entry(3),
    )
    audit = PostgresAudit(pool)

    async def numbers(wanted: EntryFilter, before: int | None = None, limit: int = 10) -> list[int]:
        return [link.number for link in await audit.entries(TENANT_ID, wanted, before, limit)]

    everything = EntryFilter()
    assert await numbers(everything) == [4, 3, 2, 1]
    assert await numbers(everything, before=4, limit=2) == [3, 2]
    assert await numbers(EntryFilter(actor="token:ada")) == [2]
    assert await numbers(EntryFilter(target="workflow:2")) == [3, 2]
    assert await numbers(EntryFilter(action="workflow.delete", target="workflow:2")) == [3]
    at = (await audit.entries(TENANT_ID, everything, None, 10))[1].at
    assert await numbers(EntryFilter(since=at)) == [4, 3]
    assert await numbers(EntryFilter(until=at)) == [2, 1]
    assert await audit.entries(TENANT_ID + 1, everything, None, 10) == []
    assert json.loads((await audit.entries(TENANT_ID, everything, None, 1))[0].entry.after or "") == {"name": "\u00e9"}
