"""What must be true of a database after every test that ran executions on it."""

from datetime import timedelta
from pathlib import Path

from app.adapters.database.checking import DatabaseCheck
from app.adapters.database.checking_entities import entity_findings
from app.adapters.database.pool import open_pool
from app.adapters.database.schema import schema_problem
from app.adapters.embedded import open_storage
from app.checking.findings import Finding

STATEMENT_SECONDS = 120.0


async def findings_in(database_url: str) -> list[Finding]:
    """Everything that `workflow check --feed` says of the migrated database at `database_url`, warnings included."""
    async with open_pool(database_url, 1, STATEMENT_SECONDS) as pool:
        check = DatabaseCheck(pool, feed=True, stored_late=timedelta(0))
        return [finding async for finding in check.findings()]


async def assert_clean(database_url: str) -> None:
    """Fail with every broken rule; executions that still run are fine."""
    broken = [str(finding) for finding in await findings_in(database_url) if not finding.rule.is_warning]
    assert not broken, "\n".join(["the histories are broken:", *broken])


async def assert_entities_clean(database_url: str) -> None:
    """The same for entities alone, on a database whose executions a test has changed by hand."""
    async with open_pool(database_url, 1, STATEMENT_SECONDS) as pool, pool.acquire() as session, session.transaction():
        broken = [str(finding) async for finding in entity_findings(session) if not finding.rule.is_warning]
    assert not broken, "\n".join(["the entities are broken:", *broken])


async def assert_folder_clean(folder: Path) -> None:
    """The same for an embedded database that nobody has open any more, where it has come so far as to have tables."""
    async with open_storage(f"file:{folder}") as url:
        if await schema_problem(url) is None:
            await assert_clean(url)
