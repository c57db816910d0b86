"""What running executions needs from outside: leases of engines, and which engine owns which executions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.domain.engines import IDLE, EngineLoad, EngineProfile
from app.domain.events import Event
from app.domain.executions import Execution
from app.engine.ports import ControlCommand


@dataclass(frozen=True, slots=True)
class TenantShare:
    """What a claim may give to one tenant.

    - taken: how many places it has; tenants with few come first
    - allowed: how many of its executions may be claimed
    - of_each: how many of these of a workflow that has no place
    """

    taken: int
    allowed: int
    of_each: int


@dataclass(frozen=True, slots=True)
class WorkflowShare:
    """What a claim may give to one workflow.

    - taken: how many places it has; of a tenant's workflows, those with few come first
    - allowed: how many of its executions may be claimed
    """

    taken: int
    allowed: int


@dataclass(frozen=True, slots=True)
class ClaimShares:
    """How a claim is divided among tenants, and what a tenant gets among its workflows.

    - of_others: what a tenant may have that is not in `tenants`
    - tenants: what tenants may have that have places, or a limit
    - workflows: what workflows may have that have places
    """

    of_others: TenantShare
    tenants: Mapping[int, TenantShare]
    workflows: Mapping[int, WorkflowShare]

    @property
    def refused_tenants(self) -> frozenset[int]:
        """Of which nothing may be claimed now."""
        return frozenset(tenant_id for tenant_id, share in self.tenants.items() if not share.allowed)

    @property
    def refused_workflows(self) -> frozenset[int]:
        """Of which nothing may be claimed now."""
        return frozenset(workflow_id for workflow_id, share in self.workflows.items() if not share.allowed)


@dataclass(frozen=True, slots=True)
class Claim:
    """An execution that this engine now owns, with its whole history."""

    execution: Execution
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class DividedClaim:
    """What a claim that was divided has found.

    - claims: what was claimed
    - waiting: the workflows that may have more that is due, of those of which something may be claimed
    """

    claims: Sequence[Claim]
    waiting: frozenset[int]


class RunningLimits(Protocol):
    """How many executions tenants may run at once. Never waits: the answers may be some seconds old."""

    @property
    def there_are_several(self) -> bool:
        """Whether there is more than one tenant."""

    def most_running(self) -> Mapping[int, int]:
        """How many executions an engine may run at once of a tenant, for the tenants that are limited."""


class Ownership(Protocol):
    """Leases of engines, and which engine owns which executions. All times are the database's clock."""

    async def register(self, profile: EngineProfile, lease_seconds: float) -> int:
        """Add an engine's lease row; return its id."""

    async def renew(self, engine_id: int, lease_seconds: float, load: EngineLoad = IDLE) -> bool:
        """Also store what the engine does. False when the lease row is gone, because another engine has taken over this
        one's executions.
        """

    async def reap(self) -> int:
        """Remove engines whose lease has expired and free their executions; return how many were freed.

        Also remove commands that arrived after their execution had ended.
        """

    async def release(self, engine_id: int) -> None:
        """Remove this engine's row and free the executions that it still owns."""

    async def claim(self, engine_id: int, limit: int) -> Sequence[Claim]:
        """Become the owner of at most `limit` executions that are due and have no owner, of the longest due first."""

    async def claim_divided(self, engine_id: int, limit: int, shares: ClaimShares) -> DividedClaim:
        """As `claim`, of the tenant first that has the fewest places, and of the workflow of it that has.

        What this gives to a tenant and to a workflow counts, too.
        """

    async def owned(self, engine_id: int) -> Collection[UUID]:
        """The unfinished executions that this engine owns."""

    async def give_back(self, engine_id: int, execution_ids: Sequence[UUID], seconds: float) -> None:
        """Free those of the executions that this engine owns; they are due again after `seconds`."""

    async def commands(self, engine_id: int) -> Sequence[ControlCommand]:
        """The pending commands for executions that this engine owns, oldest first. Reading does not remove them."""
