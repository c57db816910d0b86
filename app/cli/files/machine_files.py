"""State machines as definition files: which documents are machines, their drafts, and how a stored one is written."""

from collections.abc import Mapping
from typing import Any

from app.domain.errors import Invalid, Problem
from app.domain.refs import key_problems
from app.machines.documents import draft_document, run_document, timer_document
from app.machines.machine import MachineDraft, Run, State, Timer
from app.machines.parsing import WRAPPERS, parse_machine
from app.machines.rules import check_machine

MACHINE = "machine"
Document = dict[str, Any]


def is_machine(document: Mapping[str, Any]) -> bool:
    """Whether a document says so, or has states, which workflows do not have."""
    return document.get("kind") == MACHINE or ("kind" not in document and "states" in document)


def key_of(document: Mapping[str, Any]) -> Any:
    """The key: as it is stated, or the name if that can be a key."""
    about = next((document[name] for name in WRAPPERS if isinstance(document.get(name), Mapping)), document)
    key = document.get("key", about.get("key"))
    name = about.get("name")
    return name if key is None and isinstance(name, str) and not key_problems(name) else key


def machine_draft(document: Mapping[str, Any]) -> MachineDraft:
    """Raise `Invalid` with every problem of the form."""
    return parse_machine(document)


def machine_findings(document: Mapping[str, Any]) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """The problems of a machine, and its warnings. The service finds the same, because all rules are here."""
    try:
        return (), tuple(check_machine(machine_draft(document)))
    except Invalid as invalid:
        return invalid.problems, ()


def machine_file_document(draft: MachineDraft) -> Document:
    """A machine in the format of a definition file: without what only the service sets, and without defaults."""
    document = draft_document(draft)
    about = _said({name: document[name] for name in ("key", "name", "description", "version", "metadata")})
    return {
        "kind": MACHINE,
        **about,
        "states": [_state(state) for state in draft.states],
        "transitions": [_said(one | {"run": _run(run)}) for one, run in _transitions(draft, document)],
    }


def _transitions(draft: MachineDraft, document: Document) -> list[tuple[Document, Run | None]]:
    return [(said, one.run) for said, one in zip(document["transitions"], draft.transitions, strict=True)]


def _state(state: State) -> Document:
    return _said(
        {
            "name": state.name,
            "initial": state.initial or None,
            "final": state.final or None,
            "description": state.description,
            "metadata": dict(state.metadata),
            "after": _timer(state.after),
            "on_enter": _run(state.on_enter),
            "on_exit": _run(state.on_exit),
        }
    )


def _timer(timer: Timer | None) -> Document | None:
    if timer is None:
        return None
    said = _said(timer_document(timer))
    if timer.retry_seconds == Timer().retry_seconds:
        del said["retry_seconds"]
    return said


def _run(run: Run | None) -> Document | None:
    return None if run is None else _said(run_document(run) or {})


def _said(document: Mapping[str, Any]) -> Document:
    """Without what is null or empty."""
    return {name: _plain(value) for name, value in document.items() if value is not None and value != {}}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
