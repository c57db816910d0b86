"""`workflow apply`: creates and changes the service's definitions to match the files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from app.cli.errors import explained
from app.cli.files.definition_files import Definition, read_definitions
from app.cli.screen.console import failures, results
from app.client.rest_client import RestClient, ServiceRefusal
from app.domain.errors import Problem

CONFLICT = 409


class Change(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of applying one definition.

    revision: the current revision afterwards; None if there is none.
    before: the revision that was current before; None if there was none.
    problems: empty unless the service refused the definition. A problem about no field has an empty path.
    lines: one for each problem, with its place in the file.
    """

    source: str
    key: str
    change: Change
    before: int | None = None
    revision: int | None = None
    problems: tuple[Problem, ...] = ()
    lines: Sequence[str] = field(default=(), compare=False, repr=False)


def apply_files(rest_url: str, paths: Sequence[Path]) -> list[Outcome]:
    """Create or replace every workflow of the files and folders, in their order; return one outcome for each.

    All files are read before the first is sent, so nothing changes if one cannot be read. A definition that the
    service refuses has an `Outcome`, and the others are still applied. Raise `CliError` when a file cannot be read,
    `ClientError` when the service does not respond.
    """
    return apply_definitions(rest_url, read_definitions(paths))


def apply_definitions(rest_url: str, definitions: Sequence[Definition]) -> list[Outcome]:
    with RestClient(rest_url) as service:
        return [_apply(service, definition) for definition in definitions]


def apply_and_tell(rest_url: str, paths: Sequence[Path]) -> int:
    """Apply the files and print a line for each definition; return the exit code, 1 if one was refused."""
    outcomes = apply_files(rest_url, paths)
    for outcome in outcomes:
        tell(outcome)
    return int(any(outcome.change is Change.REFUSED for outcome in outcomes))


def _apply(service: RestClient, definition: Definition) -> Outcome:
    try:
        return _create_or_replace(service, definition)
    except ServiceRefusal as refusal:
        problems = refusal.problems or (Problem("", explained(refusal)),)
        return refused(definition, problems)


def refused(definition: Definition, problems: Sequence[Problem]) -> Outcome:
    lines = definition.located(problems)
    return Outcome(definition.source, definition.key, Change.REFUSED, problems=tuple(problems), lines=lines)


def _create_or_replace(service: RestClient, definition: Definition) -> Outcome:
    found = service.find_workflow(definition.key)
    if found is None:
        try:
            created = service.create_workflow(definition.request)
            return Outcome(definition.source, definition.key, Change.CREATED, revision=created["revision"])
        except ServiceRefusal as refusal:
            # Another client may have created it in the meantime.
            found = service.find_workflow(definition.key) if refusal.status == CONFLICT else None
            if found is None:
                raise
    replaced = service.replace_workflow(definition.key, definition.request)
    before, revision = found["revision"], replaced["revision"]
    change = Change.UNCHANGED if revision == before else Change.CHANGED
    return Outcome(definition.source, definition.key, change, before, revision)


def tell(outcome: Outcome) -> None:
    """Print one line on stdout, or the problems of a refused definition on stderr."""
    if outcome.change is Change.REFUSED:
        failures().say(f"refused    {outcome.key}  {outcome.source}")
        for line in outcome.lines:
            failures().say(f"  {line}")
        return
    revisions = f"{outcome.before} → {outcome.revision}" if outcome.change is Change.CHANGED else f"{outcome.revision}"
    results().say(f"{outcome.change:<9}  {outcome.key}  revision {revisions}  {outcome.source}")
