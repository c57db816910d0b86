"""`workflow machine …`: names, options and help. Each body imports what it needs, as in `commands.py`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli.errors import SentencesNotTracebacks
from app.cli.options import AsJson, RestUrl, Utc

machine = typer.Typer(
    cls=SentencesNotTracebacks,
    no_args_is_help=True,
    help="State machines of entities: import, show, start, move.",
)


class Format(StrEnum):
    """How instances are printed."""

    TABLE = "table"
    JSON = "json"


class GraphFormat(StrEnum):
    """How a machine is drawn."""

    MERMAID = "mermaid"
    SVG = "svg"
    JSON = "json"


MachineRef = Annotated[str, typer.Argument(metavar="KEY|ID", help="The machine's key or id.", show_default=False)]
EntityId = Annotated[str, typer.Argument(metavar="ENTITY", help="The entity's id, a UUID.", show_default=False)]
OnBehalfOf = Annotated[str | None, typer.Option("--executed-by", metavar="NAME", help="For whom it is done.")]
Notes = Annotated[str | None, typer.Option(metavar="TEXT", help="Kept in the history.")]
Context = Annotated[str | None, typer.Option(metavar="JSON|@FILE", help="A JSON object, for conditions; @- is stdin.")]
Data = Annotated[str | None, typer.Option(metavar="JSON|@FILE", help="The entity's data, a JSON object.")]


@machine.command(name="import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="YAML or JSON files of machines.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check them.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse states that nothing leads to, or nothing leaves.")
    ] = False,
    rest_url: RestUrl = None,
) -> None:
    """Create or change machines to match their files."""
    from app.cli.files.applying import apply_and_tell
    from app.cli.files.validating import validate
    from app.cli.targets import rest_base

    code = (
        validate(None, files, strict=strict) if dry_run else apply_and_tell(rest_base(rest_url), files, strict=strict)
    )
    raise typer.Exit(code)


@machine.command()
def export(
    machines: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY|ID]...", help="The machines to export.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All machines.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write KEY.machine.yaml for each instead of printing them.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that contain another definition.")] = False,
    rest_url: RestUrl = None,
) -> None:
    """Write machines as definition files. Exits 1 if one could not be written."""
    from app.cli.files.exporting_machines import export_machines
    from app.cli.targets import rest_base

    if bool(machines) == every:
        raise typer.BadParameter("name machines, or use --all")
    raise typer.Exit(export_machines(rest_base(rest_url), machines or [], out, force=force))


@machine.command(name="list")
def list_(utc: Utc = False, as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """List the machines."""
    from app.cli.machines import list_machines
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    list_machines(rest_base(rest_url), Times(utc), as_json=as_json)


@machine.command()
def show(
    machine: MachineRef,
    graph: Annotated[bool, typer.Option("--graph", help="Draw it instead.")] = False,
    format: Annotated[GraphFormat, typer.Option(help="How --graph draws it.")] = GraphFormat.MERMAID,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """Show a machine: its states, and the transitions between them."""
    from app.cli.machines import draw_machine, show_machine
    from app.cli.targets import rest_base

    if graph:
        draw_machine(rest_base(rest_url), machine, format.value)
    else:
        show_machine(rest_base(rest_url), machine, as_json=as_json)


@machine.command()
def start(  # noqa: PLR0913 - one for each option
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The kind of thing, as transactions.")],
    key: Annotated[str, typer.Argument(metavar="ID", help="The thing's own id.")],
    machine: MachineRef,
    data: Data = None,
    executed_by: OnBehalfOf = None,
    notes: Notes = None,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """Start an entity in the initial state of a machine."""
    from app.cli.entities import Wishes, start_entity
    from app.cli.targets import rest_base

    wishes = Wishes(executed_by, notes, data=data)
    start_entity(rest_base(rest_url), machine, table, key, wishes, as_json=as_json)


@machine.command()
def instances(
    machine: Annotated[str | None, typer.Option(metavar="KEY|ID", help="Only those of this machine.")] = None,
    state: Annotated[str | None, typer.Option(metavar="STATE", help="Only those in this state.")] = None,
    format: Annotated[Format, typer.Option(help="How they are printed.")] = Format.TABLE,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most this many.")] = 50,
    utc: Utc = False,
    rest_url: RestUrl = None,
) -> None:
    """List entities, newest first."""
    from app.cli.entities import list_entities
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    wanted = {name: value for name, value in (("machine", machine), ("state", state)) if value is not None}
    list_entities(rest_base(rest_url), wanted, limit, Times(utc), as_json=format is Format.JSON)


@machine.command()
def transition(  # noqa: PLR0913 - one for each option
    entity: EntityId,
    state: Annotated[str, typer.Argument(metavar="STATE", help="The state to move it to.", show_default=False)],
    executed_by: OnBehalfOf = None,
    notes: Notes = None,
    context: Context = None,
    data: Data = None,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """Move an entity to a state. Exits 1 if that is refused."""
    from app.cli.entities import Wishes, move_entity
    from app.cli.targets import rest_base

    wishes = Wishes(executed_by, notes, context, data)
    raise typer.Exit(move_entity(rest_base(rest_url), entity, state, wishes, as_json=as_json))


@machine.command()
def history(entity: EntityId, utc: Utc = False, as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """Show the events of an entity, and what may come next."""
    from app.cli.entities import show_history
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    show_history(rest_base(rest_url), entity, Times(utc), as_json=as_json)


@machine.command()
def due(utc: Utc = False, as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """List the timers that are set, the next one first."""
    from app.cli.entities import list_timers
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    list_timers(rest_base(rest_url), Times(utc), as_json=as_json)
