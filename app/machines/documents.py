"""The JSON document of a machine: stored as a revision's snapshot, served by the APIs, exported as a file."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from app.domain.documents import rfc3339
from app.machines.machine import Machine, MachineDraft, Run, State, Timer, Transition

Document = Mapping[str, Any]

MACHINE_FIELDS = tuple(field.name for field in fields(MachineDraft))
"""What a caller can set."""


def machine_document(machine: Machine) -> dict[str, Any]:
    """The document of a whole machine; `machine_from_document` is its inverse."""
    return {
        "id": machine.id,
        **draft_document(machine),
        "revision": machine.revision,
        "created_at": rfc3339(machine.created_at),
        "updated_at": rfc3339(machine.updated_at),
    }


def draft_document(draft: MachineDraft) -> dict[str, Any]:
    return {
        "key": draft.key,
        "name": draft.name,
        "description": draft.description,
        "version": draft.version,
        "metadata": dict(draft.metadata),
        "states": [state_document(state) for state in draft.states],
        "transitions": [transition_document(transition) for transition in draft.transitions],
    }


def state_document(state: State) -> dict[str, Any]:
    return {
        "name": state.name,
        "initial": state.initial,
        "final": state.final,
        "description": state.description,
        "metadata": dict(state.metadata),
        "after": None if state.after is None else timer_document(state.after),
        "on_enter": run_document(state.on_enter),
        "on_exit": run_document(state.on_exit),
    }


def transition_document(transition: Transition) -> dict[str, Any]:
    return {
        "from": transition.source,
        "to": transition.target,
        "name": transition.name,
        "description": transition.description,
        "conditions": dict(transition.conditions),
        "run": run_document(transition.run),
        "context": dict(transition.context),
        "metadata": dict(transition.metadata),
    }


def timer_document(timer: Timer) -> dict[str, Any]:
    return {
        "seconds": timer.seconds,
        "at": timer.at,
        "to": timer.to,
        "transition": timer.transition,
        "retry_seconds": timer.retry_seconds,
    }


def run_document(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "workflow": run.workflow,
        "input": dict(run.input),
        "on_completed": run.on_completed,
        "on_failed": run.on_failed,
    }


def machine_from_document(document: Document) -> Machine:
    return Machine(
        id=document["id"],
        key=document["key"],
        name=document["name"],
        description=document["description"],
        version=document["version"],
        metadata=document["metadata"],
        states=tuple(map(_state, document["states"])),
        transitions=tuple(map(_transition, document["transitions"])),
        revision=document["revision"],
        created_at=datetime.fromisoformat(document["created_at"]),
        updated_at=datetime.fromisoformat(document["updated_at"]),
    )


def _state(document: Document) -> State:
    after = document["after"]
    return State(
        name=document["name"],
        initial=document["initial"],
        final=document["final"],
        description=document["description"],
        metadata=document["metadata"],
        after=None if after is None else Timer(**after),
        on_enter=_run(document["on_enter"]),
        on_exit=_run(document["on_exit"]),
    )


def _transition(document: Document) -> Transition:
    return Transition(
        source=document["from"],
        target=document["to"],
        name=document["name"],
        description=document["description"],
        conditions=document["conditions"],
        run=_run(document["run"]),
        context=document["context"],
        metadata=document["metadata"],
    )


def _run(document: Document | None) -> Run | None:
    return None if document is None else Run(**document)
