"""The tenants of a service under attack. All have the same workflows, under the same keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from app.adapters.database.identity import PostgresTenantStore
from app.adapters.database.pool import open_pool
from app.domain.definitions import WorkflowDraft
from app.domain.permissions import Role
from tests.support.acts import ANYONE, act_of
from tests.support.callers import Keys
from tests.support.engine_process import store_workflow
from tests.support.tenant import TENANT

NAMES = (TENANT, "north", "south")
STATEMENT_SECONDS = 20

ENVIRONMENT = {
    "AUTH": "on",
    # So high that no client meets it; but every request is counted, in Redis too.
    "RATE_LIMIT_KEYS": "1000000",
    "TENANTS_FILE": str(Path(__file__).with_suffix(".toml")),
    "PYTHON_MODULES": "tests.support.chaos_tasks",
}
"""The settings of the processes."""


class StartKey(NamedTuple):
    """Under which a start is asked for. Tenants have the same idempotency keys, as they may."""

    tenant: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} of {self.tenant}"


@dataclass(frozen=True, slots=True)
class ChaosTenant:
    """A tenant with an API key of its own.

    credential: the text of the API key.
    workflows: the ids of its workflows, by their keys.
    """

    name: str
    id: int
    credential: str
    workflows: Mapping[str, int]


async def settle(url: str, drafts: Sequence[WorkflowDraft]) -> Sequence[ChaosTenant]:
    """Add what is missing of the tenants to the migrated database at `url`, and store the workflows of each."""
    return [await _settle(url, name, drafts) for name in NAMES]


async def _settle(url: str, name: str, drafts: Sequence[WorkflowDraft]) -> ChaosTenant:
    async with open_pool(url, 1, STATEMENT_SECONDS) as pool:
        tenants = PostgresTenantStore(pool)
        tenant = await tenants.tenant(name) or await tenants.insert_tenant(ANYONE, name, f"The {name} of the chaos")
    keys = Keys(url)
    credential = await keys.of_role(Role.EDITOR, tenant_id=tenant.id, lifetime_seconds=None)
    act = act_of(tenant.id, f"key:{keys.made[credential].prefix}")
    stored = [await store_workflow(url, draft, act) for draft in drafts]
    return ChaosTenant(name, tenant.id, credential, {str(workflow.key): workflow.id for workflow in stored})
