"""`workflow auth …`: names, options and help. Each body imports what it needs, as in `commands.py`."""

from typing import Annotated

import typer

from app.cli.errors import SentencesNotTracebacks
from app.cli.options import AsJson, RestUrl, Utc
from app.domain.permissions import Role, Scope

auth = typer.Typer(
    cls=SentencesNotTracebacks,
    no_args_is_help=True,
    help="Who may call the service: the first key, API keys, tenants.",
)
keys = typer.Typer(cls=SentencesNotTracebacks, no_args_is_help=True, help="Make, list, rotate and revoke API keys.")
tenants = typer.Typer(cls=SentencesNotTracebacks, no_args_is_help=True, help="Make, list, limit and suspend tenants.")
auth.add_typer(keys, name="keys")
auth.add_typer(tenants, name="tenants")

KeyId = Annotated[int, typer.Argument(metavar="ID", min=0, show_default=False, help="The key's id, as in the list.")]
TenantKey = Annotated[str, typer.Argument(metavar="KEY", show_default=False, help="The tenant's key.")]
Days = Annotated[float, typer.Option("--days", metavar="N", help="After how many days the key expires.")]
NoEnd = Annotated[bool, typer.Option("--no-end", help="The key does not expire.")]


@auth.command()
def bootstrap(
    role: Annotated[Role, typer.Option(help="What the key allows.")] = Role.ADMIN,
    tenant: Annotated[str, typer.Option(metavar="KEY", help="The tenant that it belongs to.")] = "default",
    days: Days = 90,
    another: Annotated[bool, typer.Option("--another", help="Even if there is such a key already.")] = False,
    database: Annotated[str | None, typer.Option(help="Replaces DATABASE_URL: a URL or `file:PATH`.")] = None,
) -> None:
    """Make the first API key, and print it once. Writes to the database itself, so it needs no key."""
    from app.cli.bootstrapping import FirstKey, print_first_key
    from app.cli.targets import override_environment, settings

    override_environment(DATABASE_URL=database)
    print_first_key(settings(), FirstKey(role, tenant, days, another))


@keys.command("create")
def create_key(  # noqa: PLR0913 - one for each option
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="What the key is for.")],
    role: Annotated[Role | None, typer.Option(help="What it allows: a role, or")] = None,
    scope: Annotated[list[Scope] | None, typer.Option(help="scopes, one by one.")] = None,
    workflows: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="Only for these workflows, as 'reports-*'.")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A role that conditions of machines ask for.")
    ] = None,
    days: Days = 90,
    no_end: NoEnd = False,
    per_minute: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Requests per minute, instead of RATE_LIMIT_KEYS.")
    ] = None,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """Make a key, and print it once."""
    from app.cli.authorizing import create, key_body
    from app.cli.targets import rest_base

    limits = {"expires_in_days": None if no_end else days, "rate_limit": per_minute}
    body = key_body(name, role, scope, workflows, group) | limits
    create(rest_base(rest_url), body, as_json=as_json)


@keys.command("list")
def list_keys(utc: Utc = False, as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """List the keys, newest first, also those that are no longer valid."""
    from app.cli.authorizing import list_all
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    list_all(rest_base(rest_url), Times(utc), as_json=as_json)


@keys.command()
def rotate(
    key: KeyId,
    overlap_hours: Annotated[float, typer.Option(metavar="N", help="How long the old key stays valid.")] = 24,
    days: Days = 90,
    no_end: NoEnd = False,
    as_json: AsJson = False,
    rest_url: RestUrl = None,
) -> None:
    """Make a key that replaces this one, and print it once."""
    from app.cli.authorizing import rotate
    from app.cli.targets import rest_base

    wanted = {"expires_in_days": None if no_end else days, "overlap_hours": overlap_hours}
    rotate(rest_base(rest_url), key, wanted, as_json=as_json)


@keys.command()
def revoke(key: KeyId, rest_url: RestUrl = None) -> None:
    """End a key, and its calls within seconds."""
    from app.cli.authorizing import revoke
    from app.cli.targets import rest_base

    revoke(rest_base(rest_url), key)


@tenants.command("create")
def create_tenant(
    key: Annotated[str, typer.Argument(metavar="KEY", show_default=False, help="Its unique key.")],
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="Its name, for people.")],
    rest_url: RestUrl = None,
) -> None:
    """Make a tenant. Needs a key with the role system."""
    from app.cli.authorizing import create_tenant
    from app.cli.targets import rest_base

    create_tenant(rest_base(rest_url), key, name)


@tenants.command("limit")
def limit_tenant(
    key: TenantKey,
    running: Annotated[str | None, typer.Option(metavar="N", help="Executions that run at once.")] = None,
    starts: Annotated[str | None, typer.Option(metavar="N", help="Starts per second of its callers.")] = None,
    definitions: Annotated[str | None, typer.Option(metavar="N", help="Workflows that it may have stored.")] = None,
    rest_url: RestUrl = None,
) -> None:
    """Limit what a tenant may use; N is a number, or `none` for no limit. Needs a key with the role system."""
    from app.cli.authorizing import limit_tenant, limit_value
    from app.cli.targets import rest_base

    limits = {"max_running": running, "starts_per_second": starts, "max_definitions": definitions}
    limit_tenant(rest_base(rest_url), key, {name: limit_value(value) for name, value in limits.items()})


@tenants.command("suspend")
def suspend_tenant(key: TenantKey, rest_url: RestUrl = None) -> None:
    """Refuse the calls of a tenant from now on. Executions continue. Needs a key with the role system."""
    from app.cli.authorizing import suspend_tenant
    from app.cli.targets import rest_base

    suspend_tenant(rest_base(rest_url), key, suspended=True)


@tenants.command("resume")
def resume_tenant(key: TenantKey, rest_url: RestUrl = None) -> None:
    """End the suspension of a tenant. Needs a key with the role system."""
    from app.cli.authorizing import suspend_tenant
    from app.cli.targets import rest_base

    suspend_tenant(rest_base(rest_url), key, suspended=False)


@tenants.command("list")
def list_tenants(utc: Utc = False, as_json: AsJson = False, rest_url: RestUrl = None) -> None:
    """List the tenants. Needs a key with the role system."""
    from app.cli.authorizing import list_tenants
    from app.cli.screen.times import Times
    from app.cli.targets import rest_base

    list_tenants(rest_base(rest_url), Times(utc), as_json=as_json)
