"""Every statement that is sent with the login of callers: bound to a tenant, whatever the plan, and safe if not."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

import asyncpg
import pytest
from sqlalchemy import event

from app.adapters.database.pool import _ENTER, Pool
from app.adapters.database.statements import load
from app.adapters.database.walls.rules import DOORS, WALLS
from tests.integration.walls.conftest import session
from tests.support.api_statements import Stores, Things, open_stores, outcome
from tests.support.predicates import forget_predicates, forget_predicates_of, overheard
from tests.support.walls import api_url

GATE = re.compile(r"set_config\((?:'app\.tenant'|\$\d+::VARCHAR), [^)]*\)*, (?:true|\$\d+::BOOLEAN)\)", re.IGNORECASE)
OF_TENANTS = [wall.table for wall in WALLS if wall.rows != "true"]
OF_ENGINES = {
    "executions": set(),
    "schedules": {"claim"},
    "families": {"family", "make_due", "make_forgotten_due", "descendants"},
    "identity": set(),
    "machines": set(),
    "overview": set(),
    "ui_sessions": set(),
}
"""The statements in these files that only engines send. The other files have no statements of callers."""


class Sent(NamedTuple):
    """One statement. transaction: which one it is part of; None if it commits by itself."""

    statement: str
    transaction: int | None = None
    arguments: tuple[Any, ...] = ()


class Record:
    """Notes what is sent with the login of callers."""

    def __init__(self, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[Sent] = []
        self._transactions = 0
        call = Pool._call

        async def noting(pool: Pool, method: str, query: str, arguments: Any, *others: Any) -> Any:
            self.sent.append(Sent(query, None, tuple(arguments)))
            return await call(pool, method, query, arguments, *others)

        monkeypatch.setattr(Pool, "_call", noting)
        monkeypatch.setattr(Pool, "transaction", overheard(Pool.transaction, self._begin_in_pool))
        engine = stores.definitions._reader.sync_engine
        event.listen(engine, "begin", self._begin)
        event.listen(engine, "before_cursor_execute", self._note)

    def _begin_in_pool(self) -> Callable[[str], str]:
        self._transactions += 1
        number = self._transactions
        self.sent.append(Sent(_ENTER, number))

        def note(query: str) -> str:
            self.sent.append(Sent(query, number))
            return query

        return note

    def _begin(self, connection: Any) -> None:
        self._transactions += 1
        connection.info["transaction"] = self._transactions

    def _note(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        commits_itself = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
        self.sent.append(Sent(statement, None if commits_itself else connection.info["transaction"]))


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Stores]:
    async with open_stores(api_url(database_url)) as opened:
        yield opened


@pytest.fixture
async def main(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    async with session(database_url) as opened:
        await opened.execute("INSERT INTO tenants (key, name) VALUES ('other', 'Other') ON CONFLICT (key) DO NOTHING")
        yield opened


@pytest.fixture
async def both(api: Stores, main: asyncpg.Connection) -> tuple[Things, Things]:
    """What the tenants 1 and 2 have."""
    return await api.fill(1, main), await api.fill(2, main)


async def test_every_statement_is_bound_to_a_tenant(
    api: Stores, main: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Record(api, monkeypatch)
    own = await api.fill(1, main)
    await api.call_open_ones(own)
    for name, call in api.calls(1, own).items():
        found = await outcome(call)
        assert (found is None) == name.startswith("send_command") or name == "delete", name
    assert len(record.sent) > 70
    assert [sent.statement for sent in _unbound(record.sent)] == []
    assert set(_of_callers()) <= {sent.statement for sent in record.sent}, "the calls miss a statement of a file"


def _unbound(sent: list[Sent]) -> Iterator[Sent]:
    """Those that read or write rows of tenants, and say nowhere of which tenant."""
    first = {one.transaction: one for one in reversed(sent)}
    for one in sent:
        opening = one if one.transaction is None else first[one.transaction]
        if not (_is_gated(one.statement) or _is_gated(opening.statement) or _is_door(one.statement)):
            yield from [one] if _tables(one.statement) else []


def _is_gated(statement: str) -> bool:
    return GATE.search(statement) is not None


def _is_door(statement: str) -> bool:
    return any(re.search(rf"\b{door.name}\(", statement) for door in DOORS) and not _tables(statement)


def _tables(statement: str) -> set[str]:
    named = re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+)?(\w+)", statement, re.IGNORECASE)
    return set(named) & set(OF_TENANTS)


def _of_callers() -> Iterator[str]:
    for topic, of_engines in OF_ENGINES.items():
        statements = load(topic)
        assert of_engines <= statements.keys()
        yield from (text for name, text in statements.items() if name not in of_engines)


async def test_a_forgotten_condition_shows_nothing_of_another_tenant(
    api: Stores, both: tuple[Things, Things], main: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, foreign = both
    listed = {name: await outcome(call) for name, call in api.calls(1, own).items() if name.startswith("*")}
    before = await _everything_of(main, 2)
    forgotten = forget_predicates(monkeypatch)
    built = forget_predicates_of(api.definitions._reader)
    for name, call in api.calls(1, foreign).items():
        found = await outcome(call)
        assert found == listed[name] if name.startswith("*") else not found, name
    assert len(forgotten) > 15
    assert len(built) > 15
    assert await _everything_of(main, 2) == before


async def _everything_of(main: asyncpg.Connection, tenant_id: int) -> list[tuple[Any, ...]]:
    questions = (
        "SELECT w::text FROM workflows w WHERE tenant_id = $1",
        "SELECT r::text FROM workflow_revisions r WHERE tenant_id = $1",
        "SELECT s::text FROM schedules s WHERE tenant_id = $1",
        "SELECT e::text FROM executions e WHERE tenant_id = $1",
        "SELECT k::text FROM api_keys k WHERE tenant_id = $1",
        "SELECT u::text FROM ui_sessions u WHERE tenant_id = $1",
        "SELECT m::text FROM machines m WHERE tenant_id = $1",
        "SELECT r::text FROM machine_revisions r WHERE tenant_id = $1",
        "SELECT n::text FROM entities n WHERE tenant_id = $1",
        "SELECT v::text FROM entity_events v JOIN entities n ON n.id = v.entity_id WHERE tenant_id = $1",
        "SELECT c::text FROM execution_commands c JOIN executions e ON e.id = c.execution_id WHERE tenant_id = $1",
    )
    return [tuple(row) for question in questions for row in await main.fetch(question, tenant_id)]


async def test_without_walls_the_same_shows_what_another_tenant_has(
    database_url: str, both: tuple[Things, Things], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the test before finds what it looks for."""
    foreign = both[1]
    async with open_stores(database_url) as past_walls:
        forget_predicates(monkeypatch)
        forget_predicates_of(past_walls.definitions._reader)
        calls = past_walls.calls(1, foreign)
        wanted = ["document", "execution", "schedule", "key", "machine", "entity"]
        seen = [name for name in calls if name in wanted and await calls[name]()]
    assert seen == wanted


@pytest.mark.parametrize(
    "off",
    [
        ("nestloop",),
        ("hashjoin",),
        ("mergejoin", "nestloop"),
        ("hashjoin", "nestloop"),
        ("hashjoin", "mergejoin"),
        ("indexscan", "bitmapscan", "nestloop"),
        ("seqscan",),
    ],
    ids="+".join,
)
async def test_the_tenant_is_set_before_any_row_is_read_whatever_the_plan(
    database_url: str, both: tuple[Things, Things], off: tuple[str, ...]
) -> None:
    """What the gate sets has to be there when policies look: a plan that reads first would find nothing."""
    own = both[0]
    async with open_stores(api_url(database_url)) as usual:
        expected = {name: await outcome(call) for name, call in _reads(usual, own).items()}
    async with session(database_url) as opened:
        for way in off:
            await opened.execute(f"ALTER ROLE workflow_api IN DATABASE {_name(database_url)} SET enable_{way} = off")
    async with open_stores(api_url(database_url)) as planned:
        found = {name: await outcome(call) for name, call in _reads(planned, own).items()}
    assert found == expected


def _reads(stores: Stores, own: Things) -> Any:
    calls = stores.calls(1, own)
    return {name: calls[name] for name in list(calls)[: list(calls).index("enqueue")]}


def _name(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]
