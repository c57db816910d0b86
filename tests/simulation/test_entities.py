"""Entities through kills and lost answers, from seeds; and that a broken promise is found."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from app.machines.deciding import Step
from app.machines.entity import EntityEvent
from app.machines.ports import Effect, Stored
from tests.support.memory.entities import MemoryEntities
from tests.support.simulated_entities import simulate_entities

SEEDS = 60
MOST_SEEDS = 60


@pytest.mark.parametrize("first", range(0, SEEDS, 20))
def test_what_is_promised_holds(first: int) -> None:
    for seed in range(first, first + 20):
        assert list(simulate_entities(seed)) == [], f"seed {seed}"


class Unfenced(MemoryEntities):
    """Stores a step whatever has happened meanwhile."""

    def refused(self, step: Step) -> Stored | None:
        return super().refused(step) if step.events[0].sequence == 1 else None


class WithoutKeys(MemoryEntities):
    """Has forgotten every request."""

    async def answered(self, tenant_id: int, entity_id: UUID, idempotency_key: str) -> EntityEvent | None:
        return None


class InTwoCommits(MemoryEntities):
    """Starts executions after the step, as if these were two commits."""

    async def start(self, step: Step, effects: Sequence[Effect]) -> None:
        await asyncio.sleep(0.02)
        await super().start(step, effects)


class HoldsForEver(MemoryEntities):
    """A timer that was claimed by a process that died is never free again."""

    def is_free(self, entity_id: UUID) -> bool:
        return entity_id not in self.held


@pytest.mark.parametrize("broken", [Unfenced, WithoutKeys, InTwoCommits, HoldsForEver])
def test_a_broken_promise_is_found(broken: type[MemoryEntities]) -> None:
    assert any(simulate_entities(seed, broken) for seed in range(MOST_SEEDS))
