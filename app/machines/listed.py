"""What is listed of machines and entities, as tables with columns: the only ones that a listing can name.

Machines are `workflows` there, with states and transitions of their current revisions; entities are `entity_workflows`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The type of a column, as PostgreSQL calls it."""

    TEXT = "text"
    BIGINT = "bigint"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    UUID = "uuid"
    INSTANT = "timestamp with time zone"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    name: its name.
    kind: its type.
    meaning: for people.
    """

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One table.

    name: its name.
    meaning: for people.
    columns: by their names.
    key: the columns that are unique together, in whose order rows come.
    """

    name: str
    meaning: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]


def _resource(name: str, meaning: str, key: tuple[str, ...], *columns: Column) -> Resource:
    return Resource(name, meaning, {column.name: column for column in columns}, key)


_OF_WORKFLOW = (
    Column("workflow_definition_id", Kind.BIGINT, "The id of the workflow."),
    Column("workflow_name", Kind.TEXT, "The name of the workflow."),
)
_WRITTEN = (
    Column("description", Kind.TEXT, "What it is for, or null."),
    Column("metadata", Kind.JSON, "The caller's own, an object."),
)
_POSITION = Column("position", Kind.INTEGER, "Its place in the definition, from 1.")

WORKFLOWS = _resource(
    "workflows",
    "Machines, each in its current revision.",
    ("id",),
    Column("id", Kind.BIGINT, "The id of the machine."),
    Column("key", Kind.TEXT, "Its key, or null."),
    Column("name", Kind.TEXT, "Its name."),
    Column("version", Kind.TEXT, "Its version, as its author calls it, or null."),
    *_WRITTEN,
    Column("is_active", Kind.BOOLEAN, "Always true: a machine that is there can be started."),
    Column("revision", Kind.INTEGER, "The number of the revision, from 1."),
    Column("created_at", Kind.INSTANT, "When it was created."),
    Column("updated_at", Kind.INSTANT, "When the revision was made."),
)
STATES = _resource(
    "workflow_states",
    "The states of all machines, in their current revisions.",
    ("workflow_definition_id", "position"),
    Column("id", Kind.TEXT, "The id of the machine and the position, with a colon between them."),
    *_OF_WORKFLOW,
    _POSITION,
    Column("name", Kind.TEXT, "Its name."),
    Column("is_initial", Kind.BOOLEAN, "Whether entities begin in it."),
    Column("is_final", Kind.BOOLEAN, "Whether nothing leaves it."),
    *_WRITTEN,
)
TRANSITIONS = _resource(
    "workflow_transitions",
    "The transitions of all machines, in their current revisions.",
    ("workflow_definition_id", "position"),
    Column("id", Kind.TEXT, "The id of the machine and the position, with a colon between them."),
    *_OF_WORKFLOW,
    _POSITION,
    Column("name", Kind.TEXT, "Its name."),
    Column("from_state", Kind.TEXT, "The state that it leaves; `*` for every one that is not final."),
    Column("to_state", Kind.TEXT, "The state that it enters."),
    Column("conditions", Kind.JSON, "What must hold, as it was written."),
    Column("context", Kind.JSON, "The caller's own, an object."),
    *_WRITTEN,
)
ENTITIES = _resource(
    "entity_workflows",
    "Entities, each with the state that it is in.",
    ("id",),
    Column("id", Kind.UUID, "The id of the entity: the instance."),
    *_OF_WORKFLOW,
    Column("entity_table", Kind.TEXT, "What kind of thing it is."),
    Column("entity_id", Kind.TEXT, "Which one."),
    Column("current_state", Kind.TEXT, "The state that it is in."),
    Column("status", Kind.TEXT, "`completed` in a final state, otherwise `active`."),
    Column("metadata", Kind.JSON, "Its data, an object."),
    Column("sequence", Kind.INTEGER, "The number of its last event."),
    Column("started_at", Kind.INSTANT, "When it was started."),
    Column("updated_at", Kind.INSTANT, "When its last event was."),
    Column("completed_at", Kind.INSTANT, "When it entered a final state, or null."),
)
HISTORY = _resource(
    "workflow_history",
    "What has put entities into their states: starts, transitions and migrations.",
    ("entity_workflow_instance_id", "sequence"),
    Column("id", Kind.TEXT, "The id of the entity and the sequence, with a colon between them."),
    Column("entity_workflow_instance_id", Kind.UUID, "The id of the entity."),
    Column("sequence", Kind.INTEGER, "The number of the event; numbers between these are of other events."),
    Column("from_state", Kind.TEXT, "The state before, or null for a start."),
    Column("to_state", Kind.TEXT, "The state after."),
    Column("transition_name", Kind.TEXT, "The name of the transition, or null."),
    Column("executed_by", Kind.TEXT, "For whom it was made, or else who has made it."),
    Column("notes", Kind.TEXT, "As the request had them, or null."),
    Column("context", Kind.JSON, "As the request had it, or null."),
    Column("metadata", Kind.JSON, "The changes of the entity's metadata, or null; the whole of them for a start."),
    Column("executed_at", Kind.INSTANT, "When it was."),
)

RESOURCES: Mapping[str, Resource] = {
    resource.name: resource for resource in (WORKFLOWS, STATES, TRANSITIONS, ENTITIES, HISTORY)
}
