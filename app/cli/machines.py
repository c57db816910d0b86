"""The commands about machines."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.cli.listing import print_documents
from app.cli.screen.console import results
from app.cli.screen.tables import Table
from app.cli.screen.times import Times
from app.client.machine_client import MachineClient
from app.client.rest_client import RestClient
from app.machines.documents import machine_from_document
from app.machines.drawing.graph import Graph, graph_document, graph_of
from app.machines.drawing.mermaid import mermaid
from app.machines.drawing.svg import svg

Document = dict[str, Any]


def list_machines(rest_url: str, times: Times, *, as_json: bool) -> None:
    columns = ("id", "key", "rev", "states", "transitions", "updated", "name")
    with RestClient(rest_url) as service:
        print_documents(columns, MachineClient(service).machines(), lambda found: _row(found, times), as_json=as_json)


def show_machine(rest_url: str, ref: str, *, as_json: bool) -> None:
    with RestClient(rest_url) as service:
        document = MachineClient(service).machine(ref)
    output = results()
    if as_json:
        output.json_line(document)
        return
    version = "" if document["version"] is None else f", version {document['version']}"
    output.say(
        f"machine {document['key'] or document['id']}  {document['name']}, revision {document['revision']}{version}"
    )
    output.rows(Table(("state", "", "after"), [_state_row(state) for state in document["states"]]))
    output.say("")
    rows = [_transition_row(one) for one in document["transitions"]]
    output.rows(Table(("from", "to", "transition", "conditions"), rows))


def draw_machine(rest_url: str, ref: str, format: str) -> None:
    """Print the machine as Mermaid, SVG or JSON."""
    with RestClient(rest_url) as service:
        machine = machine_from_document(MachineClient(service).machine(ref))
    results().out(_DRAWN[format](graph_of(machine)), end="", highlight=False)


def _json(graph: Graph) -> str:
    return json.dumps(graph_document(graph), ensure_ascii=False) + "\n"


_DRAWN: Mapping[str, Callable[[Graph], str]] = {"mermaid": mermaid, "svg": svg, "json": _json}


def _row(document: Document, times: Times) -> Sequence[str]:
    return (
        str(document["id"]),
        document["key"] or "",
        str(document["revision"]),
        str(len(document["states"])),
        str(len(document["transitions"])),
        times.full(document["updated_at"]),
        document["name"],
    )


def _state_row(state: Document) -> Sequence[str]:
    kind = ", ".join(name for name in ("initial", "final") if state[name])
    return state["name"], kind, _timer(state["after"])


def _timer(after: Document | None) -> str:
    if after is None:
        return ""
    when = f"{after['seconds']:g} s" if after["seconds"] is not None else str(after["at"])
    return f"{when}: {after['transition'] or after['to']}"


def _transition_row(one: Document) -> Sequence[str]:
    conditions = "; ".join(
        f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in one["conditions"].items()
    )
    return one["from"], one["to"], one["name"], conditions
