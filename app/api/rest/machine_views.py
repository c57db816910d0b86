"""Machines as clients receive them. Only the OpenAPI document uses these models, but for the documents at the end."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.examples import EXECUTION_ID, INSTANT
from app.api.rest.machine_bodies import EXAMPLE_MACHINE
from app.api.rest.responses import PREFIX, json_response, with_warnings
from app.api.rest.views import WARNINGS, Page, ProblemView
from app.domain.documents import rfc3339
from app.machines.documents import draft_document, machine_document
from app.machines.migrating import Migration
from app.machines.parsing import parse_machine
from app.machines.ports import MachineRevision
from app.machines.service import StoredMachine

_WRITTEN = draft_document(parse_machine(EXAMPLE_MACHINE))
MACHINE: dict[str, Any] = {"id": 4, **_WRITTEN, "revision": 1, "created_at": INSTANT, "updated_at": INSTANT}
REVISION: dict[str, Any] = {
    "machine_id": 4,
    "revision": 1,
    "name": "fraud_detection",
    "created_at": INSTANT,
    "requested_by": "key:Xk3vT9aB",
}
CHANGES: dict[str, Any] = {
    "revision": 2,
    "against": 1,
    "machine": {"version": ["1.0", "1.1"]},
    "states": {"added": ["review"], "removed": [], "changed": {"processing": {"final": [False, True]}}},
    "transitions": {"added": ["processing: review"], "removed": [], "changed": {}},
}


class EffectView(BaseModel):
    workflow: str
    input: dict[str, Any]
    on_completed: str | None
    on_failed: str | None


class TimerView(BaseModel):
    seconds: float | None
    at: str | None
    to: str | None
    transition: str | None
    retry_seconds: float


class StateView(BaseModel):
    name: str
    initial: bool
    final: bool
    description: str | None
    metadata: dict[str, Any]
    after: TimerView | None
    on_enter: EffectView | None
    on_exit: EffectView | None


class TransitionView(BaseModel):
    source: str = Field(alias="from")
    target: str = Field(alias="to")
    name: str
    description: str | None
    conditions: dict[str, Any]
    run: EffectView | None
    context: dict[str, Any]
    metadata: dict[str, Any]


class MachineView(BaseModel):
    """One whole revision of a machine."""

    model_config = ConfigDict(json_schema_extra={"examples": [MACHINE]})

    id: int
    key: str | None
    name: str
    description: str | None
    version: str | None
    metadata: dict[str, Any]
    states: list[StateView]
    transitions: list[TransitionView]
    revision: int = Field(description="Counts from 1; each change creates the next one.")
    created_at: datetime
    updated_at: datetime


class SavedMachineView(MachineView):
    """A machine after it was saved."""

    warnings: list[ProblemView] = WARNINGS


class MachinePage(Page[MachineView]):
    """Ordered by id."""


class MachineRevisionView(BaseModel):
    """A summary of a revision."""

    model_config = ConfigDict(json_schema_extra={"examples": [REVISION]})

    machine_id: int
    revision: int
    name: str
    created_at: datetime
    requested_by: str | None = Field(description="The principal that has made it; null while AUTH is off.")


class MachineRevisionPage(Page[MachineRevisionView]):
    """Newest first."""


class PartChangesView(BaseModel):
    """What differs, by name; transitions as `STATE: NAME`."""

    added: list[str]
    removed: list[str]
    changed: dict[str, dict[str, tuple[Any, Any]]] = Field(description="The old and the new value by name and field.")


class MachineChangesView(BaseModel):
    """The changes from one revision to another. Ids, revision numbers and times do not count as changes."""

    model_config = ConfigDict(json_schema_extra={"examples": [CHANGES]})

    revision: int
    against: int = Field(description="The revision to compare with; 0 stands for an empty machine.")
    machine: dict[str, tuple[Any, Any]] = Field(description="The old and the new value by field.")
    states: PartChangesView
    transitions: PartChangesView


class PlacedView(BaseModel):
    """An entity and a state."""

    id: str
    state: str


class MigrationView(BaseModel):
    """What a migration has done, or would do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "to_revision": 3,
                    "dry_run": False,
                    "moved": [{"id": EXECUTION_ID, "state": "review"}],
                    "left": [],
                }
            ]
        }
    )

    to_revision: int
    dry_run: bool
    moved: list[PlacedView] = Field(description="Those that the revision governs now, with their states.")
    left: list[PlacedView] = Field(description="Those whose state the revision does not have.")


def saved_response(saved: StoredMachine, status: int = 200) -> Response:
    """A machine that was just written, with the ETag for the next change."""
    machine = saved.machine
    headers = {"ETag": machine.etag}
    if status == 201:
        headers["Location"] = f"{PREFIX}/machines/{machine.id}"
    return json_response(with_warnings(orjson.dumps(machine_document(machine)), saved.warnings), status, headers)


def machine_revision_document(revision: MachineRevision) -> dict[str, Any]:
    return asdict(revision) | {"created_at": rfc3339(revision.created_at)}


def migration_document(made: Migration, to_revision: int, *, dry_run: bool) -> dict[str, Any]:
    moved, left = ([{"id": str(id_), "state": state} for id_, state in part] for part in (made.moved, made.left))
    return {"to_revision": to_revision, "dry_run": dry_run, "moved": moved, "left": left}
