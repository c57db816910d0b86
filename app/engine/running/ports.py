"""What running executions needs from outside: leases of engines, and which engine owns which executions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.domain.events import Event
from app.domain.executions import Execution
from app.engine.ports import ControlCommand


@dataclass(frozen=True, slots=True)
class ClaimShares:
    """How a claim is divided among workflows.

    - of_others: how many executions may be claimed of a workflow that has no place
    - allowed: how many may be claimed of each workflow that has places
    - taken: how many places each of these has; those with few come first
    """

    of_others: int
    allowed: Mapping[int, int]
    taken: Mapping[int, int]

    @property
    def refused(self) -> frozenset[int]:
        """The workflows of which nothing may be claimed now."""
        return frozenset(workflow_id for workflow_id, most in self.allowed.items() if not most)


@dataclass(frozen=True, slots=True)
class Claim:
    """An execution that this engine now owns, with its whole history."""

    execution: Execution
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class DividedClaim:
    """What a claim that was divided among workflows has found.

    - claims: what was claimed
    - waiting: the workflows that may have more that is due, of those of which something may be claimed
    """

    claims: Sequence[Claim]
    waiting: frozenset[int]


class Ownership(Protocol):
    """Leases of engines, and which engine owns which executions. All times are the database's clock."""

    async def register(self, name: str, lease_seconds: float) -> int:
        """Add an engine's lease row; return its id."""

    async def renew(self, engine_id: int, lease_seconds: float) -> bool:
        """False when the lease row is gone, because another engine has taken over this one's executions."""

    async def reap(self) -> int:
        """Remove engines whose lease has expired and free their executions; return how many were freed.

        Also remove commands that arrived after their execution had ended.
        """

    async def release(self, engine_id: int) -> None:
        """Remove this engine's row and free the executions that it still owns."""

    async def claim(self, engine_id: int, limit: int) -> Sequence[Claim]:
        """Become the owner of at most `limit` executions that are due and have no owner, of the longest due first."""

    async def claim_divided(self, engine_id: int, limit: int, shares: ClaimShares) -> DividedClaim:
        """As `claim`, of the workflow first that has the fewest places. What this gives to a workflow counts, too."""

    async def owned(self, engine_id: int) -> Collection[UUID]:
        """The unfinished executions that this engine owns."""

    async def give_back(self, engine_id: int, execution_ids: Sequence[UUID], seconds: float) -> None:
        """Free those of the executions that this engine owns; they are due again after `seconds`."""

    async def commands(self, engine_id: int) -> Sequence[ControlCommand]:
        """The pending commands for executions that this engine owns, oldest first. Reading does not remove them."""
