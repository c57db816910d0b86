"""The commands about suggestions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from app.cli.listing import print_documents
from app.cli.names import WorkflowNames
from app.cli.refused_names import near_keys
from app.cli.screen.console import results
from app.cli.screen.tables import Table
from app.cli.screen.times import Times
from app.client.rest_client import RestClient

Document = dict[str, Any]

SHOWN = ("status", "workflow", "task", "rule", "source", "rationale", "seconds_a_day", "created_at")


def list_suggestions(rest_url: str, filters: Mapping[str, str | None], *, as_json: bool) -> None:
    columns = ("id", "workflow", "task", "rule", "status", "title")
    query = urlencode({name: value for name, value in filters.items() if value is not None})
    with RestClient(rest_url) as service, near_keys(rest_url):
        names = WorkflowNames(service)
        found = service.all_of(f"/suggestions?{query}" if query else "/suggestions")
        print_documents(columns, found, lambda one: _row(one, names), as_json=as_json)


def show_suggestion(rest_url: str, suggestion: int, times: Times, *, with_evidence: bool, as_json: bool) -> None:
    with RestClient(rest_url) as service:
        document = service.ask("GET", f"/suggestions/{suggestion}")
        report = service.ask("GET", f"/suggestions/{suggestion}/evidence") if with_evidence else None
        workflow = WorkflowNames(service).of(document["workflow_id"])
    output = results()
    if as_json:
        output.json_line(document if report is None else document | {"report": report})
        return
    output.say(document["title"])
    shown = document | {"workflow": workflow}
    rows = [(name, _text(name, shown[name], times)) for name in SHOWN if shown[name] is not None]
    rows += [(f"expected {name}", _text(name, value, times)) for name, value in document["prediction"].items()]
    rows += _evidence_rows(document["evidence"]) + _decision_rows(document, times)
    output.rows(Table(("field", "value"), rows))
    for operation in document["patch"] or ():
        if operation["op"] != "test":
            output.say(f"{operation['op']}  {operation['path']}  {json.dumps(operation.get('value'))}")
    if report is not None:
        output.say(_again(report))


def decide(rest_url: str, suggestion: int, what: str, body: Mapping[str, str | None]) -> None:
    """`what` is `approve`, `reject` or `undo`."""
    given = {name: value for name, value in body.items() if value is not None}
    with RestClient(rest_url) as service:
        decided = service.ask("POST", f"/suggestions/{suggestion}/{what}", given)
        workflow = WorkflowNames(service).of(decided["workflow_id"])
    revision = decided["applied_revision"]
    made = f"; revision {revision} of {workflow} has it" if what == "approve" and revision is not None else ""
    results().say(f"suggestion {suggestion} is {decided['status']}{made}")


def compute_suggestions(rest_url: str, times: Times) -> None:
    with RestClient(rest_url) as service:
        state = service.ask("POST", "/suggestions/compute")
    last = "never" if state["computed_at"] is None else times.full(state["computed_at"])
    results().say(f"an engine will compute suggestions; the last time was {last}")


def _row(document: Document, names: WorkflowNames) -> Sequence[str]:
    workflow = names.of(document["workflow_id"])
    return (
        str(document["id"]),
        workflow,
        document["task"] or "",
        document["rule"],
        document["status"],
        document["title"],
    )


def _evidence_rows(evidence: Document | None) -> list[tuple[str, str]]:
    if evidence is None:
        return []
    k = "" if evidence["k"] is None else f"{evidence['k']} of "
    bounds = [f"{name} {evidence[name]:.4g}" for name in ("low", "high") if evidence[name] is not None]
    interval = f" ({', '.join(bounds)})" if bounds else ""
    numbers = f"{k}{evidence['n']}: {evidence['estimate']:.4g}{interval}, p = {evidence['p_value']:.2g}"
    return [("evidence", numbers), ("formula", evidence["formula"])]


def _decision_rows(document: Document, times: Times) -> list[tuple[str, str]]:
    if document["decided_at"] is None:
        return []
    names = ("decided_at", "decided_by", "notes", "applied_revision")
    rows = [(name, _text(name, document[name], times)) for name in names if document[name] is not None]
    effect = document["effect"]
    return rows if effect is None else [*rows, ("effect", f"{effect['verdict']} ({effect['executions']} executions)")]


def _again(report: Document) -> str:
    count = len(report["observations"])
    if report["same"] is None:
        return f"it cannot be computed again: {count} executions of the sample are left"
    verdict = "the same numbers" if report["same"] else "other numbers"
    return f"computed again from {count} executions: {verdict}"


def _text(name: str, value: Any, times: Times) -> str:
    if value is None:
        return ""
    if name.endswith("_at"):
        return times.full(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
