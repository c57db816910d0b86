"""The commands about schedules."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import typer

from app.cli.errors import CliError
from app.cli.listing import print_documents
from app.cli.names import WorkflowNames
from app.cli.option_values import instant_of, json_object, seconds_of
from app.cli.refused_names import near_keys
from app.cli.screen.console import results
from app.cli.screen.tables import Table
from app.cli.screen.times import Times
from app.client.rest_client import RestClient
from app.domain.documents import rfc3339
from app.schedules.schedule import Timing

Document = dict[str, Any]


def schedule_body(workflow: str, cron: str | None, time_zone: str, at: str | None, later: str | None) -> Document:
    """The timing fields of the request. `later` is the value of `--in`.

    Raise `CliError` unless exactly one of `cron`, `at` and `later` is given and can be read.
    """
    if sum(given is not None for given in (cron, at, later)) != 1:
        raise CliError("give one of --cron, --at and --in")
    if at is not None:
        at = instant_of("--at", at)
    if later is not None:
        at = _from_now(later)
    return {"workflow": workflow, "cron": cron, "time_zone": time_zone, "at": at}


def confirmation(cron: str | None, *, yes: bool) -> Document:
    """The field that confirms a cron expression with all 60 seconds; nothing for others. Asks on a terminal.

    Raise `CliError` unless it is confirmed.
    """
    if not Timing(cron).is_every_second:
        return {}
    if not yes and not sys.stdin.isatty():
        raise CliError(f"{cron!r} fires every second; add --yes if that is meant")
    if not yes and not typer.confirm(f"{cron!r} fires every second. Create it?", err=True):
        raise CliError("no schedule is created; write 0 as the first of the six fields to fire once a minute")
    return {"allow_every_second": True}


def _from_now(later: str) -> str | None:
    try:
        return rfc3339(datetime.now(UTC) + timedelta(seconds=seconds_of("--in", later)))
    except OverflowError:
        raise CliError(f"--in {later!r} is too far from now") from None


def create_schedule(rest_url: str, body: Document, input: str | None, times: Times, *, as_json: bool) -> None:
    """Create the schedule and print it. `input` is the value of `--input`."""
    given = {name: value for name, value in body.items() if value is not None}
    if input is not None:
        given["input"] = json.loads(json_object("--input", input))
    with RestClient(rest_url) as service, near_keys(rest_url):
        created = service.create_schedule(given)
    if as_json:
        results().json_line(created)
    else:
        results().say(f"schedule {_name(created)} is created; {_next(created, times)}")


def show_schedule(rest_url: str, ref: str, count: int, times: Times, *, as_json: bool) -> None:
    with RestClient(rest_url) as service, near_keys(rest_url):
        document = service.schedule(ref)
        fires = service.next_fires(ref, count) if count and not document.get("problem") else []
        shown = document if as_json else _with_name(document, WorkflowNames(service))
    output = results()
    if as_json:
        output.json_line(document | {"next": fires})
        return
    output.rows(Table(("field", "value"), [(name, _text(name, value, times)) for name, value in shown.items()]))
    for fire in fires:
        output.say(f"fires  {times.full(fire)}")


def list_schedules(rest_url: str, times: Times, *, as_json: bool) -> None:
    columns = ("schedule", "workflow", "next", "when")
    with RestClient(rest_url) as service:
        names = WorkflowNames(service)
        print_documents(columns, service.schedules(), lambda found: _row(found, names, times), as_json=as_json)


def pause_schedule(rest_url: str, ref: str) -> None:
    with RestClient(rest_url) as service, near_keys(rest_url):
        paused = service.change_schedule(ref, "pause")
    results().say(f"schedule {_name(paused)} is paused")


def resume_schedule(rest_url: str, ref: str, times: Times) -> None:
    with RestClient(rest_url) as service, near_keys(rest_url):
        resumed = service.change_schedule(ref, "resume")
    results().say(f"schedule {_name(resumed)} is resumed; {_next(resumed, times)}")


def delete_schedule(rest_url: str, ref: str) -> None:
    with RestClient(rest_url) as service, near_keys(rest_url):
        deleted = service.delete_schedule(ref)
    results().say(f"schedule {_name(deleted)} is deleted")


def _name(document: Document) -> str:
    return document["key"] or str(document["id"])


def _with_name(document: Document, names: WorkflowNames) -> Document:
    """The schedule with the workflow's name in place of its id."""
    named = {"workflow": names.of(document["workflow_id"])}
    return {"id": document["id"], **named, **{name: document[name] for name in document if name != "workflow_id"}}


def _next(document: Document, times: Times) -> str:
    if document.get("problem"):
        return f"nothing is started: {document['problem']}"
    if document["next_fire_at"] is None:
        return "it is paused" if document["paused"] else "it will not fire again"
    return f"it fires next at {times.full(document['next_fire_at'])}"


def _row(document: Document, names: WorkflowNames, times: Times) -> Sequence[str]:
    once = f"once at {times.full(document['at'])}" if document["cron"] is None else ""
    return (
        _name(document),
        names.of(document["workflow_id"]),
        _when_next(document, times),
        once or f"{document['cron']} {document['time_zone']}",
    )


def _when_next(document: Document, times: Times) -> str:
    if document.get("problem"):
        return "has a problem"
    return "paused" if document["paused"] else times.full(document["next_fire_at"])


def _text(name: str, value: Any, times: Times) -> str:
    if value is None:
        return ""
    if name == "at" or name.endswith("_at"):
        return times.full(value)
    return value if isinstance(value, str) else json.dumps(value)
