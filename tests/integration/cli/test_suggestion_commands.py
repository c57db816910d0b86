"""`workflow suggestions …` against the REST service itself, with planted histories."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner, Result

from app.adapters.database.pool import open_pool
from app.adapters.database.suggestion_runs import PostgresHistories
from app.adapters.database.suggestions import PostgresSuggestionStore
from app.cli import app as command
from app.config import Settings
from app.insights.computing import Computing
from tests.integration.cli.conftest import service_with
from tests.support.engine_process import store_workflow
from tests.support.planted_histories import moved_to, planted_draft, planted_history, planted_workflow, store_history
from tests.support.tenant import TENANT_ID
from tests.support.walls import api_url, urls_for

Words = Callable[..., Awaitable[Result]]


@pytest.fixture
async def said(database_url: str) -> AsyncIterator[Words]:
    """Runs `workflow suggestions` with these words; suggestions of the workflow `planted` are computed."""
    stored, model = await store_workflow(database_url, planted_draft("planted")), planted_workflow(1)
    history = planted_history(model, 60, datetime.now(UTC))
    await store_history(database_url, TENANT_ID, stored, moved_to(history, stored, model))
    async with open_pool(api_url(database_url), 1, 30) as pool:
        await Computing(PostgresSuggestionStore(pool), PostgresHistories(pool)).of_tenant(TENANT_ID)

    async with service_with(Settings(_env_file=None, **urls_for(database_url))) as url:

        async def say(*words: str) -> Result:
            runner = CliRunner(env={"WORKFLOW_REST_URL": url})
            return await asyncio.to_thread(runner.invoke, command, ["suggestions", *words], catch_exceptions=False)

        yield say


async def test_the_life_of_a_suggestion(said: Words) -> None:
    listed = [json.loads(line) for line in (await said("list", "--json")).stdout.splitlines()]
    assert len(listed) == 3
    one = next(found for found in listed if found["rule"] == "set_timeout")
    number = str(one["id"])
    table = (await said("list", "--workflow", "planted", "--rule", "set_timeout")).stdout
    assert "set_timeout" in table
    assert "add_retries" not in table
    shown = await said("show", number, "--evidence")
    assert "replace  /tasks/4/timeout_seconds" in shown.stdout
    assert "the same numbers" in shown.stdout
    approved = await said("approve", number, "--by", "Ada", "--notes", "go")
    assert f"suggestion {number} is approved; revision 2 of planted has it" in approved.stdout
    again = await said("approve", number)
    assert again.exit_code == 2
    assert "is approved, not open" in again.stderr
    assert "Ada" in (await said("show", number)).stdout
    assert f"suggestion {number} is undone" in (await said("undo", number)).stdout
    other = next(str(found["id"]) for found in listed if found["rule"] == "add_retries")
    assert "is rejected" in (await said("reject", other, "--reason", "no")).stdout
    left = [json.loads(line)["id"] for line in (await said("list", "--json")).stdout.splitlines()]
    assert len(left) == 1
    assert len((await said("list", "--status", "all", "--json")).stdout.splitlines()) == 3


async def test_computing_is_asked_for(said: Words) -> None:
    assert "the last time was never" in (await said("compute")).stdout


async def test_what_is_unknown_is_told_in_a_sentence(said: Words) -> None:
    unknown = await said("show", "999")
    assert unknown.exit_code == 2
    assert "suggestion '999' does not exist" in unknown.stderr
    assert "does not exist" in (await said("list", "--workflow", "nothing")).stderr
