"""The differences between two revisions of a machine, as data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.definitions.comparing import FieldChanges, field_changes
from app.machines.documents import draft_document
from app.machines.machine import MachineDraft

Document = Mapping[str, Any]

_PARTS = ("states", "transitions")
_FIELDS = ("key", "name", "description", "version", "metadata")


@dataclass(frozen=True, slots=True)
class PartDifferences:
    """Names of states, or of transitions: `added`, `removed`, and the keys of `changed`."""

    added: Sequence[str]
    removed: Sequence[str]
    changed: Mapping[str, FieldChanges]


@dataclass(frozen=True, slots=True)
class MachineDifferences:
    """Differences in what a caller can set; ids, revision numbers and times do not count."""

    machine: FieldChanges
    states: PartDifferences
    transitions: PartDifferences


def compare_machines(before: MachineDraft | None, after: MachineDraft) -> MachineDifferences:
    """The differences from `before` to `after`; None stands for an empty machine.

    States are matched by their names, transitions by the state that they leave and their names.
    """
    new = draft_document(after)
    old = _nothing() if before is None else draft_document(before)
    fields = field_changes(_FIELDS, old, new)
    return MachineDifferences(
        fields,
        _of_parts(old["states"], new["states"], lambda state: str(state["name"])),
        _of_parts(old["transitions"], new["transitions"], lambda one: f"{one['from']}: {one['name']}"),
    )


def _nothing() -> Document:
    return {"metadata": {}, **{name: [] for name in _PARTS}}


def _of_parts(
    before: Sequence[Document], after: Sequence[Document], name: Callable[[Document], str]
) -> PartDifferences:
    old, new = ({name(part): part for part in parts} for parts in (before, after))
    changes = {label: field_changes(new[label], old[label], new[label]) for label in new if label in old}
    return PartDifferences(
        added=[label for label in new if label not in old],
        removed=[label for label in old if label not in new],
        changed={label: fields for label, fields in changes.items() if fields},
    )
