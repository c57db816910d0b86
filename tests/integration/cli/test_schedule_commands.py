"""`workflow schedules` and `workflow schedule …` against the REST service itself."""

import asyncio
import json
import os
import pty
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from app.adapters.database.pool import open_pool
from app.background.defects import Defects
from app.cli import app as command
from app.cli.errors import CliError
from app.cli.scheduling import confirmation
from app.config import Settings
from app.wiring.rest_process import open_rest_process
from tests.support.applications import application
from tests.support.engine_process import store_workflow, workflow
from tests.support.walls import urls_for

Words = Callable[..., Awaitable[Result]]
YEARLY = ("--cron", "0 0 1 1 *")


@pytest.fixture
async def said(database_url: str) -> AsyncIterator[Words]:
    """Runs `workflow` with these words; there is a workflow `w`."""
    await store_workflow(database_url, workflow("w", []))
    with application() as app, socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        async def say(*words: str) -> Result:
            runner = CliRunner(env={"WORKFLOW_REST_URL": url})
            return await asyncio.to_thread(runner.invoke, command, list(words), catch_exceptions=False)

        settings = Settings(_env_file=None, **urls_for(database_url))
        async with open_rest_process(settings, Defects()) as app.state.services:
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            yield say
            server.should_exit = True
            await serving


async def test_the_life_of_a_schedule(said: Words):
    created = await said(
        "schedule", "create", "w", *YEARLY, "--key", "yearly", "--overlap", "queue", "-i", '{"a": 1}', "--utc"
    )
    assert (created.exit_code, created.stderr) == (0, "")
    assert created.stdout.startswith("schedule yearly is created; it fires next at ")
    assert created.stdout.endswith("-01-01 00:00:00Z\n")
    [listed] = [json.loads(line) for line in (await said("schedules", "--json")).stdout.splitlines()]
    assert (listed["key"], listed["overlap"], listed["input"]) == ("yearly", "queue", {"a": 1})
    table = (await said("schedules")).stdout.splitlines()
    assert table[0].split() == ["SCHEDULE", "WORKFLOW", "NEXT", "WHEN"]
    assert table[1].startswith("yearly    w         ")
    assert table[1].endswith("0 0 1 1 * UTC")
    shown = json.loads((await said("schedule", "show", "yearly", "--count", "2", "--json")).stdout)
    assert shown == listed | {"next": shown["next"]}
    assert len(shown["next"]) == 2
    assert (await said("schedule", "pause", "yearly")).stdout == "schedule yearly is paused\n"
    assert "paused" in (await said("schedules")).stdout
    assert (await said("schedule", "resume", "yearly")).stdout.startswith("schedule yearly is resumed; it fires next ")
    assert (await said("schedule", "delete", "yearly")).stdout == "schedule yearly is deleted\n"
    assert (await said("schedules", "--json")).stdout == ""


async def test_show_draws_fields_and_times(said: Words):
    await said("schedule", "create", "w", *YEARLY, "--time-zone", "Asia/Tokyo", "--catch-up", "60")
    lines = [line.split(maxsplit=1) for line in (await said("schedule", "show", "1", "--utc")).stdout.splitlines()]
    assert ["workflow", "w"] in lines
    assert ["time_zone", "Asia/Tokyo"] in lines
    assert ["catch_up_seconds", "60.0"] in lines
    assert [line[1][4:] for line in lines if line[0] == "fires"] == ["-12-31 15:00:00Z"] * 5


async def test_once(said: Words):
    assert "it fires next at" in (await said("schedule", "create", "w", "--in", "3600")).stdout
    later = await said("schedule", "create", "w", "--at", "2099-01-01T00:00:00Z", "--utc")
    assert later.stdout == "schedule 2 is created; it fires next at 2099-01-01 00:00:00Z\n"
    assert "once at 2099-01-01 00:00:00Z" in (await said("schedules", "--utc")).stdout


async def test_every_second_has_to_be_meant(said: Words):
    refused = await said("schedule", "create", "w", "--cron", "* * * * * *")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == "error: '* * * * * *' fires every second; add --yes if that is meant\n"
    assert (await said("schedule", "create", "w", "--cron", "* * * * * *", "--yes")).exit_code == 0
    assert (await said("schedule", "create", "w", *YEARLY, "--yes")).exit_code == 0


async def test_a_schedule_with_a_problem_is_shown_and_listed(said: Words, database_url: str):
    await said("schedule", "create", "w", *YEARLY)
    async with open_pool(database_url, size=1, timeout_seconds=20) as pool:
        await pool.execute("UPDATE schedules SET time_zone = 'Europe/Atlantis'")
    assert "has a problem" in (await said("schedules")).stdout
    shown = await said("schedule", "show", "1")
    assert shown.exit_code == 0
    assert "problem" in shown.stdout
    assert "time_zone: 'Europe/Atlantis' is no time zone" in shown.stdout


@pytest.mark.parametrize(("typed", "confirmed"), [("y\n", {"allow_every_second": True}), ("n\n", None), ("\n", None)])
def test_a_terminal_asks(monkeypatch: pytest.MonkeyPatch, typed: str, confirmed: dict[str, bool] | None):
    ours, theirs = pty.openpty()
    with open(theirs) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        os.write(ours, typed.encode())
        if confirmed is not None:
            assert confirmation("* * * * * *", yes=False) == confirmed
        else:
            with pytest.raises(CliError, match="no schedule is created"):
                confirmation("* * * * * *", yes=False)
    os.close(ours)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("create", "w"), "give one of --cron, --at and --in"),
        (("create", "w", *YEARLY, "--in", "5"), "give one of --cron, --at and --in"),
        (("create", "w", "--in", "9" * 30), f"--in '{'9' * 30}' is too far from now"),
        (("create", "w", "--in", "5 minutes"), "--in '5 minutes': give a length of time, as 90 (seconds), 90s, 5m, 2h"),
        (("create", "w", *YEARLY, "--catch-up", "late"), "--catch-up 'late': give a length of time, as 90 (seconds)"),
        (
            ("create", "w", "--at", "tomorrow"),
            "--at 'tomorrow' is not a date and time; give one as 2026-01-31T02:00:00Z",
        ),
        (("create", "w", "--at", "2001-01-01T00:00:00Z"), "at: "),
        (("create", "w", "--cron", "x"), "cron: has 1 field"),
        (("create", "w", *YEARLY, "-i", "[]"), "--input must be a JSON object"),
        (("create", "nobody", *YEARLY), "workflow 'nobody' does not exist; `workflow workflows` lists what there is"),
        (("show", "nobody"), "schedule 'nobody' does not exist; `workflow schedules` lists what there is"),
        (("pause", "no key"), "schedule 'no key' does not exist"),
    ],
)
async def test_what_is_wrong_is_a_sentence(said: Words, words: tuple[str, ...], message: str):
    result = await said("schedule", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
