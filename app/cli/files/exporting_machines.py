"""`workflow machine export`: writes machines as definition files. Applying such a file changes nothing."""

from collections.abc import Sequence
from pathlib import Path

from app.api.rest.files.yaml_writing import yaml_text
from app.cli.errors import CliError, reason_of
from app.cli.files.definition_files import read_files
from app.cli.files.machine_files import machine_draft, machine_file_document
from app.cli.screen.console import failures, results
from app.client.machine_client import MachineClient
from app.client.rest_client import RestClient
from app.domain.errors import Invalid
from app.machines.documents import machine_from_document
from app.machines.machine import MachineDraft


def export_machines(rest_url: str, refs: Sequence[str], folder: Path | None, *, force: bool) -> int:
    """Print the machines as one YAML stream, or write one file for each into `folder`. Without `refs`, export all.

    Return the exit code: 1 if one could not be written.
    """
    with RestClient(rest_url) as service:
        client = MachineClient(service)
        documents = [client.machine(ref) for ref in refs] if refs else list(client.machines())
    machines = [machine_from_document(document) for document in documents]
    keyed = [machine for machine in machines if machine.key is not None]
    for machine in machines:
        if machine.key is None:
            failures().say(f"skipped    machine {machine.id}, {machine.name!r}, has no key, and a file needs one")
    if folder is None:
        if keyed:
            results().out(yaml_text([machine_file_document(one) for one in keyed]), end="", highlight=False)
        return int(len(keyed) < len(machines))
    written = [_write(folder / f"{machine.key}.machine.yaml", machine, force=force) for machine in keyed]
    return int(not all(written) or len(keyed) < len(machines))


def _write(path: Path, machine: MachineDraft, *, force: bool) -> bool:
    """Write one file; False if a file with another definition was kept. One with the same keeps its comments."""
    if path.exists() and _says(path, machine):
        results().say(f"unchanged  {machine.key}  {path}")
        return True
    if path.exists() and not force:
        failures().say(f"kept       {path} contains another definition; --force overwrites it")
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml_text([machine_file_document(machine)]), "utf-8")
    except OSError as error:
        raise CliError(f"{path} cannot be written: {reason_of(error)}") from None
    results().say(f"written    {machine.key}  {path}")
    return True


def _says(path: Path, machine: MachineDraft) -> bool:
    try:
        (definition,) = read_files([path]).definitions
        return machine_file_document(machine_draft(definition.document)) == machine_file_document(machine)
    except (ValueError, Invalid):
        return False
