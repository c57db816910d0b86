"""What steps change for other executions of their families, and the statement that stores such steps."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import structlog

from app.adapters.database import steps_apart
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.engine.ports import ENTITY_WORK, NEW_COMMANDS, NEW_WORK, ChildOpening, FamilyChange, Step, StoreUnreachable

log = structlog.get_logger(__name__)

_SQL = load("families")

# Safe: it only joins text of this package's own files.
RECORD = f"""
WITH RECURSIVE {load("recording")["apart"]}, {_SQL["family"]}
SELECT id, NULL::uuid AS concerned FROM owned
UNION ALL SELECT NULL, id FROM births
UNION ALL SELECT NULL, execution_id FROM told
UNION ALL SELECT NULL, execution_id FROM asked
UNION ALL SELECT NULL, NULL FROM woken
"""  # noqa: S608


class Session(Protocol):
    """A connection, or a pool of them."""

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]: ...


def are_concerned(steps: Sequence[Step]) -> bool:
    """True when a step changes something for others of its family, or for entities, or gives up an execution for which
    these may have left a command.
    """
    return any(
        s.family is not None or s.entities is not None or (s.parking is not None and s.parking.in_family) for s in steps
    )


async def record(session: Session, engine_id: int, steps: Sequence[Step]) -> tuple[set[UUID], set[UUID]]:
    """Store those steps whose executions the engine still owns.

    Return the ids of these, and of the executions that may have to be made due.
    """
    found = await session.fetch(RECORD, engine_id, *steps_apart.arguments(steps), *_arguments(steps))
    parked = (step.execution_id for step in steps if step.parking is not None and step.parking.in_family)
    concerned = {row["concerned"] for row in found if row["concerned"] is not None}
    return {row["id"] for row in found if row["id"] is not None}, concerned.union(parked)


async def make_due(session: Session, execution_ids: Collection[UUID], tenant_id: int | None = None) -> None:
    """Wake all engines, and make those of the executions due that have no owner and a command of their family.

    tenant_id: their tenant, for a caller; None for an engine.

    Never raises: if it fails, the next renewal of a lease finds the commands.
    """
    bound = "make_due" if tenant_id is None else "make_descendants_due"
    tenant = () if tenant_id is None else (tenant_id,)
    try:
        with reaching():
            await session.fetch(_SQL[bound], *tenant, list(execution_ids), NEW_WORK, NEW_COMMANDS)
    except (StoreUnreachable, asyncpg.PostgresError) as error:
        log.warning("family_not_woken", executions=len(execution_ids), reason=str(error))


def _arguments(steps: Sequence[Step]) -> Iterable[Any]:
    """The parameters behind those of `apart`: one list per column."""
    changes = [(step.execution_id, step.family) for step in steps if step.family is not None]
    return (
        *steps_apart.columns([_birth(child) for _, change in changes for child in change.openings], 11),
        *steps_apart.columns([(own, change.told) for own, change in changes if change.told is not None], 2),
        *steps_apart.columns([stop for own, change in changes for stop in _stops(own, change)], 3),
        [own for own, change in changes if change.ends],
        *steps_apart.columns(_ended_runs(steps), 2),
        *steps_apart.columns(_entity_waits(steps), 2),
        ENTITY_WORK,
    )


def _ended_runs(steps: Sequence[Step]) -> Sequence[tuple[UUID, str]]:
    return [
        (step.execution_id, step.change.status)
        for step in steps
        if step.change is not None and step.entities is not None and step.entities.ends
    ]


def _entity_waits(steps: Sequence[Step]) -> Sequence[tuple[UUID, str]]:
    """Each once: a task may begin to wait anew in the same batch."""
    waits = ((step.execution_id, name) for step in steps if step.entities is not None for name in step.entities.waits)
    return list(dict.fromkeys(waits))


def _birth(child: ChildOpening) -> tuple[Any, ...]:
    opening, parent = child.opening, child.parent
    return (
        child.id,
        parent.execution_id,
        parent.task_id,
        parent.element,
        parent.root_id,
        parent.depth,
        opening.workflow_id,
        opening.revision,
        opening.input.text,
        opening.created_at,
        opening.created_data,
    )


def _stops(own: UUID, change: FamilyChange) -> Iterable[tuple[UUID, UUID, str]]:
    return ((child_id, own, reason) for child_id, reason in change.stopped.items())
