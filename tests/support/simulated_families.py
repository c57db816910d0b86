"""What must be true of executions and their children, at any moment and in the end."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import orjson

from app.checking.families import Parentage, family_problems
from app.domain.events import Event, EventType
from app.domain.states import ExecutionStatus
from app.engine.deciding.event_data import child_of
from app.engine.ports import CANCEL, Step
from tests.support.memory.database import MemoryDatabase, StoredExecution

MAX_DEPTH = 2
MAX_DESCENDANTS = 20
MOST_AT_ONCE = 3
"""The most children that one task starts at the same moment."""


def left_behind(database: MemoryDatabase, step: Step) -> Iterator[str]:
    """What runs on below an execution that `step`, which has just been stored, has ended, and is not asked to stop."""
    if step.change is None or not step.change.status.is_final:
        return
    for child_id in database.children_of(step.execution_id):
        yield from (f"{child_id}: {problem}" for problem in family_problems(_parentage(database, child_id)))


def family_problems_at_the_end(database: MemoryDatabase) -> Iterator[str]:
    named = _named(database)
    for execution_id, row in database.executions.items():
        if row.execution.parent is not None:
            yield from (f"{execution_id}: {problem}" for problem in family_problems(_parentage(database, execution_id)))
            yield from _naming_problems(execution_id, row, named)
        yield from _output_problems(database, execution_id)
    yield from _size_problems(database)


def _parentage(database: MemoryDatabase, child_id: UUID) -> Parentage:
    row = database.executions[child_id]
    link = row.execution.parent
    assert link is not None
    above = database.executions[link.execution_id].execution
    stopping = any(c.execution_id == child_id and c.type == CANCEL for c in database.commands.values())
    stopping |= any(event.type is EventType.CANCEL_REQUESTED for event in database.histories[child_id])
    root_id, depth = (None, None) if above.parent is None else (above.root_id, above.depth)
    return Parentage(
        child_id,
        not row.is_open,
        stopping,
        True,
        link.root_id,
        link.depth,
        True,
        above.finished_at is not None,
        root_id,
        depth,
        link.execution_id,
        row.execution.tenant_id,
        above.tenant_id,
    )


def _named(database: MemoryDatabase) -> Counter[tuple[UUID, UUID]]:
    """How often a history names a child."""
    found = (
        (execution_id, child)
        for execution_id, history in database.histories.items()
        for event in history
        if (child := child_of(event)) is not None
    )
    return Counter(found)


def _naming_problems(child_id: UUID, row: StoredExecution, named: Mapping[tuple[UUID, UUID], int]) -> Iterator[str]:
    """Each child belongs to one attempt of one task: no retry takes up a child that was there before."""
    parent = row.execution.parent
    if parent is not None and (times := named[parent.execution_id, child_id]) != 1:
        yield f"{child_id} is named {times} times in the history of {parent.execution_id}"


def _output_problems(database: MemoryDatabase, execution_id: UUID) -> Iterator[str]:
    """What a task has of its children is what these have returned."""
    children: dict[tuple[int | None, int, Any], UUID] = {}
    for event in database.histories[execution_id]:
        if (child := child_of(event)) is not None:
            data = orjson.loads(event.data or "{}")
            children[event.task_id, event.attempt, data.get("element")] = child
        elif (expected := _returned(children, event)) is not None:
            ended = database.executions[expected[0]].execution
            output = None if ended.output is None else orjson.loads(ended.output)
            if ended.status is not ExecutionStatus.COMPLETED or output != expected[1]:
                yield f"{execution_id} has {expected[1]} of {expected[0]}, which is {ended.status} with {output}"


def _returned(children: Mapping[tuple[int | None, int, Any], UUID], event: Event) -> tuple[UUID, Any] | None:
    """A child, and the output that `event` says it had; None for events that say no such thing."""
    if event.type is EventType.TASK_COMPLETED:
        child, output = children.get((event.task_id, event.attempt, None)), orjson.loads(event.data or "null")
    elif event.type is EventType.TASK_ITEM_COMPLETED:
        data = orjson.loads(event.data or "{}")
        child, output = children.get((event.task_id, event.attempt, data["index"])), data["output"]
    else:
        return None
    return None if child is None else (child, output)


def _size_problems(database: MemoryDatabase) -> Iterator[str]:
    links = [row.execution.parent for row in database.executions.values() if row.execution.parent is not None]
    if deep := [link for link in links if link.depth > MAX_DEPTH]:
        yield f"{len(deep)} executions are deeper than {MAX_DEPTH}"
    for root_id, size in Counter(link.root_id for link in links).items():
        # All that are there may count at the same moment.
        if size > MAX_DESCENDANTS * (1 + MOST_AT_ONCE):
            yield f"{size} executions are below {root_id}"
