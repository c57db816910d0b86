"""The tables of machines and entities. They are written with `queries/machines.sql` and `queries/entities.sql`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Integer, Text

from app.adapters.database.tables import KEY_RULE, Base, JsonText
from app.machines.entity import EntityEventType

_TYPES = ", ".join(f"'{word.value}'" for word in EntityEventType)


class MachineRow(Base):
    """A machine. Its snapshots have what it consists of."""

    __tablename__ = "machines"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(Integer, ForeignKey("tenants.id"))
    key: Mapped[str | None]
    name: Mapped[str]
    revision: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("revision >= 1", name="revision_from_one"),
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint(KEY_RULE, name="key_is_a_slug"),
    )


class MachineRevisionRow(Base):
    """One revision of a machine. The row remains when the machine is deleted.

    snapshot: the machine's document.
    requested_by: the principal that made it; null for everyone, while authentication is off.
    """

    __tablename__ = "machine_revisions"

    machine_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    snapshot: Mapped[str] = mapped_column(JsonText)
    created_at: Mapped[datetime]
    tenant_id: Mapped[int] = mapped_column(Integer)
    requested_by: Mapped[str | None]

    __table_args__ = (CheckConstraint("revision >= 1", name="revision_from_one"),)


class EntityRow(Base):
    """An entity: the fold of its events. `app/machines/entity.py` says what the columns are.

    entity_table, entity_id: what it is called outside.
    due_at: when its timer fires; null without one.
    due_to, due_transition: what the timer fires.
    held_until: until then, the process that has claimed the timer is left alone.
    """

    __tablename__ = "entities"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(Integer)
    machine_id: Mapped[int]
    revision: Mapped[int] = mapped_column(Integer)
    entity_table: Mapped[str]
    entity_id: Mapped[str]
    state: Mapped[str]
    sequence: Mapped[int] = mapped_column(Integer)
    is_final: Mapped[bool]
    data: Mapped[str] = mapped_column(JsonText)
    entered_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    due_to: Mapped[str | None]
    due_transition: Mapped[str | None]
    held_until: Mapped[datetime | None]
    automatic: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "machine_id"], ["machines.tenant_id", "machines.id"]),
        UniqueConstraint("tenant_id", "machine_id", "entity_table", "entity_id"),
        CheckConstraint("sequence >= 1", name="sequence_from_one"),
        CheckConstraint("is_final = (completed_at IS NOT NULL)", name="final_has_ended"),
        CheckConstraint("due_at IS NULL OR NOT is_final", name="final_has_no_timer"),
        Index(None, "tenant_id", "machine_id", "state", "id"),
        Index(None, "tenant_id", "id"),
        Index(None, "tenant_id", "machine_id", "updated_at", "id"),
        Index(None, "tenant_id", "updated_at", "id"),
        Index("ix_entities_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )


class EntityEventRow(Base):
    """One event of an entity. The primary key is the last line of defence against two writers of one number."""

    __tablename__ = "entity_events"

    entity_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    occurred_at: Mapped[datetime]
    type: Mapped[str]
    transition: Mapped[str | None]
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    actor: Mapped[str]
    on_behalf_of: Mapped[str | None]
    notes: Mapped[str | None]
    context: Mapped[str | None] = mapped_column(JsonText)
    data: Mapped[str | None] = mapped_column(JsonText)
    execution_id: Mapped[UUID | None]
    idempotency_key: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("sequence >= 1", name="sequence_from_one"),
        CheckConstraint(f"type IN ({_TYPES})", name="known_type"),
        Index(
            "uq_entity_events_idempotency_key",
            "entity_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )


class EntityRunRow(Base):
    """An execution that an entity has started, and whose end fires a transition. The row goes when that is done.

    ended: how the execution has ended, also after its row was removed; null while it runs.
    held_until: until then, the process that has claimed the row is left alone.
    """

    __tablename__ = "entity_runs"

    execution_id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[UUID]
    on_completed: Mapped[str | None]
    on_failed: Mapped[str | None]
    ended: Mapped[str | None]
    held_until: Mapped[datetime | None]

    __table_args__ = (Index("ix_entity_runs_ended", "execution_id", postgresql_where=text("ended IS NOT NULL")),)


class EntityWaitRow(Base):
    """A task that waits for a state of an entity, until it is told.

    signal: the name of the signal that it waits for, which says what is awaited.
    is_new: whether no engine has looked yet whether the entity is in such a state since the wait was stored.
    tenant_id, machine_id, entity_table, entity_id, states: what is awaited; null while that is not known.
    met: what the task is told, once the entity has been in such a state.
    """

    __tablename__ = "entity_waits"

    execution_id: Mapped[UUID] = mapped_column(primary_key=True)
    signal: Mapped[str] = mapped_column(primary_key=True)
    is_new: Mapped[bool]
    tenant_id: Mapped[int | None] = mapped_column(Integer)
    machine_id: Mapped[int | None]
    entity_table: Mapped[str | None]
    entity_id: Mapped[str | None]
    states: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    met: Mapped[str | None] = mapped_column(JsonText)

    __table_args__ = (
        Index("ix_entity_waits_entity", "machine_id", "entity_table", "entity_id"),
        Index("ix_entity_waits_work", "execution_id", postgresql_where=text("is_new OR met IS NOT NULL")),
    )
