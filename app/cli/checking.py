"""`workflow check`: reads the database directly, so that it also works while the service is down."""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

from app.adapters.database.checking import DatabaseCheck, ids_like
from app.adapters.database.pool import Pool
from app.adapters.database_url import StorageError
from app.checking.findings import Finding
from app.cli.checked_database import open_checked, refuse_nothing_to_check
from app.cli.errors import CliError
from app.cli.execution_ids import MOST_CANDIDATES, Candidate, digits_of, is_whole, the_one
from app.cli.screen.console import failures, results
from app.engine.ports import StoreUnreachable

FOUND_SOMETHING = 1
TELL_EVERY_SECONDS = 2.0


@dataclass(slots=True)
class Tally:
    findings: int = 0
    warnings: int = 0

    def add(self, finding: Finding) -> None:
        self.warnings += finding.rule.is_warning
        self.findings += not finding.rule.is_warning


class Progress:
    """Reports on stderr, every few seconds, how far a long check is."""

    def __init__(self) -> None:
        self.began = self._told = time.monotonic()
        self.check: DatabaseCheck | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def tell(self) -> None:
        now = time.monotonic()
        if self.check is not None and now - self._told >= TELL_EVERY_SECONDS:
            self._told = now
            counts = self.check.counts
            failures().say(f"{counts.executions:,} executions with {counts.events:,} events after {self.seconds:.0f} s")


def check_database(database_url: str, execution: str | None, max_descendants: int, *, feed: bool, as_json: bool) -> int:
    """Print the findings and a summary; return the exit code. Raise `CliError` when the database cannot be checked."""
    if feed and execution is not None:
        raise CliError("--feed verifies the feed of all executions; leave the execution out")
    if execution is not None and not is_whole(execution):
        digits_of(execution)
    try:
        refuse_nothing_to_check(database_url)
        return asyncio.run(_check(database_url, execution, max_descendants, feed=feed, as_json=as_json))
    except (StorageError, StoreUnreachable) as error:
        raise CliError(str(error)) from None


async def _check(database_url: str, execution: str | None, max_descendants: int, *, feed: bool, as_json: bool) -> int:
    progress = Progress()
    tally = Tally()
    async with open_checked(database_url) as pool:
        execution_id = None if execution is None else await _execution_id(pool, execution)
        progress.check = check = DatabaseCheck(pool, execution_id, progress.tell, max_descendants, feed=feed)
        async for finding in check.findings():
            tally.add(finding)
            _print(finding, as_json=as_json)
    if execution_id is not None and check.counts.executions == 0:
        raise CliError(f"execution '{execution_id}' does not exist")
    _summarise(check, tally, progress.seconds, as_json=as_json)
    return FOUND_SOMETHING if tally.findings else 0


async def _execution_id(pool: Pool, text: str) -> UUID:
    if is_whole(text):
        return UUID(text)
    found = await ids_like(pool, digits_of(text), MOST_CANDIDATES + 1)
    candidates = [Candidate(str(execution_id), status) for execution_id, status in found]
    return UUID(the_one(text, candidates, "no execution"))


def _print(finding: Finding, *, as_json: bool) -> None:
    if not as_json:
        results().say(str(finding))
        return
    results().json_line(
        {
            "execution_id": str(finding.execution_id),
            "sequence": finding.sequence,
            "rule": finding.rule.value,
            "warning": finding.rule.is_warning,
            "sentence": finding.sentence,
        }
    )


def _summarise(check: DatabaseCheck, tally: Tally, seconds: float, *, as_json: bool) -> None:
    counts = {
        "executions": check.counts.executions,
        "events": check.counts.events,
        "findings": tally.findings,
        "warnings": tally.warnings,
    }
    if as_json:
        results().json_line({**counts, "seconds": round(seconds, 3)})
        return
    results().say(", ".join(f"{count:,} {word}" for word, count in counts.items()) + f" in {seconds:.1f} s")
