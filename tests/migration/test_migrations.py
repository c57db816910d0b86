"""The migrations on a real database: there, back and there again, and where they lead."""

import asyncio

import pytest
from alembic import command

from app.adapters.database.migrations import migrate
from app.adapters.database.schema import Revisions, schema_problem
from app.adapters.database_url import StorageError
from tests.support.migrating import ask, run, schema

HEAD = Revisions.read().head


async def test_up_down_and_up_again(empty_database_url):
    await run(command.upgrade, empty_database_url, "head")
    first = await schema(empty_database_url)
    await run(command.downgrade, empty_database_url, "base")
    assert await schema(empty_database_url) == []
    await run(command.upgrade, empty_database_url, "head")
    assert await schema(empty_database_url) == first
    assert first


async def test_the_migrations_lead_to_the_models(database_url):
    await run(command.check, database_url)


async def test_migrating_is_repeatable(empty_database_url):
    assert await schema_problem(empty_database_url)
    await migrate(empty_database_url)
    assert await schema_problem(empty_database_url) is None
    await migrate(empty_database_url)


async def test_processes_that_migrate_together_do_not_collide(empty_database_url):
    await asyncio.gather(*(migrate(empty_database_url) for _ in range(4)))
    assert await schema_problem(empty_database_url) is None


async def test_a_database_of_a_newer_program_is_left_alone(database_url):
    await ask(database_url, "UPDATE alembic_version SET version_num = 'of the future'")
    problem = await schema_problem(database_url)
    assert problem == (
        f"The database is at revision of the future, and this program needs revision {HEAD}: "
        "a newer program has changed it, so start that one."
    )
    with pytest.raises(StorageError, match="a newer program has changed it"):
        await migrate(database_url)


async def test_an_empty_database_is_named_as_such(empty_database_url):
    problem = await schema_problem(empty_database_url)
    assert problem.startswith(f"The database has no tables yet, and this program needs revision {HEAD}: run ")


async def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_database_url):
    await ask(empty_database_url, "CREATE TABLE workflows (in_the_way int)")
    with pytest.raises(StorageError, match="The migration failed, and the database is as it was"):
        await migrate(empty_database_url)
    tables = await ask(empty_database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert [row["tablename"] for row in tables] == ["workflows"]


def test_the_known_revisions_form_one_line(tmp_path):
    (tmp_path / "one.py").write_text('revision = "1"\ndown_revision = None\n')
    (tmp_path / "two.py").write_text('revision = "2"\ndown_revision = "1"\n')
    assert Revisions.read(tmp_path) == Revisions(frozenset({"1", "2"}), "2")
    (tmp_path / "three.py").write_text('revision = "3"\ndown_revision = "1"\n')
    with pytest.raises(StorageError, match="2 heads instead of one"):
        Revisions.read(tmp_path)
