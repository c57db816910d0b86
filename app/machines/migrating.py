"""Moves entities to another revision of their machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.domain.callers import Caller
from app.domain.errors import Invalid, Problem
from app.domain.refs import Ref
from app.machines.actors import actor_of
from app.machines.deciding import migrate
from app.machines.entity import Entity
from app.machines.plan import MachinePlan
from app.machines.plans import MachinePlans
from app.machines.ports import EntityStore, Stored
from app.machines.writing import EntityWriter

PAGE = 200


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration has done, or would do.

    moved: the entities that are at the revision now, with their states.
    left: those whose state it does not have, with these states.
    """

    moved: Sequence[tuple[UUID, str]]
    left: Sequence[tuple[UUID, str]]


class MigrationService:
    """Migrates entities of the caller's tenant, one after another, each by an event of its own."""

    def __init__(self, store: EntityStore, plans: MachinePlans, writer: EntityWriter) -> None:
        self._store = store
        self._plans = plans
        self._writer = writer

    async def migrate(
        self, caller: Caller, machine: Ref, to_revision: int, states: Mapping[str, str], *, dry_run: bool
    ) -> Migration:
        """Move all entities of other revisions to this one, if it has their state, or the one that `states` names for
        it. Raise `NotFound`, and `Invalid` if `states` names a state that the revision does not have.
        """
        current = await self._plans.current(machine)
        plan = await self._plans.get(caller.tenant_id, current.machine.id, to_revision)
        _check(plan, states)
        moved: list[tuple[UUID, str]] = []
        left: list[tuple[UUID, str]] = []
        last: UUID | None = None
        while page := await self._store.of_other_revisions(caller.tenant_id, plan.machine.id, to_revision, last, PAGE):
            for entity in page:
                target = states.get(entity.state, entity.state)
                if target not in plan.states:
                    left.append((entity.id, entity.state))
                elif dry_run or await self._move(caller, plan, entity, target):
                    moved.append((entity.id, target))
            last = page[-1].id
        return Migration(moved, left)

    async def _move(self, caller: Caller, plan: MachinePlan, entity: Entity, target: str) -> bool:
        """False if the entity moves at the same time; it is left as it is then."""
        made = migrate(plan, entity, actor_of(caller), target, self._writer.clock.now())
        return (await self._writer.write(made))[1] is Stored.STORED


def _check(plan: MachinePlan, states: Mapping[str, str]) -> None:
    revision = plan.machine.revision
    unknown = [
        Problem(f"map.{old}", f"revision {revision} has no state {new!r}")
        for old, new in states.items()
        if new not in plan.states
    ]
    if unknown:
        raise Invalid(unknown)
