"""Writes batches of steps: one statement, one commit, fenced by the engine's lease row.

Nearly always every step of a batch can be stored. So a statement that writes all steps or none is tried first; it does
no more than the batch needs. When it writes nothing, another one is tried, which accepts or refuses each step
separately. Steps that change something for others of their family are for that one from the start.
"""

import asyncio
from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from app.adapters.database import families, steps_apart, steps_together
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.engine.ports import Step

_SQL = load("recording")
_APART = f"WITH {_SQL['apart']} SELECT id FROM owned"  # noqa: S608 - only text of this package's own files


class PostgresRecording:
    """Stores the steps of one engine.

    session: for the steps; it is used by one call at a time.
    others: for waking those whom steps concern, while the next steps are being stored; None takes `session` for it, and
        the steps count as stored only when that is done.
    """

    def __init__(self, session: families.Session, others: families.Session | None = None) -> None:
        self._session = session
        self._others = others
        self._waking: asyncio.Task[None] | None = None

    async def record(self, engine_id: int, steps: Sequence[Step]) -> set[UUID]:
        with reaching():
            if await self._stored_together(engine_id, steps):
                return {step.execution_id for step in steps}
            if families.are_concerned(steps):
                stored, due = await families.record(self._session, engine_id, steps)
                await self._wake(due)
                return stored
            found = await self._session.fetch(_APART, engine_id, *steps_apart.arguments(steps))
        return {row["id"] for row in found}

    async def close(self) -> None:
        """Wait until those are awake whom the last steps concerned."""
        if self._waking is not None:
            await self._waking

    async def _wake(self, due: Collection[UUID]) -> None:
        await self.close()
        self._waking = None
        if not due:
            return
        if self._others is None:
            await families.make_due(self._session, due)
        else:
            self._waking = asyncio.create_task(families.make_due(self._others, due), name="wake families")

    async def _stored_together(self, engine_id: int, steps: Sequence[Step]) -> bool:
        """Store all steps or none. False when nothing was written."""
        if (batch := steps_together.batch_of(steps)) is None:
            return False
        try:
            [(is_stored,)] = await self._session.fetch(batch.statement, engine_id, *batch.arguments)
        except asyncpg.UniqueViolationError:
            return False
        return bool(is_stored)

    async def stored(self, steps: Sequence[Step]) -> set[UUID]:
        last = [(s.execution_id, e.sequence, e.type.value, e.occurred_at) for s in steps for e in s.events[-1:]]
        with reaching():
            found = await self._session.fetch(_SQL["stored"], *steps_apart.columns(last, 4))
        return {row["execution_id"] for row in found}
