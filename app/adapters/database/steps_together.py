"""The statement for usual steps, which are all stored or none: shorter and faster than `apart`.

It omits what only few steps have, such as parking, commands that are done, and changes for others of a family or for an
entity.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.adapters.database import rows
from app.adapters.database.feed_rows import feed_rows
from app.adapters.database.statements import load
from app.domain.events import Event
from app.engine.ports import Step

_SQL = load("recording")


def _statement(*parts: str) -> str:
    # Safe: it only joins text of this package's own files.
    return f"WITH {', '.join(_SQL[part] for part in parts)} SELECT open FROM fence"  # noqa: S608


_OF_EVENTS = _statement("engine", "fence", "events", "feed")
_WITH_ENDS = _statement("engine", "fence", "events", "feed", "ends")
_WITH_OPENINGS = _statement("engine", "fence_of_openings", "events", "feed", "ends", "openings")

_NO_ENDS: tuple[Sequence[Any], ...] = ((),) * 5


@dataclass(slots=True)
class Batch:
    """The steps of one statement.

    steps: the steps.
    ids: the execution id of each event.
    events: the events of all steps.
    owned: the executions that existed before; this engine must own them all.
    ends: the new values of rows whose execution ends.
    openings: the values of new rows, by execution id.
    """

    steps: Sequence[Step]
    ids: list[UUID] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    owned: dict[UUID, None] = field(default_factory=dict)
    ends: list[tuple[Any, ...]] = field(default_factory=list)
    openings: dict[UUID, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def statement(self) -> str:
        if self.openings:
            return _WITH_OPENINGS
        return _WITH_ENDS if self.ends else _OF_EVENTS

    @property
    def arguments(self) -> Iterator[Any]:
        """The parameters after the engine's id."""
        yield self.ids
        yield from zip(*self.events, strict=True)
        yield list(self.owned)
        yield from feed_rows(self.steps)
        if self.ends or self.openings:
            yield from zip(*self.ends, strict=True) if self.ends else _NO_ENDS
        if self.openings:
            yield from zip(*self.openings.values(), strict=True)


def batch_of(steps: Sequence[Step]) -> Batch | None:
    """None when a step needs something that these statements omit."""
    batch = Batch(steps)
    for step in steps:
        if step.parking is not None or step.done_commands or not step.events:
            return None
        if step.family is not None or step.entities is not None:
            return None
        if not _take(batch, step):
            return None
        batch.ids += [step.execution_id] * len(step.events)
        batch.events += step.events
    return batch


def _take(batch: Batch, step: Step) -> bool:
    """Add the step's row to the batch. False when the row is changed in another way than by its opening or its end."""
    execution_id, change, opening = step.execution_id, step.change, step.opening
    is_new = execution_id in batch.openings
    if opening is not None:
        if change is None or change.finished_at is not None:
            return False
        values = rows.opening_values(execution_id, opening)
        batch.openings[execution_id] = (*values, change.status, change.started_at, opening.started_by)
        return True
    if change is not None:
        if is_new or change.finished_at is None or change.started_at is not None:
            return False
        batch.ends.append((execution_id, change.status, change.finished_at, change.output, change.failure))
    if not is_new:
        batch.owned[execution_id] = None
    return True
