"""`workflow audit list`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from app.cli.errors import CliError
from app.cli.listing import print_documents
from app.cli.option_values import instant_of, seconds_of
from app.cli.screen.times import Times
from app.client.rest_client import RestClient
from app.domain.documents import rfc3339

Document = dict[str, Any]

_LENGTH = frozenset("0123456789.smhd")


def wanted_entries(actor: str | None, action: str | None, target: str | None, since: str | None) -> Mapping[str, str]:
    """The filter of the request. Raise `CliError` for a time that cannot be read."""
    given = {"actor": actor, "action": action, "target": target, "since": None if since is None else _instant(since)}
    return {name: str(value) for name, value in given.items() if value is not None}


def list_newest(rest_url: str, wanted: Mapping[str, str], limit: int, times: Times, *, as_json: bool) -> None:
    """Print at most `limit` entries, newest first."""
    columns = ("#", "at", "actor", "action", "target", "from", "request")
    with RestClient(rest_url) as service:
        print_documents(columns, service.audit(wanted, limit), lambda found: _row(found, times), as_json=as_json)


def _row(entry: Document, times: Times) -> Sequence[str]:
    return (
        str(entry["number"]),
        times.full(entry["at"]),
        entry["actor"],
        entry["action"],
        entry["target"],
        entry["ip"] or "",
        entry["request_id"] or "",
    )


def _instant(since: str) -> str:
    """RFC 3339 from an instant, or from a length of time until now."""
    if not set(since) <= _LENGTH:
        return instant_of("--since", since)
    try:
        return str(rfc3339(datetime.now(UTC) - timedelta(seconds=seconds_of("--since", since))))
    except OverflowError:
        raise CliError(f"--since {since!r} is too long ago") from None
