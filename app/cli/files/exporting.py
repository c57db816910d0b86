"""`workflow export`: writes the service's definitions as files. Applying such a file changes nothing."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from app.api.rest.files.normalising import file_document
from app.api.rest.files.yaml_writing import yaml_text
from app.cli.errors import CliError, reason_of
from app.cli.files.definition_files import read_files
from app.cli.files.drafts import applied, draft_of
from app.cli.refused_names import near_keys
from app.cli.screen.console import failures, results
from app.client.rest_client import RestClient
from app.domain.definitions import Workflow
from app.domain.documents import workflow_from_document
from app.domain.errors import Invalid


class Outcome(StrEnum):
    """The result of writing one file."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    KEPT = "kept"


def export(rest_url: str, refs: Sequence[str], folder: Path | None, *, force: bool) -> int:
    """Print the workflows as one YAML stream, or write one file for each into `folder`. Without `refs`, export all.

    Return the exit code: 1 if one could not be exported; the others are exported nevertheless.
    """
    with RestClient(rest_url) as service, near_keys(rest_url):
        documents = [service.workflow(ref) for ref in refs] if refs else list(service.workflows())
    stored = [workflow_from_document(document) for document in documents]
    keyed = [workflow for workflow in stored if workflow.key is not None]
    for workflow in stored:
        if workflow.key is None:
            failures().say(f"skipped    workflow {workflow.id}, {workflow.name!r}, has no key, and a file needs one")
    complete = _print(keyed) if folder is None else _write_all(folder, keyed, force=force)
    return int(not complete or len(keyed) < len(stored))


def _print(workflows: Sequence[Workflow]) -> bool:
    if workflows:
        results().out(yaml_text([file_document(workflow) for workflow in workflows]), end="", highlight=False)
    return True


def _write_all(folder: Path, workflows: Sequence[Workflow], *, force: bool) -> bool:
    """Write the files; return False if a file with another definition was kept."""
    outcomes = []
    for workflow in workflows:
        path = folder / f"{workflow.key}.yaml"
        outcomes.append(_outcome(path, workflow, force=force))
        if outcomes[-1] is Outcome.KEPT:
            failures().say(f"{Outcome.KEPT:<9}  {path} contains another definition; --force overwrites it")
            continue
        if outcomes[-1] is Outcome.WRITTEN:
            _write(path, workflow)
        results().say(f"{outcomes[-1]:<9}  {workflow.key}  {path}")
    return Outcome.KEPT not in outcomes


def _outcome(path: Path, workflow: Workflow, *, force: bool) -> Outcome:
    """Write one file. A file with the same definition is left alone and keeps its comments."""
    if not path.exists():
        return Outcome.WRITTEN
    if _says(path, workflow):
        return Outcome.UNCHANGED
    return Outcome.WRITTEN if force else Outcome.KEPT


def _says(path: Path, workflow: Workflow) -> bool:
    try:
        (definition,) = read_files([path]).definitions
        return applied(workflow, draft_of(definition)) is workflow
    except (ValueError, Invalid):
        return False


def _write(path: Path, workflow: Workflow) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml_text([file_document(workflow)]), "utf-8")
    except OSError as error:
        raise CliError(f"{path} cannot be written: {reason_of(error)}") from None
