"""`workflow database …`: names, options and help. Each body imports what it needs, as in `commands.py`."""

from typing import Annotated

import typer

from app.cli.errors import SentencesNotTracebacks

database_commands = typer.Typer(
    cls=SentencesNotTracebacks, no_args_is_help=True, help="Prepare a PostgreSQL server for the service."
)


@database_commands.callback()
def _group() -> None:
    """Keep `init` a command of its own, also while it is the only one."""


@database_commands.command()
def init(
    admin_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="WORKFLOW_ADMIN_DATABASE_URL",
            show_default=False,
            help="A login that may make roles and databases.",
        ),
    ] = None,
) -> None:
    """Make the logins of DATABASE_URL, ENGINE_DATABASE_URL and MIGRATION_DATABASE_URL, the tables, and the walls
    between tenants. May be repeated.
    """
    from app.cli.initialising import initialise_database
    from app.cli.targets import settings

    initialise_database(settings(), admin_url)
