"""`workflow audit verify`: reads the database itself, as `workflow check` does."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.adapters.database.audit import PostgresAudit
from app.adapters.database.identity import PostgresTenantStore
from app.adapters.database.pool import Pool
from app.adapters.database_url import StorageError
from app.audit.entry import Head
from app.audit.verifying import Finding, Verifier
from app.cli.checked_database import open_checked, refuse_nothing_to_check
from app.cli.errors import CliError
from app.cli.screen.console import failures, results
from app.domain.errors import Unavailable
from app.domain.tenants import Tenant

FOUND_SOMETHING = 1
TELL_EVERY_SECONDS = 2.0
TENANTS_AT_ONCE = 200

_ANCHOR = re.compile(r"([1-9][0-9]{0,17}):([0-9a-fA-F]{64})")

Anchors = Mapping[int, bytes]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the log of one tenant is like.

    tenant: the tenant's key.
    last: the last entry that is right.
    finding: the first that is not; None if all are right.
    """

    tenant: str
    last: Head
    finding: Finding | None


def parse_anchors(given: Sequence[str], tenant: str | None) -> Anchors:
    """The hashes by number. Raise `CliError` for a text that is no anchor, or without a tenant that they belong to."""
    if given and tenant is None:
        raise CliError("--anchor needs --tenant, because each tenant has a log of its own")
    anchors = {}
    for text in given:
        found = _ANCHOR.fullmatch(text)
        if found is None:
            raise CliError(f"--anchor {text!r}: give NUMBER:HASH from a line `audit_head`; the hash has 64 digits")
        anchors[int(found[1])] = bytes.fromhex(found[2])
    return anchors


def verify_database(database_url: str, tenant: str | None, anchors: Anchors, *, as_json: bool) -> int:
    """Print a line per tenant; return the exit code. Raise `CliError` when the database cannot be read."""
    try:
        refuse_nothing_to_check(database_url)
        return asyncio.run(_verify(database_url, tenant, anchors, as_json=as_json))
    except (StorageError, Unavailable) as error:
        raise CliError(str(error)) from None


async def _verify(database_url: str, tenant: str | None, anchors: Anchors, *, as_json: bool) -> int:
    is_wrong = False
    async with open_checked(database_url) as pool:
        for one in await _tenants(pool, tenant):
            verdict = await verdict_on(PostgresAudit(pool), one, anchors, Progress())
            is_wrong |= verdict.finding is not None
            _print(verdict, as_json=as_json)
    return FOUND_SOMETHING if is_wrong else 0


async def _tenants(pool: Pool, wanted: str | None) -> Sequence[Tenant]:
    store = PostgresTenantStore(pool)
    if wanted is not None:
        found = await store.tenant(wanted)
        if found is None:
            raise CliError(f"tenant {wanted!r} does not exist")
        return [found]
    tenants: list[Tenant] = []
    while True:
        page, total = await store.list_tenants(len(tenants), TENANTS_AT_ONCE)
        tenants += page
        if not page or len(tenants) >= total:
            return tenants


async def verdict_on(audit: PostgresAudit, tenant: Tenant, anchors: Anchors, progress: Tell) -> Verdict:
    """Follow the log of a tenant. Entries that are added meanwhile are looked at up to the head that is read last."""
    verifier = Verifier(anchors)
    async for links in audit.chain(tenant.id):
        if (finding := verifier.take(links)) is not None:
            return Verdict(tenant.key, verifier.last, finding)
        progress(f"{verifier.last.number:,} entries of {tenant.key}")
    head = await audit.head(tenant.id)
    if head is not None and head.number > verifier.last.number:
        async for links in audit.chain(tenant.id, verifier.last.number, head.number):
            if (finding := verifier.take(links)) is not None:
                return Verdict(tenant.key, verifier.last, finding)
    return Verdict(tenant.key, verifier.last, verifier.end(head))


class Progress:
    """Reports on stderr, every few seconds, how far a long verification is."""

    def __init__(self) -> None:
        self._told = time.monotonic()

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if now - self._told >= TELL_EVERY_SECONDS:
            self._told = now
            failures().say(text)


def _print(verdict: Verdict, *, as_json: bool) -> None:
    finding, last = verdict.finding, verdict.last
    if as_json:
        flaw = (
            None
            if finding is None
            else {"number": finding.number, "flaw": finding.flaw.value, "sentence": finding.sentence}
        )
        results().json_line(
            {"tenant": verdict.tenant, "entries": last.number, "hash": last.hash.hex(), "finding": flaw}
        )
    elif finding is not None:
        results().say(f"{verdict.tenant}: {finding.sentence} ({finding.flaw.value})")
    elif last.number == 0:
        results().say(f"{verdict.tenant}: no entries")
    else:
        results().say(
            f"{verdict.tenant}: {last.number:,} entries, none changed; the last one is {last.number}:{last.hash.hex()}"
        )
