"""`workflow audit …`: names, options and help. Each body imports what it needs, as in `commands.py`."""

from typing import Annotated

import typer

from app.cli.errors import SentencesNotTracebacks
from app.cli.options import AsJson, RestUrl, Utc
from app.domain.actions import Action

audit = typer.Typer(
    cls=SentencesNotTracebacks,
    no_args_is_help=True,
    help="Who has changed what: list the audit log, and verify that it is unchanged.",
)


@audit.command("list")
def list_entries(  # noqa: PLR0913 - one for each option
    actor: Annotated[
        str | None, typer.Option(metavar="WHO", help="Only what this principal did, as key:Xk3vT9aB.")
    ] = None,
    action: Annotated[Action | None, typer.Option(help="Only this.", show_choices=False, metavar="ACTION")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="WHAT", help="Only what was done to this, as workflow:7.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only from this instant on, or a time until now, as 2h or 7d.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most this many.")] = 20,
    utc: Utc = False,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """List what was changed, newest first. Needs a key with the scope audit:read, which the role admin has."""
    from app.cli.auditing import list_newest, wanted_entries
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    wanted = wanted_entries(actor, action, target, since)
    list_newest(rest_base(rest_url), wanted, limit, Times(utc), as_json=as_json)


@audit.command()
def verify(
    tenant: Annotated[str | None, typer.Option(metavar="KEY", help="Only the log of this tenant.")] = None,
    anchors: Annotated[
        list[str] | None,
        typer.Option("--anchor", metavar="NUMBER:HASH", help="Entry NUMBER has this hash; from a line `audit_head`."),
    ] = None,
    database: Annotated[str | None, typer.Option(help="Replaces ENGINE_DATABASE_URL: a URL or `file:PATH`.")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the audit log in the database. Exits 0 if no entry was changed, 1 at the first that was.

    Reads the database itself, so it also works while the service is down. Its user must see all tenants.
    """
    from app.cli.targets import checked_database
    from app.cli.verifying import parse_anchors, verify_database

    noted = parse_anchors(anchors or [], tenant)
    raise typer.Exit(verify_database(checked_database(database), tenant, noted, as_json=as_json))
