"""What must be true of the entities of a simulation with engines, when everything has healed."""

from collections import Counter
from collections.abc import Iterator, Sequence

import orjson

from app.checking.entities import CheckedEntity, CheckedEntityEvent, States, check_entity
from app.domain.events import EventType
from app.domain.executions import ENTITY_KEYS
from app.machines.actors import EXECUTION, TIMER
from app.machines.entity import Entity, EntityEvent, EntityEventType
from app.machines.limits import TASK_KEYS
from app.machines.plan import compile_machine
from tests.support.memory.database import MemoryDatabase
from tests.support.simulated_entity_callers import EntityBook
from tests.support.simulated_machine import machine_of


def is_restless(database: MemoryDatabase) -> bool:
    """Whether a timer is set, or the end of an execution has had no effect yet."""
    timers = any(entity.due is not None for entity in database.entities.values())
    return timers or any(run.ended is not None for run in database.entity_runs.values())


def entity_problems(database: MemoryDatabase, book: EntityBook) -> Iterator[str]:
    plan = compile_machine(machine_of(1))
    states = {1: States(frozenset(plan.states), plan.finals)}
    for entity_id, entity in database.entities.items():
        events = database.entity_histories[entity_id]
        found = check_entity(row_of(entity), [_seen(database, event) for event in events], states)
        yield from (str(finding) for finding in found if not finding.rule.is_warning)
        yield from _doubled(events)
        yield from _wrong_timers(events)
    yield from _wrong_answers(database, book)
    yield from _wrong_executions(database)
    yield from _wrong_outputs(database)


def _doubled(events: Sequence[EntityEvent]) -> Iterator[str]:
    """Each request, and each end of an execution, has made one event."""
    keys = Counter(event.idempotency_key for event in events if event.idempotency_key is not None)
    yield from (f"{key} has made {number} events" for key, number in keys.items() if number > 1)


def _wrong_timers(events: Sequence[EntityEvent]) -> Iterator[str]:
    """A timer fires in the state in which it was set, and once."""
    target = None
    for event in events:
        if event.type is EntityEventType.TRANSITIONED:
            if event.actor == TIMER and event.to_state != target:
                yield f"event {event.sequence} is of a timer for {target}, and enters {event.to_state}"
            target = None
        elif event.type is EntityEventType.TIMER_SET:
            target = (event.data or {})["to"]


def _wrong_answers(database: MemoryDatabase, book: EntityBook) -> Iterator[str]:
    made = {
        (database.entities[entity_id].tenant_id, event.idempotency_key): (entity_id, event.sequence)
        for entity_id, events in database.entity_histories.items()
        for event in events
    }
    for key, answer in book.answers.items():
        if made.get(key) != answer:
            yield f"{key} was answered with {answer}, and has made {made.get(key)}"
    yield from (f"{key} was refused, and has made {made[key]}" for key in book.refused if key in made)


def _wrong_executions(database: MemoryDatabase) -> Iterator[str]:
    """What histories name was started, and nothing else was by entities."""
    events = [event for events in database.entity_histories.values() for event in events]
    named = Counter(event.execution_id for event in events if event.execution_id is not None)
    rows = [row.execution for row in database.executions.values()]
    started = {row.id for row in rows if (row.idempotency_key or "").startswith(ENTITY_KEYS)}
    yield from (f"{one} is named {number} times" for one, number in named.items() if number > 1)
    yield from (f"{one} is named, and never was" for one in named if one not in started)
    yield from (f"{one} was started by an entity, and no event says so" for one in started if one not in named)


def _wrong_outputs(database: MemoryDatabase) -> Iterator[str]:
    """A task that has moved an entity says with which event: the one that it has made."""
    made = {
        event.idempotency_key: (str(entity_id), event.sequence, event.actor)
        for entity_id, events in database.entity_histories.items()
        for event in events
        if (event.idempotency_key or "").startswith(TASK_KEYS)
    }
    by_actor = Counter(actor for _, _, actor in made.values())
    for execution_id, history in database.histories.items():
        ends = [event.data or "" for event in history if event.type is EventType.TASK_COMPLETED]
        for data in (orjson.loads(end) for end in ends if '"from_state"' in end):
            output = data.get("output", data)
            answer = (output["entity_id"], output["sequence"], f"{EXECUTION}{execution_id}")
            if answer not in made.values():
                yield f"a task of {execution_id} says that it has made {answer}"
        if by_actor[f"{EXECUTION}{execution_id}"] > 2:
            yield f"the task of {execution_id} has moved its entity more than once"


def row_of(entity: Entity) -> CheckedEntity:
    due = entity.due
    names = CheckedEntity.__dataclass_fields__.keys() - {"due_at", "due_to", "due_transition"}
    return CheckedEntity(
        **{name: getattr(entity, name) for name in names},
        due_at=None if due is None else due.at,
        due_to=None if due is None else due.to,
        due_transition=None if due is None else due.transition,
    )


def _seen(database: MemoryDatabase, event: EntityEvent) -> CheckedEntityEvent:
    row = None if event.execution_id is None else database.executions.get(event.execution_id)
    started = None if row is None else (row.execution.tenant_id, row.execution.idempotency_key)
    return seen(event, started)


def seen(event: EntityEvent, started: tuple[int, str | None] | None) -> CheckedEntityEvent:
    return CheckedEntityEvent(
        event.sequence,
        event.type.value,
        event.occurred_at,
        event.from_state,
        event.to_state,
        event.actor,
        event.data,
        event.execution_id,
        started,
    )
