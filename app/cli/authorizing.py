"""The commands about API keys and tenants. A key goes to stdout alone, so that a script can take it from there."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.cli.errors import CliError
from app.cli.listing import print_documents
from app.cli.screen.console import failures, results
from app.cli.screen.times import Times
from app.client.rest_client import RestClient
from app.domain.permissions import Role, Scope

Document = dict[str, Any]

NO_LIMIT = "none"


def key_body(
    name: str,
    role: Role | None,
    scopes: Sequence[Scope] | None,
    workflows: str | None,
    groups: Sequence[str] | None = None,
) -> Document:
    """The request for a new key. Raise `CliError` unless either a role or scopes are given."""
    if (role is None) == (not scopes):
        raise CliError("give either --role or --scope, which can be repeated")
    given = {"role": role, "scopes": scopes or None, "workflows": workflows, "groups": groups or None}
    return {"name": name} | {field: value for field, value in given.items() if value is not None}


def create(rest_url: str, body: Document, *, as_json: bool) -> None:
    with RestClient(rest_url) as service:
        made = service.create_key(body)
    _show_text(made, as_json=as_json)


def rotate(rest_url: str, key_id: int, wanted: Mapping[str, Any], *, as_json: bool) -> None:
    with RestClient(rest_url) as service:
        made = service.rotate_key(key_id, wanted)
    _show_text(made, as_json=as_json)


def revoke(rest_url: str, key_id: int) -> None:
    with RestClient(rest_url) as service:
        revoked = service.revoke_key(key_id)
    results().say(f"key {revoked['id']} ({revoked['prefix']}, {revoked['name']}) is revoked")


def list_all(rest_url: str, times: Times, *, as_json: bool) -> None:
    columns = ("id", "prefix", "name", "allows", "workflows", "per minute", "expires", "last used", "state")
    with RestClient(rest_url) as service:
        print_documents(columns, service.keys(), lambda found: _row(found, times), as_json=as_json)


def create_tenant(rest_url: str, key: str, name: str) -> None:
    with RestClient(rest_url) as service:
        made = service.create_tenant(key, name)
    results().say(f"tenant {made['key']} is made; `workflow auth bootstrap --tenant {made['key']}` makes its first key")


def limit_value(text: str | None) -> int | str | None:
    """Raise `CliError` for anything but a number, `none` or None."""
    if text is None or text == NO_LIMIT:
        return text
    if not text.isascii() or not text.isdigit():
        raise CliError(f"{text!r} is not a limit: give a number, or {NO_LIMIT} for no limit")
    return int(text)


def limit_tenant(rest_url: str, key: str, limits: Mapping[str, int | str | None]) -> None:
    """Change the limits that are given; `none` takes one away. Raise `CliError` when none is given."""
    changes = {name: None if most == NO_LIMIT else most for name, most in limits.items() if most is not None}
    if not changes:
        raise CliError("give a limit: --running, --starts or --definitions")
    with RestClient(rest_url) as service:
        changed = service.change_tenant(key, changes)
    results().say(f"tenant {changed['key']}: {_limits(changed) or 'no limits'}")


def suspend_tenant(rest_url: str, key: str, *, suspended: bool) -> None:
    with RestClient(rest_url) as service:
        changed = service.change_tenant(key, {"suspended": suspended})
    results().say(f"tenant {changed['key']} is {'suspended' if suspended else 'not suspended any more'}")


def list_tenants(rest_url: str, times: Times, *, as_json: bool) -> None:
    columns = ("id", "key", "name", "made", "suspended", "limits")
    with RestClient(rest_url) as service:
        print_documents(columns, service.tenants(), lambda found: _tenant_row(found, times), as_json=as_json)


def _show_text(made: Document, *, as_json: bool) -> None:
    if as_json:
        results().json_line(made)
        return
    results().say(made["key"])
    failures().say(f"key {made['id']} ({made['name']}); its text is shown this once")


def _row(key: Document, times: Times) -> Sequence[str]:
    return (
        str(key["id"]),
        key["prefix"],
        key["name"],
        " ".join([key["role"] or " ".join(key["scopes"]), *(f"+{group}" for group in key.get("groups", ()))]),
        key["workflows"] or "all",
        str(key["rate_limit"] or "default"),
        times.full(key["expires_at"], "minutes") or "never",
        times.full(key["last_used_at"], "minutes") or "never",
        "" if key["revoked_at"] is None else "revoked",
    )


def _tenant_row(tenant: Document, times: Times) -> Sequence[str]:
    created, suspended = (times.full(tenant[name], "minutes") for name in ("created_at", "suspended_at"))
    return str(tenant["id"]), tenant["key"], tenant["name"], created, suspended, _limits(tenant)


def _limits(tenant: Document) -> str:
    words = {"max_running": "running", "starts_per_second": "starts/s", "max_definitions": "definitions"}
    return ", ".join(f"{tenant[name]} {word}" for name, word in words.items() if tenant[name] is not None)
