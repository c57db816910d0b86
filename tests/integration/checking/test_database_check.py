"""The checker on a database with real executions, before and after somebody broke some of them."""

from uuid import UUID

import pytest

from app.adapters.database.checking import DatabaseCheck
from app.adapters.database.pool import open_pool
from app.checking.findings import NO_EXECUTION, Rule
from tests.support.checking import assert_clean, findings_in
from tests.support.databases import ask
from tests.support.ended_executions import Ended
from tests.support.machines import FRAUD, machine_house
from tests.support.tenant import TENANT_ID

EVENT = "execution_events WHERE execution_id = $1::uuid AND type ="


async def test_real_executions_are_clean(ended: Ended) -> None:
    assert await findings_in(ended.url) == []


async def test_each_broken_execution_is_found_and_no_other(ended: Ended) -> None:
    one, two, three, four, five, six, seven, _ = ended.completed
    await ended.execute(f"DELETE FROM {EVENT} 'execution_started'", one)
    await ended.execute(f"DELETE FROM {EVENT} 'execution_completed'", two)
    await ended.execute("UPDATE executions SET output = '{\"e\": 1}' WHERE id = $1::uuid", three)
    await ended.execute("DELETE FROM executions WHERE id = $1::uuid", four)
    await ended.execute("DELETE FROM execution_events WHERE execution_id = $1::uuid", five)
    await ended.execute("UPDATE executions SET revision = 77 WHERE id = $1::uuid", six)
    await ended.execute(
        "INSERT INTO execution_commands (execution_id, type, name, reason, payload)"
        " VALUES ($1::uuid, 'cancel', '', '', 'null')",
        UUID(int=1),
    )
    await ended.execute(
        "INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent, attempt)"
        " VALUES ($1::uuid, 99, 'cancel_requested', now(), 'completed', 100, 0)",
        seven,
    )
    await ended.execute("UPDATE executions SET owner_id = 4711 WHERE id = $1::uuid", ended.unfinished)
    await ended.execute("UPDATE executions SET failure = NULL WHERE id = $1::uuid", ended.failed)

    rules: dict[str, set[Rule]] = {}
    for finding in await findings_in(ended.url):
        rules.setdefault(str(finding.execution_id), set()).add(finding.rule)
    assert rules == {
        one: {Rule.NUMBERING, Rule.ROW},
        two: {Rule.ROW, Rule.FEED},
        three: {Rule.ROW},
        four: {Rule.NO_ROW},
        five: {Rule.NO_EVENTS},
        six: {Rule.NO_REVISION},
        str(UUID(int=1)): {Rule.COMMAND},
        seven: {Rule.NUMBERING, Rule.AFTER_THE_END, Rule.FEED},
        ended.unfinished: {Rule.ORPHANED},
        ended.failed: {Rule.ROW},
    }


async def test_each_wrong_place_in_a_family_is_found(ended: Ended) -> None:
    root, child, shallow, elsewhere, lost, *_ = ended.completed
    become = (
        "UPDATE executions SET parent_id = $2::uuid, parent_task_id = 1, root_id = $3::uuid, depth = $4"
        " WHERE id = $1::uuid"
    )
    nowhere = str(UUID(int=7))
    await ended.execute(become, child, root, root, 1)
    await ended.execute(become, shallow, child, root, 1)
    await ended.execute(become, elsewhere, root, child, 1)
    await ended.execute(become, lost, nowhere, nowhere, 1)
    await ended.execute(become, ended.unfinished, root, root, 1)
    wrong = {str(finding.execution_id): finding.sentence for finding in await findings_in(ended.url)}
    assert wrong == {
        shallow: "its depth is 1, and by its parent 2",
        elsewhere: f"it is below {child}, its parent below {root}",
        ended.unfinished: f"it runs on although its parent {root} has ended, and was not asked to stop",
    }, "that of `lost` has been removed, which retention does first"


async def test_what_belongs_to_another_tenant_than_its_workflow_or_parent_is_found(ended: Ended) -> None:
    root, child, *_ = ended.completed
    sales = TENANT_ID + 1
    await ended.execute("INSERT INTO tenants (key, name) VALUES ('sales', 'Sales')")
    await ended.execute(
        "UPDATE executions SET parent_id = $2::uuid, parent_task_id = 1, root_id = $2::uuid, depth = 1, tenant_id = $3"
        " WHERE id = $1::uuid",
        child,
        root,
        sales,
    )
    await ended.execute("UPDATE workflow_revisions SET tenant_id = $1 WHERE workflow_id = 3", sales)
    found = {(str(f.execution_id), f.rule, f.sentence) for f in await findings_in(ended.url)}
    of_workflow_3 = f"it is of tenant {TENANT_ID}, revision 1 of workflow 3 of tenant {sales}"
    of_revision = f"revision 1 of workflow 3 is of tenant {sales}, the workflow of tenant {TENANT_ID}"
    assert found == {
        (child, Rule.TENANT, f"it is of tenant {sales}, revision 1 of workflow 1 of tenant {TENANT_ID}"),
        (child, Rule.TENANT, f"it is of tenant {sales}, its parent {root} of tenant {TENANT_ID}"),
        (ended.cancelled, Rule.TENANT, of_workflow_3),
        (ended.unfinished, Rule.TENANT, of_workflow_3),
        (str(NO_EXECUTION), Rule.TENANT, of_revision),
    }


async def test_a_family_that_is_too_large_is_a_warning(ended: Ended) -> None:
    root, *children = ended.completed
    become = (
        "UPDATE executions SET parent_id = $2::uuid, parent_task_id = 1, root_id = $2::uuid, depth = 1"
        " WHERE id = $1::uuid"
    )
    for child in children:
        await ended.execute(become, child, root)
    async with open_pool(ended.url, 1, 10) as pool:
        for most, expected in ((len(children), []), (len(children) - 1, [(root, Rule.FAMILY_SIZE)])):
            found = [finding async for finding in DatabaseCheck(pool, max_descendants=most).findings()]
            assert [(str(finding.execution_id), finding.rule) for finding in found] == expected
            assert all(finding.rule.is_warning for finding in found)


async def test_one_execution_alone(ended: Ended) -> None:
    broken, whole = ended.completed[:2]
    await ended.execute(f"DELETE FROM {EVENT} 'execution_completed'", broken)
    async with open_pool(ended.url, 1, 10) as pool:
        check = DatabaseCheck(pool, UUID(whole))
        assert [finding async for finding in check.findings()] == []
        assert (check.counts.executions, check.counts.events) == (1, 13)
        check = DatabaseCheck(pool, UUID(broken))
        assert {str(finding.execution_id) async for finding in check.findings()} == {broken}


async def test_a_command_that_no_engine_removed(ended: Ended) -> None:
    leave = (
        "INSERT INTO execution_commands (execution_id, type, name, reason, payload, created_at)"
        " VALUES ($1::uuid, 'cancel', '', '', 'null', now() - interval '1 hour')"
    )
    engine = (
        "INSERT INTO engines (name, started_at, lease_until)"
        " VALUES ('idle', now() - interval '1 hour', now() + interval '1 hour')"
    )
    await ended.execute(leave, ended.cancelled)
    await ended.execute(engine)
    await assert_clean(ended.url)
    for table, column, key in (
        ("executions", "finished_at", "id"),
        ("execution_events", "occurred_at", "execution_id"),
    ):
        await ended.execute(
            f"UPDATE {table} SET {column} = {column} - interval '1 hour' WHERE {key} = $1::uuid", ended.cancelled
        )
    rules = [finding.rule for finding in await findings_in(ended.url)]
    assert rules == [Rule.ROW, Rule.COMMAND], "the start's time in the row has not been changed"


async def test_a_history_longer_than_one_fetch(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.adapters.database.checking._EVENTS_AT_ONCE", 3)
    monkeypatch.setattr("app.adapters.database.checking._ROWS_AT_ONCE", 2)
    assert await findings_in(ended.url) == []


async def test_what_is_written_meanwhile_is_not_seen(ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of a busy database would otherwise compare rows of one moment with events of another."""
    monkeypatch.setattr("app.adapters.database.checking._EVENTS_AT_ONCE", 1)
    await ended.execute("UPDATE executions SET owner_id = 4711 WHERE id = $1::uuid", ended.unfinished)
    async with open_pool(ended.url, 1, 10) as pool:
        findings = DatabaseCheck(pool, UUID(ended.unfinished)).findings()
        first = await anext(findings)
        await ended.execute("DELETE FROM executions WHERE id = $1::uuid", ended.unfinished)
        assert first.rule is Rule.ORPHANED
        assert [finding async for finding in findings] == []


async def test_an_empty_database_is_clean(database_url: str) -> None:
    await assert_clean(database_url)


async def test_what_is_wrong_with_entities_is_found(database_url: str) -> None:
    async with machine_house(database_url) as house:
        machine = await house.define(FRAUD)
        one, two, three, four = [(await house.start(machine, key)).entity for key in "1234"]
        for entity in (one, two, three, four):
            await house.move(entity.id, to="cancelled")
    assert await findings_in(database_url) == []
    await ask(database_url, "UPDATE entities SET data = '{\"a\":1}' WHERE id = $1", one.id)
    await ask(database_url, "DELETE FROM entity_events WHERE entity_id = $1 AND sequence = 1", two.id)
    await ask(database_url, "DELETE FROM entities WHERE id = $1", three.id)
    await ask(database_url, "INSERT INTO entity_runs (execution_id, entity_id) VALUES ($1, $1)", four.id)
    rules: dict[UUID, set[Rule]] = {}
    for finding in await findings_in(database_url):
        rules.setdefault(finding.execution_id, set()).add(finding.rule)
    assert rules == {
        one.id: {Rule.ROW},
        two.id: {Rule.NUMBERING, Rule.OPENING, Rule.ENTITY},
        three.id: {Rule.NO_ROW},
        four.id: {Rule.ENTITY},
    }
