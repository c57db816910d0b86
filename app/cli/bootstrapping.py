"""`workflow auth bootstrap`: makes the first key in the database itself, so that it needs no key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.adapters.database.connecting import is_pooled
from app.adapters.database.identity import PostgresKeyStore, PostgresTenantStore
from app.adapters.database.pool import Pool, open_pool
from app.adapters.database.walls.rules import API
from app.adapters.database_url import MemoryAddress, StorageError, parse_database_url
from app.adapters.embedded.storage import only_logged
from app.cli.errors import CliError
from app.cli.screen.console import failures, results
from app.config import Settings
from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.errors import Invalid, ServiceError
from app.domain.permissions import Role
from app.identity.api_keys import DAY_SECONDS, Grant, KeyDraft, check_draft, new_key_text
from app.wiring.schema import open_logins

STATEMENT_SECONDS = 30.0
PRINCIPAL = "command:bootstrap"
"""Who makes the key, as its row and the audit log say."""


@dataclass(frozen=True, slots=True)
class FirstKey:
    """The key that is wanted.

    role: what it allows.
    tenant: the key of its tenant.
    days: after how many days it expires.
    another: whether to make it although there is such a key.
    """

    role: Role
    tenant: str
    days: float
    another: bool

    @property
    def draft(self) -> KeyDraft:
        return KeyDraft("bootstrap", Grant(self.role), self.days * DAY_SECONDS)


def print_first_key(settings: Settings, wanted: FirstKey) -> None:
    """Print the text of a new key on stdout. Raise `CliError` when the database cannot be used, or has such a key."""
    if isinstance(parse_database_url(settings.database_url), MemoryAddress):
        raise CliError("memory: is a database of a single process; name one that is kept")
    try:
        check_draft(wanted.draft)
        text = asyncio.run(_make(settings, wanted))
    except Invalid as invalid:
        raise CliError(f"--days {wanted.days:g}: {invalid.problems[0].message}") from None
    except (StorageError, ServiceError) as error:
        raise CliError(str(error).rstrip(".")) from None
    results().say(text)
    failures().say(
        f"a key with the role {wanted.role.value} in the tenant {wanted.tenant}, for {wanted.days:g} days. It is shown "
        "this once; put it into WORKFLOW_API_KEY, and start the service with AUTH=on"
    )


async def _make(settings: Settings, wanted: FirstKey) -> str:
    async with _database(settings) as pool:
        keys, tenant = PostgresKeyStore(pool), await PostgresTenantStore(pool).tenant(wanted.tenant)
        if tenant is None:
            raise CliError(f"tenant {wanted.tenant!r} does not exist")
        if not wanted.another and await keys.has_valid_key(tenant.id, [wanted.role]):
            raise CliError(
                f"the tenant {tenant.key} has a key with the role {wanted.role.value} already; make others with "
                "`workflow auth keys create`, or add --another if it is lost"
            )
        text = new_key_text()
        caller = Caller(tenant.id, tenant.key, PRINCIPAL, frozenset())
        await keys.insert(Act(caller, Action.KEY_BOOTSTRAP), text, wanted.draft)
    return text.text


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Pool]:
    """The database with a current schema; an embedded one is made if there is none yet."""
    async with (
        open_logins(settings, only_logged, roles=[API]) as logins,
        open_pool(logins.api, 1, STATEMENT_SECONDS, pooled=await is_pooled(logins.api)) as pool,
    ):
        yield pool
