"""`workflow check` as a user calls it."""

import asyncio
import json
import re
from pathlib import Path

from typer.testing import CliRunner, Result

from app.cli import app
from tests.support.ended_executions import Ended


async def check(*words: str, database_url: str) -> Result:
    runner = CliRunner(env={"DATABASE_URL": database_url})
    return await asyncio.to_thread(runner.invoke, app, ["check", *words], catch_exceptions=False)


async def test_a_clean_database(ended: Ended) -> None:
    result = await check(database_url=ended.url)
    assert (result.exit_code, result.stderr) == (0, "")
    pattern = r"11 executions, \d+ events, 0 findings, 0 warnings in \d+\.\d s\n"
    assert re.fullmatch(pattern, result.stdout)


async def test_one_line_for_each_finding(ended: Ended) -> None:
    await ended.execute("UPDATE executions SET failure = NULL WHERE id = $1::uuid", ended.failed)
    result = await check("--database", ended.url, database_url="memory:")
    assert result.exit_code == 1
    first, summary = result.stdout.splitlines()
    assert first == f"{ended.failed} 0 row: the row has another failure than the history"
    assert "1 findings" in summary
    result = await check(ended.completed[0], database_url=ended.url)
    assert result.exit_code == 0
    assert result.stdout.startswith("1 executions, 13 events, 0 findings")


async def test_one_execution_by_the_end_or_the_beginning_of_its_id(ended: Ended) -> None:
    whole = ended.completed[0]
    result = await check(whole[-8:], database_url=ended.url)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("1 executions, ")
    several = await check(whole[:4], database_url=ended.url)
    assert (several.exit_code, several.stdout) == (2, "")
    assert several.stderr.startswith(f"error: several executions have an id that begins or ends with '{whole[:4]}':\n")
    assert f"  {ended.completed[-1]}  completed\n" in several.stderr
    assert several.stderr.endswith("  and more\n")
    missing = "error: no execution has an id that begins or ends with 'ffffffff'; give the whole id\n"
    assert (await check("ffffffff", database_url=ended.url)).stderr == missing


async def test_json(ended: Ended) -> None:
    await ended.execute("UPDATE executions SET failure = NULL WHERE id = $1::uuid", ended.failed)
    result = await check("--json", database_url=ended.url)
    finding, summary = map(json.loads, result.stdout.splitlines())
    assert finding == {
        "execution_id": ended.failed,
        "sequence": 0,
        "rule": "row",
        "warning": False,
        "sentence": "the row has another failure than the history",
    }
    assert (summary["executions"], summary["findings"], summary["warnings"]) == (11, 1, 0)


async def test_a_warning_alone_is_no_failure(ended: Ended) -> None:
    await ended.execute(
        "UPDATE execution_events SET occurred_at = occurred_at - interval '1 minute'"
        " WHERE execution_id = $1::uuid AND sequence = 4",
        ended.completed[0],
    )
    result = await check(database_url=ended.url)
    assert result.exit_code == 0
    line = rf"{ended.completed[0]} 4 clock: warning: it occurred 59\.\d+ seconds before the event before it"
    assert re.fullmatch(line, result.stdout.splitlines()[0])
    assert "0 findings, 1 warnings" in result.stdout


async def test_what_cannot_be_checked(database_url: str, empty_database_url: str, tmp_path: Path) -> None:
    nothing = f"file:{tmp_path / 'nothing'}"
    unknown = "00000000-0000-7000-8000-000000000000"
    cases = [
        ((), "memory:", "memory: is a database of a single process"),
        ((), nothing, "there is no database in"),
        ((), "mysql://somewhere", "DATABASE_URL starts with 'mysql'"),
        ((), "postgresql://postgres@127.0.0.1:1/none", "cannot be reached"),
        ((), empty_database_url, "has no tables yet"),
        (("seven",), database_url, "'seven' is not the id of an execution"),
        ((unknown,), database_url, f"execution '{unknown}' does not exist"),
    ]
    for words, url, sentence in cases:
        result = await check(*words, database_url=url)
        assert (result.exit_code, result.stdout) == (2, ""), url
        assert result.stderr.startswith("error: ")
        assert sentence in result.stderr
    assert not (tmp_path / "nothing").exists()
