"""`workflow apply`: makes the service's definitions what the files say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from app.cli.errors import explained
from app.cli.files.definition_files import NOWHERE, Definition, read_definitions
from app.cli.files.places import Passage
from app.cli.screen.console import failures, results
from app.client.rest_client import Refused, RestClient
from app.domain.errors import Problem

CONFLICT = 409


class Change(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one definition.

    `revision` is the current one afterwards and `before` the one found; None where there is none. `problems` is
    empty unless the service refused the definition, and holds at least one then, with an empty path when it is about
    no field.
    """

    source: str
    key: str
    change: Change
    before: int | None = None
    revision: int | None = None
    problems: tuple[Problem, ...] = ()
    passage: Passage = field(default=NOWHERE, compare=False, repr=False)


def apply_files(rest_url: str, paths: Sequence[Path]) -> list[Outcome]:
    """Create or replace every workflow of the files and folders, in their order.

    All files are read before the first is sent, so a file that cannot be read (`CliError`) changes nothing. A
    definition that the service refuses is an `Outcome`, and the others are still applied. `CliError` too when the
    service does not answer.
    """
    return apply_definitions(rest_url, read_definitions(paths))


def apply_definitions(rest_url: str, definitions: Sequence[Definition]) -> list[Outcome]:
    with RestClient(rest_url) as service:
        return [_apply(service, definition) for definition in definitions]


def apply_and_tell(rest_url: str, paths: Sequence[Path]) -> int:
    """Apply the files and print a line for each definition; the exit code is 1 when one was refused."""
    outcomes = apply_files(rest_url, paths)
    for outcome in outcomes:
        tell(outcome)
    return int(any(outcome.change is Change.REFUSED for outcome in outcomes))


def _apply(service: RestClient, definition: Definition) -> Outcome:
    try:
        return _create_or_replace(service, definition)
    except Refused as refusal:
        problems = refusal.problems or (Problem("", explained(refusal)),)
        return Outcome(definition.source, definition.key, Change.REFUSED, None, None, problems, definition.passage)


def _create_or_replace(service: RestClient, definition: Definition) -> Outcome:
    found = service.find_workflow(definition.key)
    if found is None:
        try:
            created = service.create_workflow(definition.request)
            return Outcome(definition.source, definition.key, Change.CREATED, revision=created["revision"])
        except Refused as refusal:
            # Somebody else may have created it in the meantime.
            found = service.find_workflow(definition.key) if refusal.status == CONFLICT else None
            if found is None:
                raise
    replaced = service.replace_workflow(definition.key, definition.request)
    before, revision = found["revision"], replaced["revision"]
    change = Change.UNCHANGED if revision == before else Change.CHANGED
    return Outcome(definition.source, definition.key, change, before, revision)


def tell(outcome: Outcome) -> None:
    """One line on stdout; for a refused definition its problems on stderr."""
    if outcome.change is Change.REFUSED:
        failures().say(f"refused    {outcome.key}  {outcome.source}")
        for line in outcome.passage.all_located(outcome.problems):
            failures().say(f"  {line}")
        return
    revisions = f"{outcome.before} → {outcome.revision}" if outcome.change is Change.CHANGED else f"{outcome.revision}"
    results().say(f"{outcome.change:<9}  {outcome.key}  revision {revisions}  {outcome.source}")
