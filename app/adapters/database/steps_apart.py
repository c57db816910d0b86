"""The arguments of `apart`, the statement that accepts or refuses each step separately."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from app.adapters.database import feed_rows, rows
from app.engine.ports import Parking, RowChange, Step


def arguments(steps: Sequence[Step]) -> Iterable[Any]:
    """The parameters after the engine's id, in the order of the statement: one list per column, and at the end the
    number of entries of a row of the feed.
    """
    changes = _merged_changes(steps)
    opened = [
        (
            *rows.opening_values(step.execution_id, opening),
            *_change_values(changes.pop(step.execution_id)),
            opening.started_by,
        )
        for step in steps
        if (opening := step.opening) is not None
    ]
    new = {row[0] for row in opened}
    changed = [(execution_id, *_change_values(change)) for execution_id, change in changes.items()]
    return (
        *columns(opened, 12),
        list({step.execution_id for step in steps} - new),
        *columns([(step.execution_id, *event) for step in steps for event in step.events], 9),
        *columns(changed, 6),
        [command for step in steps for command in step.done_commands],
        *columns([(step.execution_id, *_parking_values(p)) for step in steps if (p := step.parking) is not None], 4),
        feed_rows.ENTRIES_OF_ROW,
    )


def _merged_changes(steps: Sequence[Step]) -> dict[UUID, RowChange]:
    """Merge the changes of each execution into one: a statement can update a row only once."""
    merged: dict[UUID, RowChange] = {}
    for step in steps:
        if (change := step.change) is not None:
            before = merged.get(step.execution_id, change)
            merged[step.execution_id] = replace(change, started_at=before.started_at or change.started_at)
    return merged


def _change_values(change: RowChange) -> tuple[Any, ...]:
    return change.status, change.started_at, change.finished_at, change.output, change.failure


def _parking_values(parking: Parking) -> tuple[Any, ...]:
    return parking.seconds, parking.until, parking.after


def columns(values: Sequence[tuple[Any, ...]], count: int) -> Iterable[Sequence[Any]]:
    return zip(*values, strict=True) if values else ((),) * count
