"""The commands for definitions: names, options and help. Each body imports what it needs, as in `commands.py`."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import AsJson, RestUrl, Utc, WorkflowRef

definitions = typer.Typer()

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE|DIR...", help="YAML or JSON definition files, or folders of them."),
]

Strict = Annotated[bool, typer.Option("--strict", help="Refuse calls of workflows that do not exist.")]


@definitions.command()
def apply(files: Files, strict: Strict = False, rest_url: RestUrl = None) -> None:
    """Create or change workflows to match their files."""
    from app.cli.files.applying import apply_and_tell
    from app.cli.targets import rest_base

    raise typer.Exit(apply_and_tell(rest_base(rest_url), files, strict=strict))


@definitions.command()
def diff(files: Files, rest_url: RestUrl = None) -> None:
    """Show what `apply` would change. Exits 1 if it would change something, 0 otherwise."""
    from app.cli.files.diffing import diff as show_differences
    from app.cli.targets import rest_base

    raise typer.Exit(show_differences(rest_base(rest_url), files))


@definitions.command()
def validate(
    files: Files,
    offline: Annotated[bool, typer.Option("--offline", help="Check without the service.")] = False,
    strict: Strict = False,
    rest_url: RestUrl = None,
) -> None:
    """Report every problem in definition files, with line and column. Exits 1 if there is one."""
    from app.cli.files.validating import validate as show_problems
    from app.cli.targets import rest_base

    raise typer.Exit(show_problems(None if offline else rest_base(rest_url), files, strict=strict))


@definitions.command()
def export(
    workflows: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY|ID]...", help="The workflows to export.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All workflows.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write KEY.yaml for each workflow instead of printing them.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that contain another definition.")] = False,
    rest_url: RestUrl = None,
) -> None:
    """Write workflows as definition files. Exits 1 if one could not be written."""
    from app.cli.files.exporting import export as write_files
    from app.cli.targets import rest_base

    if bool(workflows) == every:
        raise typer.BadParameter("name workflows, or use --all")
    raise typer.Exit(write_files(rest_base(rest_url), workflows or [], out, force=force))


@definitions.command()
def schema(machine: Annotated[bool, typer.Option("--machine", help="Of state machines.")] = False) -> None:
    """Print the JSON Schema of a definition file, for editors."""
    from app.cli.files.definition_schema import print_schema

    print_schema(of_machines=machine)


@definitions.command()
def workflows(utc: Utc = False, as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """List the workflow definitions."""
    from app.cli.listing import list_workflows
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    list_workflows(rest_base(rest_url), Times(utc), as_json=as_json)


@definitions.command()
def delete(
    workflow: WorkflowRef,
    force: Annotated[bool, typer.Option("--force", help="Also if other workflows call it.")] = False,
    rest_url: RestUrl = None,
) -> None:
    """Delete a workflow. Its revisions and executions can still be read by its id."""
    from app.cli.revising import delete as delete_workflow
    from app.cli.targets import rest_base

    delete_workflow(rest_base(rest_url), workflow, force=force)


@definitions.command()
def revisions(
    workflow: WorkflowRef,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most this many.")] = 20,
    utc: Utc = False,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """List a workflow's revisions, newest first, with the changes of each."""
    from app.cli.revising import list_revisions
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    list_revisions(rest_base(rest_url), workflow, limit, Times(utc), as_json=as_json)


@definitions.command()
def restore(
    workflow: WorkflowRef,
    revision: Annotated[int, typer.Argument(min=1, metavar="N", help="The revision's number.", show_default=False)],
    rest_url: RestUrl = None,
) -> None:
    """Create a new revision with the contents of an old one."""
    from app.cli.revising import restore as restore_revision
    from app.cli.targets import rest_base

    restore_revision(rest_base(rest_url), workflow, revision)
