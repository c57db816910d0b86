"""`workflow database init` on a server of one's own.

It is not the server of other tests, because roles and their passwords belong to a server.
"""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command
from sqlalchemy.engine import make_url
from typer.testing import CliRunner, Result

from app.adapters.database.migrations import migrate
from app.adapters.database.schema import schema_problem
from app.adapters.database.walls.rules import ENGINE
from app.adapters.database.walls.self_test import wall_problem
from app.adapters.database_url import Login, StorageError, with_login
from app.adapters.embedded import open_storage
from app.cli import app
from app.config import Settings
from app.wiring.schema import open_logins
from tests.integration.walls.conftest import FILL, session
from tests.support.migrating import run
from tests.support.postgres import database_on, new_name

PASSWORDS = {"workflow_api": "gehe/im:@", "workflow_engine": "maschine", "workflow_owner": "eigner"}


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[str]:
    async with open_storage("memory:") as url:
        yield url


@pytest.fixture
def database(server: str) -> str:
    """The address of a database that does not exist yet, with the login of the superuser."""
    return database_on(server, new_name())


def as_login(url: str, role: str) -> str:
    return with_login(url, Login(role, PASSWORDS[role]))


async def init(url: str, admin_url: str, **changed: str) -> Result:
    environment = {
        "WORKFLOW_ADMIN_DATABASE_URL": admin_url,
        "DATABASE_URL": as_login(url, "workflow_api"),
        "ENGINE_DATABASE_URL": as_login(url, "workflow_engine"),
        "MIGRATION_DATABASE_URL": as_login(url, "workflow_owner"),
    }
    runner = CliRunner(env=environment | changed)
    return await asyncio.to_thread(runner.invoke, app, ["database", "init"], catch_exceptions=False)


async def assert_ready(url: str) -> None:
    assert await wall_problem(as_login(url, "workflow_api")) is None
    assert await schema_problem(as_login(url, "workflow_api")) is None
    assert await schema_problem(as_login(url, "workflow_engine"), ENGINE) is None


async def test_it_makes_everything_that_is_missing(server: str, database: str) -> None:
    result = await init(database, server)
    assert result.exit_code == 0, result.output
    name = make_url(database).database
    assert f"/{name} is at revision " in result.stdout
    assert all(password not in result.output for password in PASSWORDS.values())
    await assert_ready(database)


async def test_it_can_be_repeated(server: str, database: str) -> None:
    for _ in range(2):
        result = await init(database, server)
        assert result.exit_code == 0, result.output
    await assert_ready(database)


async def test_a_database_in_use_keeps_its_data(server: str, database: str) -> None:
    async with session(server) as main:
        await main.execute(f"CREATE DATABASE {make_url(database).database}")
    await migrate(database)
    async with session(database) as main:
        await main.execute(FILL)
    result = await init(database, server)
    assert result.exit_code == 0, result.output
    await assert_ready(database)
    async with session(as_login(database, "workflow_engine")) as engine:
        assert await engine.fetchval("SELECT count(*) FROM executions") == 2


async def test_a_new_password_is_taken(server: str, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await init(database, server)
    monkeypatch.setitem(PASSWORDS, "workflow_api", "another")
    await init(database, server)
    await assert_ready(database)


async def test_the_owner_migrates_and_the_walls_stay(server: str, database: str) -> None:
    """An upgrade by the owner's login alone gives new functions and tables what they need."""
    await init(database, server)
    owner = as_login(database, "workflow_owner")
    await run(command.downgrade, owner, "0013")
    assert await wall_problem(as_login(database, "workflow_api")) is not None
    await run(command.upgrade, owner, "head")
    problem = await wall_problem(as_login(database, "workflow_api"))
    assert problem is not None
    assert "run `workflow database init`" in problem
    await init(database, server)
    async with session(owner) as session_of_owner:
        await session_of_owner.execute("ALTER TABLE executions DISABLE ROW LEVEL SECURITY")
        await session_of_owner.execute("COMMENT ON TABLE alembic_version IS 'walls of 0013'")
    await run(command.upgrade, owner, "head")
    await assert_ready(database)


async def test_who_is_no_superuser_can_run_it(database: str) -> None:
    """A managed server has no superuser for its customers, only one who may make roles and databases."""
    async with open_storage("memory:") as server:
        async with session(server) as main:
            await main.execute("CREATE ROLE manager LOGIN CREATEROLE CREATEDB PASSWORD 'manager'")
        url, admin = database_on(server, new_name()), with_login(server, Login("manager", "manager"))
        for _ in range(2):
            result = await init(url, admin)
            assert result.exit_code == 0, result.output
        await assert_ready(url)
        async with session(server) as main:
            members = await main.fetch(
                "SELECT roleid::regrole::text FROM pg_auth_members"
                " WHERE member = 'manager'::regrole AND (inherit_option OR set_option)"
            )
        assert members == []


async def test_a_role_that_passes_walls_is_refused(database: str) -> None:
    async with open_storage("memory:") as server:
        url = database_on(server, new_name())
        async with session(server) as main:
            await main.execute("CREATE ROLE workflow_api LOGIN BYPASSRLS")
        result = await init(url, server)
        assert result.exit_code == 2
        assert "The role workflow_api is a superuser or has BYPASSRLS" in result.output
        async with session(server) as main:
            await main.execute("ALTER ROLE workflow_api NOBYPASSRLS; CREATE ROLE workflow_engine LOGIN")
            await main.execute("GRANT workflow_engine TO workflow_api")
        result = await init(url, server)
        assert result.exit_code == 2
        assert "REVOKE workflow_engine FROM workflow_api" in result.output


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"WORKFLOW_ADMIN_DATABASE_URL": ""}, "give the address of a login that may make roles and databases"),
        ({"DATABASE_URL": "file:here"}, "DATABASE_URL must name a server"),
        ({"DATABASE_URL": "postgresql://me:geheim@h/d"}, "DATABASE_URL names the login 'me', and this command makes"),
        ({"ENGINE_DATABASE_URL": ""}, "ENGINE_DATABASE_URL is not set: this command makes the login in it"),
        ({"ENGINE_DATABASE_URL": "postgresql://workflow_engine:x@h/other"}, "must name one database"),
        ({"MIGRATION_DATABASE_URL": "postgresql://workflow_api:x@h/d"}, "MIGRATION_DATABASE_URL names the login"),
        ({"DATABASE_URL": "postgresql://workflow_api:%C3%A4@h/d"}, "characters other than those of ASCII"),
        ({"WORKFLOW_ADMIN_DATABASE_URL": "postgresql://x:y@127.0.0.1:1/d"}, "The database cannot be reached"),
    ],
    ids=["no admin", "folder", "other login", "no engine", "two databases", "wrong owner", "password", "unreachable"],
)
async def test_what_is_missing_is_said(server: str, database: str, changed: dict[str, str], sentence: str) -> None:
    result = await init(database, server, **changed)
    assert result.exit_code != 0
    assert sentence in " ".join(result.output.split())
    assert "geheim" not in result.output


async def test_the_admin_must_be_allowed_to(database: str) -> None:
    async with open_storage("memory:") as server:
        async with session(server) as main:
            await main.execute("CREATE ROLE nobody LOGIN PASSWORD 'nobody'")
        result = await init(database_on(server, new_name()), with_login(server, Login("nobody", "nobody")))
    assert result.exit_code == 2
    assert "The database refuses what this program needs: permission denied to create role" in result.output


async def test_an_embedded_database_takes_no_other_login(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("embedded")
    settings = Settings(_env_file=None, database_url=f"file:{folder}", engine_database_url="postgresql://x@h/d")
    with pytest.raises(StorageError, match="ENGINE_DATABASE_URL is set, but DATABASE_URL names an embedded database"):
        async with open_logins(settings, lambda _: None):
            pass


async def test_the_processes_of_an_embedded_database_have_logins_of_their_own() -> None:
    settings = Settings(_env_file=None, database_url="memory:", auth="on")
    names = []
    async with open_logins(settings, lambda _: None) as logins:
        for url in (logins.api, logins.engine):
            async with session(url) as opened:
                names.append(await opened.fetchval("SELECT current_user"))
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await opened.execute("CREATE ROLE another")
    assert names == ["workflow_api", "workflow_engine"]
