"""`workflow diff`: what `workflow apply` would change."""

from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path

from app.cli.errors import CliError
from app.cli.files.definition_files import Definition, read_definitions
from app.cli.files.drafts import applied, draft_of
from app.cli.files.normalising import file_document
from app.cli.files.yaml_writing import yaml_text
from app.cli.screen.console import results
from app.client.rest_client import RestClient
from app.domain.definitions import Workflow, WorkflowDraft
from app.domain.documents import workflow_from_document
from app.domain.errors import Invalid

CONTEXT_LINES = 3


def diff(rest_url: str, paths: Sequence[Path]) -> int:
    """Print for each definition whether it would be created, changed or left alone, and the changes. Write nothing.

    Return the exit code: 1 if there are differences, 0 if there are none. Raise `CliError` when a file cannot be used.
    """
    drafts = _drafts(read_definitions(paths))
    with RestClient(rest_url) as service:
        stored = {definition.key: service.find_workflow(definition.key) for definition, _ in drafts}
    differs = False
    for definition, draft in drafts:
        found = stored[definition.key]
        current = None if found is None else workflow_from_document(found)
        differs |= _tell(definition, current, applied(current, draft))
    return int(differs)


def _drafts(definitions: Sequence[Definition]) -> list[tuple[Definition, WorkflowDraft]]:
    drafts: list[tuple[Definition, WorkflowDraft]] = []
    wrong: list[str] = []
    for definition in definitions:
        try:
            drafts.append((definition, draft_of(definition)))
        except Invalid as invalid:
            wrong += definition.passage.all_located(invalid.problems)
    if wrong:
        raise CliError("\n".join(wrong))
    return drafts


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
