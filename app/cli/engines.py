"""The command `engines`."""

from typing import Any

from app.cli.listing import print_documents
from app.cli.screen.times import Times
from app.client.rest_client import RestClient

Document = dict[str, Any]


def list_engines(rest_url: str, times: Times, *, as_json: bool) -> None:
    """Print the engines, those that run first."""
    columns = ("id", "status", "host", "version", "runs", "waits", "renewed", "success", "task")
    with RestClient(rest_url) as service:
        print_documents(columns, service.engines(), lambda found: _row(found, times), as_json=as_json)


def _row(engine: Document, times: Times) -> tuple[str, ...]:
    work = engine["work"]
    return (
        str(engine["id"]),
        engine["status"],
        "" if engine["host"] is None else f"{engine['host']}:{engine['pid']}",
        engine["version"] or "",
        "" if engine["running"] is None else f"{engine['running']}/{engine['capacity']}",
        "" if engine["parked"] is None else str(engine["parked"]),
        times.full(engine["renewed_at"]),
        "" if work["success_rate"] is None else f"{work['success_rate']:.1%}",
        work["current_task"] or "",
    )
