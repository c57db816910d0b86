"""The commands for definitions: names, options and help. Each body imports what it needs, as in `commands.py`."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import AsJson, RestUrl, WorkflowRef

definitions = typer.Typer()

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE|DIR...", help="YAML or JSON definition files; all of a folder, sorted by path."),
]


@definitions.command()
def apply(files: Files, rest_url: RestUrl = None) -> None:
    """Create or change workflows so that they are as their files say."""
    from app.cli.files.applying import apply_and_tell
    from app.cli.targets import rest_base

    raise typer.Exit(apply_and_tell(rest_base(rest_url), files))


@definitions.command()
def diff(files: Files, rest_url: RestUrl = None) -> None:
    """Show what `apply` would change. Exits 1 when it would, 0 when it would not."""
    from app.cli.files.diffing import diff as show_differences
    from app.cli.targets import rest_base

    raise typer.Exit(show_differences(rest_base(rest_url), files))


@definitions.command()
def validate(
    files: Files,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the service.")] = False,
    rest_url: RestUrl = None,
) -> None:
    """Show everything that is wrong with files, with line and column. Exits 1 when something is."""
    from app.cli.files.validating import validate as show_problems
    from app.cli.targets import rest_base

    raise typer.Exit(show_problems(None if offline else rest_base(rest_url), files))


@definitions.command()
def export(
    workflows: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY|ID]...", help="Which workflows.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All workflows.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write KEY.yaml for each instead of printing them.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that say something else.")] = False,
    rest_url: RestUrl = None,
) -> None:
    """Write workflows as definition files. Exits 1 when one could not be written."""
    from app.cli.files.exporting import export as write_files
    from app.cli.targets import rest_base

    if bool(workflows) == every:
        raise typer.BadParameter("name workflows, or say --all")
    raise typer.Exit(write_files(rest_base(rest_url), workflows or [], out, force=force))


@definitions.command()
def schema() -> None:
    """Print the JSON Schema of a definition file, for editors."""
    from app.cli.files.definition_schema import print_schema

    print_schema()


@definitions.command()
def workflows(as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """List the workflow definitions."""
    from app.cli.listing import list_workflows
    from app.cli.targets import rest_base

    list_workflows(rest_base(rest_url), as_json=as_json)


@definitions.command()
def revisions(
    workflow: WorkflowRef,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most this many.")] = 20,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """List a workflow's revisions, newest first, with what each changed."""
    from app.cli.revising import list_revisions
    from app.cli.targets import rest_base

    list_revisions(rest_base(rest_url), workflow, limit, as_json=as_json)


@definitions.command()
def restore(
    workflow: WorkflowRef,
    revision: Annotated[int, typer.Argument(min=1, metavar="N", help="The revision's number.", show_default=False)],
    rest_url: RestUrl = None,
) -> None:
    """Make a new revision with the contents of an old one."""
    from app.cli.revising import restore as restore_revision
    from app.cli.targets import rest_base

    restore_revision(rest_base(rest_url), workflow, revision)
