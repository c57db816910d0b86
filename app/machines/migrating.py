"""Moves entities to another revision of their machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.errors import Invalid, Problem
from app.domain.refs import Ref
from app.machines.actors import actor_of
from app.machines.deciding import migrate
from app.machines.entity import Entity
from app.machines.plan import MachinePlan
from app.machines.plans import MachinePlans
from app.machines.ports import EntityStore, MachineStore, Stored
from app.machines.writing import TRIES, EntityWriter, keeps_changing

PAGE = 200
_FIRST: UUID | None = None


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration has done, or would do.

    moved: the entities that are at the revision now, with their states.
    left: those whose state it does not have, with these states.
    """

    moved: list[tuple[UUID, str]]
    left: list[tuple[UUID, str]]


class MigrationService:
    """Migrates entities of the caller's tenant, one after another, each by an event of its own.

    machines: where a migration that has moved something is audited.
    """

    def __init__(self, machines: MachineStore, store: EntityStore, plans: MachinePlans, writer: EntityWriter) -> None:
        self._machines = machines
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
        made = Migration([], [])
        try:
            await self._migrate(caller, plan, states, made, dry_run=dry_run)
        finally:
            if made.moved and not dry_run:
                await self._audit(caller, plan, states, made)
        return made

    async def _migrate(
        self, caller: Caller, plan: MachinePlan, states: Mapping[str, str], made: Migration, *, dry_run: bool
    ) -> None:
        machine, last = plan.machine, _FIRST
        while page := await self._store.of_other_revisions(caller.tenant_id, machine.id, machine.revision, last, PAGE):
            for entity in page:
                await self._migrate_one(caller, plan, states, made, entity, dry_run=dry_run)
            last = page[-1].id

    async def _migrate_one(
        self,
        caller: Caller,
        plan: MachinePlan,
        states: Mapping[str, str],
        made: Migration,
        entity: Entity,
        *,
        dry_run: bool,
    ) -> None:
        """An entity that moves at the same time is looked at again."""
        for _ in range(TRIES):
            target = states.get(entity.state, entity.state)
            if target not in plan.states:
                made.left.append((entity.id, entity.state))
                return
            if dry_run or await self._move(caller, plan, entity, target):
                made.moved.append((entity.id, target))
                return
            entity = await self._writer.get(caller.tenant_id, entity.id)
            if entity.revision == plan.machine.revision:
                return
        raise keeps_changing(entity.id)

    async def _audit(self, caller: Caller, plan: MachinePlan, states: Mapping[str, str], made: Migration) -> None:
        """One entry for all: each entity has an event that says by whom it was moved."""
        document = {"to_revision": plan.machine.revision, "map": dict(states), "moved": len(made.moved)}
        await self._machines.note(Act(caller, Action.MACHINE_MIGRATE), plan.machine.id, document)

    async def _move(self, caller: Caller, plan: MachinePlan, entity: Entity, target: str) -> bool:
        """False if the entity has moved at the same time."""
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
