"""The commands about entities."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.cli.errors import explained
from app.cli.listing import print_documents
from app.cli.option_values import json_object
from app.cli.screen.console import failures, results
from app.cli.screen.tables import Table
from app.cli.screen.times import Times
from app.client.machine_client import MachineClient
from app.client.rest_client import RestClient, ServiceRefusal

Document = dict[str, Any]
REFUSED = (403, 409, 412)


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of a request, as they were given.

    executed_by: for whom it is made.
    notes: kept in the history.
    context, data: JSON objects as text.
    """

    executed_by: str | None = None
    notes: str | None = None
    context: str | None = None
    data: str | None = None

    def fields(self) -> Document:
        """Those that are given, as a request has them. Raise `CliError` for JSON that cannot be read."""
        objects = {"context": self.context, "data": self.data}
        read = {name: json.loads(json_object(f"--{name}", text)) for name, text in objects.items() if text is not None}
        texts = {"executed_by": self.executed_by, "notes": self.notes}
        return {name: text for name, text in texts.items() if text is not None} | read


def start_entity(rest_url: str, machine: str, table: str, key: str, wishes: Wishes, *, as_json: bool) -> None:
    """Start an entity and print its id."""
    wanted = {"machine": machine, "entity_table": table, "entity_id": key, **wishes.fields()}
    with RestClient(rest_url) as service:
        started = MachineClient(service).start_entity(wanted)
    if as_json:
        results().json_line(started)
    else:
        results().say(f"entity {started['id']} of {table} {key} is started in the state {started['state']}")


def move_entity(rest_url: str, entity_id: str, state: str, wishes: Wishes, *, as_json: bool) -> int:
    """Move an entity; return the exit code, 1 if that is refused. Of a refusal, each condition that fails is a line."""
    with RestClient(rest_url) as service:
        try:
            moved = MachineClient(service).move_entity(entity_id, {"to_state": state, **wishes.fields()})
        except ServiceRefusal as refusal:
            if refusal.status not in REFUSED:
                raise
            failures().say(explained(refusal))
            return 1
    if as_json:
        results().json_line(moved)
    else:
        event = moved["event"]
        results().say(f"{event['from_state']} → {event['to_state']}  {event['transition']}, event {event['sequence']}")
    return 0


def list_entities(rest_url: str, wanted: Mapping[str, str], limit: int, times: Times, *, as_json: bool) -> None:
    columns = ("entity", "machine", "thing", "state", "events", "updated")
    with RestClient(rest_url) as service:
        found = islice(MachineClient(service).entities(wanted), limit)
        print_documents(columns, found, lambda one: _row(one, times), as_json=as_json)


def show_history(rest_url: str, entity_id: str, times: Times, *, as_json: bool) -> None:
    """Print the events of an entity and, unless it has ended, what leaves its state."""
    columns = ("#", "occurred", "event", "by", "notes")
    with RestClient(rest_url) as service:
        events = MachineClient(service).entity_history(entity_id)
        print_documents(columns, events, lambda found: _event_row(found, times), as_json=as_json)
        possible = [] if as_json else MachineClient(service).possible_transitions(entity_id)
    if possible:
        results().say("")
        results().rows(Table(("next", "to", "blocked by"), [_possible_row(one) for one in possible]))


def list_timers(rest_url: str, times: Times, *, as_json: bool) -> None:
    """Print the entities whose timers are set."""
    columns = ("due", "entity", "thing", "state", "then")
    with RestClient(rest_url) as service:
        found = [one for one in MachineClient(service).entities({"final": "false"}) if one["due"] is not None]
    by_time = sorted(found, key=lambda one: str(one["due"]["at"]))
    print_documents(columns, by_time, lambda one: _timer_row(one, times), as_json=as_json)


def _row(one: Document, times: Times) -> Sequence[str]:
    state = f"{one['state']} (final)" if one["is_final"] else one["state"]
    return one["id"], str(one["machine_id"]), _thing(one), state, str(one["sequence"]), times.full(one["updated_at"])


def _event_row(found: Document, times: Times) -> Sequence[str]:
    by = found["on_behalf_of"] or found["actor"]
    occurred = times.full(found["occurred_at"], "milliseconds")
    return str(found["sequence"]), occurred, _said(found), by, found["notes"] or ""


def _said(found: Document) -> str:
    """The event in a few words."""
    return _WORDS[found["type"]](found, found["data"] or {})


_WORDS: Mapping[str, Callable[[Document, Document], str]] = {
    "entity_started": lambda found, _: f"started in {found['to_state']}",
    "transitioned": lambda found, _: f"{found['from_state']} → {found['to_state']}  {found['transition']}",
    "timer_set": lambda _, data: f"timer set for {data['due_at']}: {data['transition'] or data['to']}",
    "timer_blocked": lambda _, data: f"timer blocked: {_list(data['errors'])}",
    "workflow_started": lambda found, data: f"started {data['workflow']}, execution {found['execution_id']}",
    "migrated": lambda found, data: f"migrated to revision {data['to_revision']}, state {found['to_state']}",
    "data_changed": lambda _, data: f"data changed: {', '.join(data)}",
}


def _list(texts: Iterable[str]) -> str:
    return "; ".join(texts)


def _possible_row(one: Document) -> Sequence[str]:
    return one["name"], one["to"], _list(one["blocked_by"])


def _timer_row(one: Document, times: Times) -> Sequence[str]:
    due = one["due"]
    return times.full(due["at"]), one["id"], _thing(one), one["state"], due["transition"] or due["to"]


def _thing(one: Document) -> str:
    return f"{one['entity_table']}/{one['entity_id']}"
