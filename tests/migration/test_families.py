"""A database that was in use at revision 0009, with links in idempotency keys: families survive the way up and back."""

import asyncpg
import pytest
from alembic import command
from alembic.util import CommandError

from app.adapters.database_url import driver_dsn
from tests.support.histories import at, id_at
from tests.support.migrating import ask, run, schema

ROOT, CHILD, SECOND, GRANDCHILD, STRANGER, FORGED, LOST = (id_at(at(second)) for second in range(7))
KEYS = {
    ROOT: "mine",
    CHILD: f"child:{ROOT}/7:1",
    SECOND: f"child:{ROOT}/8@2[12]:3",
    GRANDCHILD: f"child:{CHILD}/9:1",
    STRANGER: None,
    FORGED: f"child:{STRANGER}/1:1 and more",
    LOST: "child:019a0000-0000-7000-8000-000000000001/1:1",
}
INSERT = """
INSERT INTO executions (id, workflow_id, created_at, started_at, finished_at, due_at, revision, status, input,
                        idempotency_key)
VALUES ($1, 1, now(), now(), CASE WHEN $3 THEN now() END, 'infinity', 1,
        CASE WHEN $3 THEN 'completed' ELSE 'running' END::execution_status, '{}', $2)
"""
LINKS = "SELECT id, parent_id, parent_task_id, parent_element, root_id, depth FROM executions ORDER BY id"


async def fill(url: str, *running: object) -> None:
    await run(command.upgrade, url, "0009")
    session = await asyncpg.connect(driver_dsn(url))
    for execution_id, key in KEYS.items():
        await session.execute(INSERT, execution_id, key, execution_id not in running)
    await session.close()


async def commands(url: str) -> list[tuple[object, ...]]:
    rows = await ask(url, "SELECT type, execution_id, name, reason FROM execution_commands ORDER BY type")
    return [tuple(row) for row in rows]


async def test_links_are_copied_and_callers_keys_that_only_look_like_them_are_not(empty_database_url: str) -> None:
    await fill(empty_database_url)
    await run(command.upgrade, empty_database_url, "0010")
    none = (None,) * 5
    assert [tuple(row) for row in await ask(empty_database_url, LINKS)] == [
        (ROOT, *none),
        (CHILD, ROOT, 7, None, ROOT, 1),
        (SECOND, ROOT, 8, 12, ROOT, 1),
        (GRANDCHILD, CHILD, 9, None, ROOT, 2),
        (STRANGER, *none),
        (FORGED, *none),
        (LOST, *none),
    ]
    assert await ask(empty_database_url, "SELECT FROM execution_commands") == []


async def test_a_parent_that_runs_is_told_which_of_its_children_have_ended(empty_database_url: str) -> None:
    await fill(empty_database_url, ROOT, SECOND)
    await run(command.upgrade, empty_database_url, "0010")
    assert ("child_ended", ROOT, str(CHILD), "") in await commands(empty_database_url)
    with pytest.raises(CommandError, match="holds parents or children that run"):
        await run(command.downgrade, empty_database_url, "0009")


async def test_children_that_nothing_waits_for_are_asked_to_stop(empty_database_url: str) -> None:
    await fill(empty_database_url, ROOT, SECOND, GRANDCHILD)
    named = (
        "INSERT INTO execution_events (execution_id, sequence, type, occurred_at, status, progress_percent, task_id,"
        " attempt, data) VALUES ($1, 1, 'task_progressed', now(), 'running', 0, 8, 3, $2)"
    )
    await ask(empty_database_url, named, ROOT, f'{{"child_id": "{SECOND}"}}')
    await run(command.upgrade, empty_database_url, "0010")
    assert await commands(empty_database_url) == [
        ("cancel", GRANDCHILD, "", "its parent has ended"),
        ("child_ended", ROOT, str(CHILD), ""),
    ]


async def test_a_child_whose_start_was_not_recorded_is_asked_to_stop(empty_database_url: str) -> None:
    await fill(empty_database_url, ROOT, SECOND)
    await run(command.upgrade, empty_database_url, "0010")
    assert ("cancel", SECOND, "", "its parent had not recorded its start") in await commands(empty_database_url)


async def test_the_way_back_names_parents_in_keys_again(empty_database_url: str) -> None:
    await fill(empty_database_url)
    before = await schema(empty_database_url)
    await run(command.upgrade, empty_database_url, "0010")
    await ask(empty_database_url, "UPDATE executions SET idempotency_key = NULL WHERE id = ANY ($1)", [CHILD, SECOND])
    await run(command.downgrade, empty_database_url, "0009")
    assert await schema(empty_database_url) == before
    stored = dict(await ask(empty_database_url, "SELECT id, idempotency_key FROM executions"))
    assert stored == {
        **KEYS,
        CHILD: f"child:{ROOT}/7:1000000001",
        SECOND: f"child:{ROOT}/8[12]:1000000002",
    }
    await run(command.upgrade, empty_database_url, "0010")
    roots = [row["root_id"] for row in await ask(empty_database_url, LINKS)]
    assert roots == [None, ROOT, ROOT, ROOT, None, None, None]
