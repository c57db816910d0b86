"""A process with AUTH=on starts only if something keeps its callers apart."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.adapters.database.walls.raising import raise_walls
from app.adapters.database.walls.rules import API, ENGINE, OWNER, WALLS
from app.adapters.database.walls.self_test import wall_problem
from app.adapters.database_url import StorageError
from app.background.defects import Defects
from app.config import Settings
from app.wiring.grpc_process import open_engine_process
from app.wiring.rest_process import open_rest_process
from tests.integration.walls.conftest import session
from tests.support.walls import api_url, behind_walls, engine_url, owner_url

REMEDY = "run `workflow database init`, and name the login workflow_api in DATABASE_URL (docs/identity.md)."


def settings_for(auth: str, urls: Mapping[str, str]) -> Settings:
    return Settings(_env_file=None, auth=auth, **urls)


async def test_the_walls_of_this_program_are_accepted(database_url: str) -> None:
    assert await wall_problem(api_url(database_url)) is None


async def test_a_superuser_is_refused(database_url: str) -> None:
    problem = await wall_problem(database_url)
    assert problem is not None
    assert "is a superuser, whom nothing keeps from the data of other tenants" in problem
    assert problem.endswith(REMEDY)


async def test_the_owner_is_refused(database_url: str) -> None:
    problem = await wall_problem(owner_url(database_url))
    assert problem is not None
    assert "owns the table workflows and could take the walls down" in problem


@pytest.mark.parametrize("table", [wall.table for wall in WALLS])
@pytest.mark.parametrize(
    "damage",
    ["ALTER TABLE {} NO FORCE ROW LEVEL SECURITY", "ALTER TABLE {} DISABLE ROW LEVEL SECURITY"],
    ids=["not forced", "off"],
)
async def test_a_table_without_walls_is_refused(module_database_url: str, table: str, damage: str) -> None:
    problem = await _problem_after(module_database_url, damage.format(table))
    assert problem is not None
    assert f"the table {table} has no forced row-level security with a policy" in problem


async def test_a_table_without_policies_is_refused(module_database_url: str) -> None:
    drop = "; ".join(f"DROP POLICY rows_of_{role} ON executions" for role in (OWNER, API, ENGINE))
    problem = await _problem_after(module_database_url, drop)
    assert problem is not None
    assert "the table executions has no forced row-level security with a policy" in problem


@pytest.mark.parametrize("role", ["workflow_api", "PUBLIC"])
async def test_a_policy_that_shows_everything_is_refused(module_database_url: str, role: str) -> None:
    problem = await _problem_after(module_database_url, f"CREATE POLICY extra ON schedules TO {role} USING (true)")
    assert problem is not None
    assert "the table schedules has a policy that shows all rows to every tenant" in problem


async def _problem_after(url: str, damage: str) -> str | None:
    """What is found while the damage lasts."""
    async with session(url) as main:
        await main.execute(damage)
        try:
            return await wall_problem(api_url(url))
        finally:
            await main.execute("DROP POLICY IF EXISTS extra ON schedules")
            await raise_walls(main)


async def test_walls_of_another_version_are_refused(database_url: str) -> None:
    async with session(database_url) as main:
        await main.execute("COMMENT ON TABLE alembic_version IS 'walls of another version'")
    problem = await wall_problem(api_url(database_url))
    assert problem is not None
    assert "the walls between tenants were raised by another version of this program" in problem


@pytest.mark.parametrize("auth", ["on", "off"])
@pytest.mark.parametrize("process", ["rest", "grpc"])
async def test_a_single_login_serves_one_tenant_only(open_database_url: str, process: str, auth: str) -> None:
    """A database with one login works as before, unless callers of several tenants could come."""
    problem = await _starts(process, settings_for(auth, {"database_url": open_database_url}))
    assert (problem or "").endswith("" if auth == "off" else REMEDY)
    assert (problem is None) == (auth == "off")


@pytest.mark.parametrize("process", ["rest", "grpc"])
async def test_behind_the_walls_a_process_starts(database_url: str, process: str) -> None:
    assert await _starts(process, settings_for("on", behind_walls(database_url))) is None


async def test_an_engine_with_the_login_of_callers_is_refused(database_url: str) -> None:
    """It would see nothing, and no execution would ever run."""
    problem = await _starts("grpc", settings_for("off", {"database_url": api_url(database_url)}))
    assert problem is not None
    assert "The login 'workflow_api' lacks the right" in problem
    assert "name workflow_engine in ENGINE_DATABASE_URL" in problem


async def test_callers_with_the_login_of_the_engine_are_refused(database_url: str) -> None:
    problem = await _starts("rest", settings_for("off", {"database_url": engine_url(database_url)}))
    assert problem is not None
    assert "name workflow_api in DATABASE_URL" in problem


async def _starts(process: str, settings: Settings) -> Any:
    """None if the process starts, else why not."""
    opened: Any = open_rest_process(settings, Defects()) if process == "rest" else open_engine_process(settings)
    try:
        async with opened:
            return None
    except StorageError as error:
        return str(error)
