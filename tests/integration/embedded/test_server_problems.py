"""A server that this program cannot work on is named as such before anything is served."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from app.adapters.database.migrations import migrate
from app.adapters.database.schema import schema_problem
from app.adapters.database_url import StorageError, driver_dsn
from tests.support.clients import rest_client
from tests.support.databases import ask
from tests.support.processes import REPOSITORY
from tests.support.rest_server_process import RestServerProcess
from tests.support.tenant import needs_default

RIGHTS = (
    "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public",
    "EXECUTE ON ALL FUNCTIONS IN SCHEMA public",
)


@asynccontextmanager
async def database_with(postgres_url: str, options: str) -> AsyncIterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    administration = await asyncpg.connect(driver_dsn(postgres_url))
    try:
        await administration.execute(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        await administration.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await administration.close()


@asynccontextmanager
async def login(database_url: str, *grants: str) -> AsyncIterator[str]:
    """The same database for a login that has only these rights."""
    name = f"login_{uuid.uuid4().hex}"
    administration = await asyncpg.connect(driver_dsn(database_url))
    try:
        await administration.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'geheim'")
        for grant in grants:
            await administration.execute(f"GRANT {grant} TO {name}")
        yield make_url(database_url).set(username=name, password="geheim").render_as_string(hide_password=False)
        await administration.execute(f"DROP OWNED BY {name}")
        await administration.execute(f"DROP ROLE {name}")
    finally:
        await administration.close()


async def test_an_encoding_that_cannot_hold_every_text(postgres_url: str) -> None:
    async with database_with(postgres_url, "ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'") as url:
        problem = await schema_problem(url)
        with pytest.raises(StorageError, match="has the encoding LATIN1, which cannot hold every text"):
            await migrate(url)
    assert problem is not None
    assert "has the encoding LATIN1" in problem


async def test_a_database_that_is_read_only(database_url: str) -> None:
    name = make_url(database_url).database
    await ask(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    problem = await schema_problem(database_url)
    assert problem is not None
    assert "is read-only, as a standby is; name the primary in DATABASE_URL" in problem


async def test_a_right_that_is_missing(open_database_url: str) -> None:
    async with login(open_database_url, *RIGHTS) as url:
        assert await schema_problem(url) is None
        name = make_url(url).username
        await ask(open_database_url, f"REVOKE SELECT ON executions FROM {name}")
        problem = await schema_problem(url)
    assert problem == (
        f"The login '{name}' lacks the right SELECT on executions; name workflow_api in DATABASE_URL, to which "
        "`workflow database init` gives its rights, or the login that owns the tables."
    )


@needs_default("its database has no walls")
async def test_rights_on_tables_suffice_without_any_on_sequences(open_database_url: str) -> None:
    """PostgreSQL asks for no right on the sequence of an identity column, unlike on that of a serial column."""
    numbered = await ask(
        open_database_url,
        "SELECT array_agg(table_name::text || ' ' || is_identity ORDER BY table_name) FROM information_schema.columns "
        "WHERE table_schema = 'public' AND (is_identity = 'YES' OR column_default LIKE 'nextval(%')",
    )
    tables = "api_keys engines execution_commands feed machines schedules suggestions tasks tenants"
    assert numbered == [f"{table} YES" for table in (*tables.split(), "ui_sessions", "workflows")]
    async with login(open_database_url, *RIGHTS) as url:
        name = make_url(url).username
        granted = await ask(open_database_url, f"SELECT has_sequence_privilege('{name}', 'tasks_id_seq', 'USAGE')")
        rest = RestServerProcess(url, "")
        await rest.start()
        try:
            async with rest_client(base_url=rest.url, timeout=120) as client:
                task = {"name": "a", "execution_type": "sync", "sequence": 1}
                workflow = await client.post("/workflows", json={"name": "w", "key": "w", "tasks": [task]})
                schedule = await client.post("/schedules", json={"workflow": "w", "cron": "0 0 * * *"})
        finally:
            await rest.close()
    assert granted is False
    assert (workflow.status_code, schedule.status_code) == (201, 201), (workflow.text, schedule.text)


async def test_a_question_that_is_refused_is_a_sentence(open_database_url: str) -> None:
    async with login(open_database_url, "SELECT, INSERT, UPDATE, DELETE ON workflows") as url:
        problem = await schema_problem(url)
        assert problem is not None
        assert "lacks the right SELECT on alembic_version" in problem
    async with login(open_database_url, *RIGHTS) as url:
        await ask(open_database_url, f"REVOKE EXECUTE ON FUNCTION start_execution FROM {make_url(url).username}")
        problem = await schema_problem(url)
        assert problem is not None
        assert "lacks the right EXECUTE on start_execution" in problem


@needs_default("its database has no walls")
async def test_readiness_follows_the_database(open_database_url: str) -> None:
    """503 with the sentence when the database has become read-only or refuses the question, and 200 again after it."""
    async with login(open_database_url, *RIGHTS) as url:
        name = make_url(url).username
        rest = RestServerProcess(url, "")
        await rest.start()
        try:
            async with rest_client(base_url=rest.url.removesuffix("/api/v1"), timeout=120) as client:
                assert (await client.get("/readyz")).status_code == 200
                await ask(open_database_url, f"ALTER ROLE {name} SET default_transaction_read_only = on")
                read_only = await client.get("/readyz")
                await ask(open_database_url, f"ALTER ROLE {name} RESET default_transaction_read_only")
                await ask(open_database_url, f"REVOKE SELECT ON alembic_version FROM {name}")
                refused = await client.get("/readyz")
                await ask(open_database_url, f"GRANT SELECT ON alembic_version TO {name}")
                assert (await client.get("/readyz")).status_code == 200
        finally:
            await rest.close()
    assert (read_only.status_code, read_only.json()["code"]) == (503, "not_ready")
    assert "is read-only" in read_only.json()["detail"]
    assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
    assert "lacks the right SELECT on alembic_version" in refused.json()["detail"]


async def alembic(database_url: str, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "alembic",
        *(arguments or ("upgrade", "head")),
        cwd=REPOSITORY,
        env=os.environ | {"DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.mark.parametrize("form", ["postgresql", "postgres", " postgresql+asyncpg", "option"])
async def test_alembic_takes_every_address_that_the_processes_take(empty_database_url: str, form: str) -> None:
    rest = empty_database_url.partition("://")[2]
    url = f"{empty_database_url}?sslmode=prefer" if form == "option" else f"{form}://{rest}"
    code, output = await alembic(url)
    assert (code, output) == (0, output)
    assert await schema_problem(empty_database_url) is None


async def test_four_alembics_at_once_wait_for_each_other(empty_database_url: str) -> None:
    ended = await asyncio.gather(*(alembic(empty_database_url) for _ in range(4)))
    assert [code for code, _ in ended] == [0, 0, 0, 0], ended
    assert await schema_problem(empty_database_url) is None


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgresql://me:geheim@127.0.0.1:1/none", "cannot be reached: Connection refused"),
        ("postgresql://me:geheim@db:port/none", "is not a valid address"),
        ("mysql://me:geheim@db/none", "'mysql', which is not supported"),
        ("memory:", "migrates a database of its own"),
    ],
)
async def test_alembic_fails_in_a_sentence_without_the_password(url: str, sentence: str) -> None:
    code, output = await alembic(url)
    assert code == 1
    assert sentence in output
    assert "geheim" not in output
    assert "Traceback" not in output


async def test_alembic_creates_nothing_where_the_processes_would_not_start(postgres_url: str) -> None:
    async with database_with(postgres_url, "ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'") as url:
        latin, problem = await alembic(url), await schema_problem(url)
        tables = await ask(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    assert latin == (1, f"alembic: {problem}\n")
    assert tables == 0


async def test_alembic_says_that_a_database_is_read_only(empty_database_url: str) -> None:
    name = make_url(empty_database_url).database
    await ask(empty_database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    code, output = await alembic(empty_database_url)
    assert code == 1
    assert "is read-only, as a standby is; name the primary in DATABASE_URL" in output


async def test_alembic_prints_its_statements_without_a_database() -> None:
    code, output = await alembic("postgresql://me:geheim@127.0.0.1:1/none", "upgrade", "head", "--sql")
    assert code == 0
    assert "CREATE TABLE executions" in output
