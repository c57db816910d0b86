"""`workflow diff`: what `workflow apply` would change."""

from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path

from app.api.rest.files.normalising import file_document
from app.api.rest.files.yaml_writing import yaml_text
from app.cli.errors import USAGE_OR_CONNECTION
from app.cli.files.definition_files import Definition, read_definitions
from app.cli.files.drafts import applied, draft_of
from app.cli.files.machine_files import machine_draft, machine_file_document, machine_findings
from app.cli.files.validating import problems_of
from app.cli.screen.console import failures, results
from app.client.machine_client import MachineClient
from app.client.rest_client import Document, RestClient
from app.domain.definitions import Workflow
from app.domain.documents import workflow_from_document
from app.domain.errors import Invalid, Problem
from app.machines.documents import machine_from_document
from app.machines.machine import MachineDraft

CONTEXT_LINES = 3
DIFFERENT = 1


def diff(rest_url: str, paths: Sequence[Path]) -> int:
    """Print for each definition whether it would be created, changed, left alone or refused, and the changes.

    Nothing is written. Return the exit code: 2 if a definition is invalid, otherwise 1 if there are differences. Raise
    `CliError` when a file cannot be read.
    """
    definitions = read_definitions(paths)
    with RestClient(rest_url) as service:
        stored = [_stored(service, definition) for definition in definitions]
    compared = (
        _compare_machine(definition, found) if definition.is_machine else _compare(rest_url, definition, found)
        for definition, found in zip(definitions, stored, strict=True)
    )
    return max(compared, default=0)


def _stored(service: RestClient, definition: Definition) -> Document | None:
    return (MachineClient(service).find_machine if definition.is_machine else service.find_workflow)(definition.key)


def _compare_machine(definition: Definition, found: Document | None) -> int:
    """As `_compare`."""
    problems, _ = machine_findings(definition.document)
    if problems:
        return _tell_invalid(definition, problems)
    current = None if found is None else machine_from_document(found)
    after = machine_lines(machine_draft(definition.document))
    before = [] if current is None else machine_lines(current)
    revision = "" if current is None else f"  revision {current.revision}"
    said = "created" if current is None else "unchanged" if before == after else "changed"
    results().say(f"{said:<9}  {definition.key}{revision}  {definition.source}")
    if before == after:
        return 0
    label = "/dev/null" if current is None else f"{definition.key} revision {current.revision}"
    for line in unified_diff(before, after, label, f"{definition.key} applied", n=CONTEXT_LINES):
        results().say(line.rstrip("\n"), _style(line))
    return DIFFERENT


def machine_lines(draft: MachineDraft) -> list[str]:
    return yaml_text([machine_file_document(draft)]).splitlines(keepends=True)


def _compare(rest_url: str, definition: Definition, found: Document | None) -> int:
    """Print the comparison of one definition with what is stored; return its exit code."""
    current = None if found is None else workflow_from_document(found)
    try:
        after = applied(current, draft_of(definition))
    except Invalid as invalid:
        return _tell_invalid(definition, invalid.problems)
    # The service checks what would change. What is stored already was valid when it was stored.
    if after is not current and (problems := problems_of(rest_url, definition)):
        return _tell_invalid(definition, problems)
    return DIFFERENT if _tell(definition, current, after) else 0


def _tell_invalid(definition: Definition, problems: Sequence[Problem]) -> int:
    failures().say(f"invalid    {definition.key}  {definition.source}")
    for line in definition.located(problems):
        failures().say(f"  {line}")
    return USAGE_OR_CONNECTION


def _tell(definition: Definition, current: Workflow | None, after: Workflow) -> bool:
    """Print the comparison; return whether the two differ."""
    if after is current:
        results().say(f"unchanged  {definition.key}  revision {current.revision}  {definition.source}")
        return False
    if current is None:
        results().say(f"created    {definition.key}  {definition.source}")
    else:
        results().say(f"changed    {definition.key}  revision {current.revision}  {definition.source}")
    for line in difference_lines(current, after):
        results().say(line.rstrip("\n"), _style(line))
    return True


def difference_lines(before: Workflow | None, after: Workflow) -> Sequence[str]:
    """A unified diff of both in the format of definition files; None stands for an empty file."""
    old, new = (_lines(workflow) for workflow in (before, after))
    label = f"{after.key} revision {before.revision}" if before else "/dev/null"
    return list(unified_diff(old, new, label, f"{after.key} applied", n=CONTEXT_LINES))


def _lines(workflow: Workflow | None) -> list[str]:
    return [] if workflow is None else yaml_text([file_document(workflow)]).splitlines(keepends=True)


def _style(line: str) -> str | None:
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[0])
