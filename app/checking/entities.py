"""Compares an entity's row with its history, which is the truth. Pure, and independent of what makes the events."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.checking.findings import Finding, Rule
from app.domain.json_values import same_json


@dataclass(frozen=True, slots=True)
class States:
    """The states of one revision of a machine. finals: those that are final."""

    names: frozenset[str]
    finals: frozenset[str]


@dataclass(frozen=True, slots=True)
class CheckedEntity:
    """An entity's row."""

    id: UUID
    tenant_id: int
    machine_id: int
    revision: int
    state: str
    sequence: int
    is_final: bool
    data: Any
    entered_at: datetime
    due_at: datetime | None
    due_to: str | None
    due_transition: str | None
    automatic: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class CheckedEntityEvent:
    """One event of an entity.

    data: parsed.
    started: of the execution that it names, the tenant and the idempotency key; None if there is none by now.
    """

    sequence: int
    type: str
    occurred_at: datetime
    from_state: str | None
    to_state: str | None
    actor: str
    data: Any
    execution_id: UUID | None = None
    started: tuple[int, str | None] | None = None


@dataclass(slots=True)
class _Fold:
    """What the events say that the row must be."""

    revision: int
    state: str | None = None
    data: Any = None
    entered_at: datetime | None = None
    due: tuple[datetime, str | None, str | None] | None = None
    automatic: int = 0
    updated_at: datetime | None = None
    completed_at: datetime | None = None


def check_entity(
    row: CheckedEntity, events: Sequence[CheckedEntityEvent], revisions: Mapping[int, States]
) -> Sequence[Finding]:
    """Everything that is wrong with one entity. `revisions` has the states of the revisions of its machine."""
    check = EntityCheck(row, revisions, _first_revision(row, events))
    for event in events:
        check.take(event)
    return check.finish()


def revisions_of(row: CheckedEntity, events: Sequence[CheckedEntityEvent]) -> frozenset[int]:
    """The revisions by which the entity has been checked."""
    migrated = (event.data["to_revision"] for event in events if event.type == "migrated")
    return frozenset({row.revision, _first_revision(row, events), *migrated})


def _first_revision(row: CheckedEntity, events: Sequence[CheckedEntityEvent]) -> int:
    return next((int(event.data["from_revision"]) for event in events if event.type == "migrated"), row.revision)


class EntityCheck:
    """Takes the events of one entity in their order, and then compares the row."""

    def __init__(self, row: CheckedEntity, revisions: Mapping[int, States], first_revision: int) -> None:
        self.row = row
        self.found: list[Finding] = []
        self._revisions = revisions
        self._sequence = 0
        self._now = _Fold(first_revision)

    def take(self, event: CheckedEntityEvent) -> None:
        if event.sequence != self._sequence + 1:
            self._report(Rule.NUMBERING, f"event {event.sequence} follows event {self._sequence}", event)
        if (event.type == "entity_started") != (self._sequence == 0):
            self._report(Rule.OPENING, f"{event.type} is event {self._sequence + 1}", event)
        self._sequence = event.sequence
        for rule, sentence in self._problems(event):
            self._report(rule, sentence, event)
        self._fold(event)

    def finish(self) -> Sequence[Finding]:
        """All findings, after the last event."""
        if self._sequence == 0:
            self._report(Rule.NO_EVENTS, f"an entity in the state {self.row.state!r}, and no event")
            return self.found
        for sentence in self._differences():
            self._report(Rule.ROW, sentence)
        return self.found

    def _problems(self, event: CheckedEntityEvent) -> Iterator[tuple[Rule, str]]:
        now = self._now
        # An execution may be started when a final state is entered; a migration may give an entity other states.
        if now.completed_at is not None and event.type not in ("workflow_started", "migrated"):
            yield Rule.AFTER_THE_END, f"{event.type} in the final state {now.state!r}"
        if event.from_state not in (None, now.state):
            yield Rule.ENTITY, f"{event.type} leaves {event.from_state!r} in the state {now.state!r}"
        states = self._revisions.get(self._revision_of(event))
        if states is None:
            yield (
                Rule.NO_REVISION,
                f"revision {self._revision_of(event)} of its machine is not stored",
            )
        elif event.to_state is not None and event.to_state not in states.names:
            yield Rule.ENTITY, f"{event.type} enters {event.to_state!r}, which is no state of the revision"
        if now.updated_at is not None and event.occurred_at < now.updated_at:
            yield Rule.CLOCK, f"{event.type} is earlier than the event before it"
        yield from self._of_execution(event)

    def _of_execution(self, event: CheckedEntityEvent) -> Iterator[tuple[Rule, str]]:
        if (event.execution_id is None) == (event.type == "workflow_started"):
            yield Rule.ENTITY, f"{event.type} names the execution {event.execution_id}"
        if event.started is None:
            return
        tenant_id, key = event.started
        if tenant_id != self.row.tenant_id:
            yield Rule.TENANT, f"execution {event.execution_id} is of tenant {tenant_id}, not {self.row.tenant_id}"
        if key is None or not key.startswith(f"entity:{self.row.id}:"):
            yield Rule.ENTITY, f"execution {event.execution_id} was not started by this entity: its key is {key!r}"

    def _revision_of(self, event: CheckedEntityEvent) -> int:
        if event.type == "migrated":
            return int(event.data["to_revision"])
        return self._now.revision

    def _fold(self, event: CheckedEntityEvent) -> None:
        now = self._now
        now.updated_at = event.occurred_at
        match event.type:
            case "entity_started":
                now.data = event.data or {}
                self._enter(event, event.to_state)
            case "transitioned":
                now.data = _patched(now.data, event.data or {})
                now.automatic = now.automatic + 1 if _is_automatic(event.actor) else 0
                now.due = None
                self._enter(event, event.to_state)
            case "data_changed":
                now.data = _patched(now.data, event.data or {})
            case "timer_set":
                now.due = (_instant(event.data["due_at"]), event.data.get("to"), event.data.get("transition"))
            case "timer_blocked":
                retry_at = event.data.get("retry_at")
                now.due = None if now.due is None or retry_at is None else (_instant(retry_at), *now.due[1:])
            case "migrated":
                self._migrate(event)
            case _:
                pass

    def _enter(self, event: CheckedEntityEvent, state: str | None) -> None:
        now = self._now
        now.state, now.entered_at = state, event.occurred_at
        now.completed_at = event.occurred_at if self._is_final(state) else None

    def _migrate(self, event: CheckedEntityEvent) -> None:
        now = self._now
        ended_at = now.completed_at or event.occurred_at
        if event.to_state not in (None, now.state):
            now.state, now.entered_at = event.to_state, event.occurred_at
        now.revision, now.due = int(event.data["to_revision"]), None
        now.completed_at = ended_at if self._is_final(now.state) else None

    def _is_final(self, state: str | None) -> bool:
        states = self._revisions.get(self._now.revision)
        return states is not None and state in states.finals

    def _differences(self) -> Iterator[str]:
        row, now = self.row, self._now
        due = None if row.due_at is None else (row.due_at, row.due_to, row.due_transition)
        pairs = {
            "sequence": (row.sequence, self._sequence),
            "state": (row.state, now.state),
            "entered_at": (row.entered_at, now.entered_at),
            "due": (due, now.due),
            "automatic": (row.automatic, now.automatic),
            "updated_at": (row.updated_at, now.updated_at),
            "completed_at": (row.completed_at, now.completed_at),
            "is_final": (row.is_final, now.completed_at is not None),
            "revision": (row.revision, now.revision),
        }
        for name, (stored, told) in pairs.items():
            if stored != told:
                yield f"{name} is {stored}, by the history {told}"
        if not same_json(row.data, now.data):
            yield "the row has other data than the history"

    def _report(self, rule: Rule, sentence: str, event: CheckedEntityEvent | None = None) -> None:
        self.found.append(Finding(self.row.id, 0 if event is None else event.sequence, rule, sentence))


def _is_automatic(actor: str) -> bool:
    return actor == "timer" or actor.startswith("execution:")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _patched(data: Any, patch: Any) -> Any:
    """A merge patch, RFC 7396."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(data) if isinstance(data, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _patched(result.get(name), value)
    return result
