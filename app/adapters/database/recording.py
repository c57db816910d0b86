"""Writes batches of steps: one statement, one commit, fenced by the engine's lease row."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from app.adapters.database import rows
from app.adapters.database.pool import Pool, reaching
from app.adapters.database.statements import load
from app.engine.ports import Opening, RowChange, Step

_SQL = load("recording")


class PostgresRecording:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def record(self, engine_id: int, steps: Sequence[Step]) -> set[UUID]:
        with reaching():
            found = await self._pool.fetch(_SQL["record"], engine_id, *_arguments(steps))
        return {row["id"] for row in found}

    async def landed(self, steps: Sequence[Step]) -> set[UUID]:
        last = [(s.execution_id, e.sequence, e.type.value, e.occurred_at) for s in steps for e in s.events[-1:]]
        with reaching():
            found = await self._pool.fetch(_SQL["landed"], *_columns(last, 4))
        return {row["execution_id"] for row in found}


def _arguments(steps: Sequence[Step]) -> Iterable[Any]:
    """The columns of the statement's `unnest`s, in its order."""
    changes = _merged_changes(steps)
    opened = [
        _opened_row(step.execution_id, step.opening, changes.pop(step.execution_id))
        for step in steps
        if step.opening is not None
    ]
    new = {row[0] for row in opened}
    changed = [_changed_row(execution_id, change) for execution_id, change in changes.items()]
    return (
        *_columns(opened, 11),
        list({step.execution_id for step in steps} - new),
        *_columns([(step.execution_id, *rows.event_values(event)) for step in steps for event in step.events], 9),
        *_columns(changed, 6),
        [command for step in steps for command in step.done_commands],
        *_columns([(step.execution_id, step.parking.seconds) for step in steps if step.parking is not None], 2),
    )


def _merged_changes(steps: Sequence[Step]) -> dict[UUID, RowChange]:
    """One change per execution: a statement can write a row only once."""
    merged: dict[UUID, RowChange] = {}
    for step in steps:
        if (change := step.change) is not None:
            before = merged.get(step.execution_id, change)
            merged[step.execution_id] = replace(change, started_at=before.started_at or change.started_at)
    return merged


def _opened_row(execution_id: UUID, opening: Opening, change: RowChange) -> tuple[Any, ...]:
    return (
        execution_id,
        opening.workflow_id,
        opening.revision,
        opening.idempotency_key,
        opening.input,
        opening.created_at,
        *_changed_row(execution_id, change)[1:],
    )


def _changed_row(execution_id: UUID, change: RowChange) -> tuple[Any, ...]:
    return execution_id, change.status.value, change.started_at, change.finished_at, change.output, change.failure


def _columns(values: Sequence[tuple[Any, ...]], count: int) -> Iterable[Sequence[Any]]:
    return zip(*values, strict=True) if values else ((),) * count
