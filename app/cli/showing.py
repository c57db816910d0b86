"""`workflow show`: one execution with its tasks, the task that has started it, and what its own tasks have started."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.cli.execution_ids import found_over_rest, short_ids
from app.cli.listing import print_json, took
from app.cli.names import WorkflowNames
from app.cli.screen.console import results
from app.cli.screen.tables import Table
from app.cli.screen.times import Times
from app.cli.screen.waiting import wait_words
from app.client.entries import awaited_in
from app.client.rest_client import RestClient, ServiceRefusal
from app.domain.waiting import signal_command

MOST_CHILDREN = 100

Document = dict[str, Any]


def show_execution(rest_url: str, execution: str, times: Times, *, as_json: bool) -> None:
    """Print the execution, its tasks, and the newest `MOST_CHILDREN` of its children."""
    with RestClient(rest_url) as service:
        document = service.execution(found_over_rest(service, execution))
        tasks = service.tasks(document["id"])
        children = list(service.executions(MOST_CHILDREN, parent=document["id"]))
        if as_json:
            print_json([{**document, "tasks": tasks, "children": children}])
            return
        names, output = WorkflowNames(service), results()
        lines = dict(_lines(document, times, names.of(document["workflow_id"]), _parent(service, document["parent"])))
        width = max(map(len, lines))
        for name, value in lines.items():
            output.say(f"{name:<{width}}  {value}")
        output.say("")
        rows = [_task_row(task, times) for task in tasks]
        output.rows(Table(("task", "status", "attempts", "took", "notes"), rows, ["task"]))
        for signal in dict.fromkeys(_signals(tasks)):
            output.say("")
            output.say(f"send signal {signal!r} with: {signal_command(document['id'], signal)}")
        if children:
            output.say("")
            output.rows(_children_table(children, tasks, names, times))


def _lines(document: Document, times: Times, workflow: str, parent: str) -> Iterator[tuple[str, str]]:
    """What there is to say about the execution itself; nothing that is empty."""
    yield "execution", document["id"]
    yield "workflow", f"{workflow}, revision {document['revision']}"
    yield "status", document["status"]
    for name in ("created", "started", "finished"):
        if (instant := document[f"{name}_at"]) is not None:
            yield name, times.full(instant)
    if (started_by := document.get("started_by")) is not None:
        yield "by", started_by
    if duration := took(document["started_at"], document["finished_at"]):
        yield "took", duration
    if document["error"] is not None:
        yield "error", f"{document['error']['code']}: {document['error']['message']}"
    if document["origin_id"] is not None:
        yield "repeats", document["origin_id"]
    if parent:
        yield "parent", parent
    if document["depth"] > 1:
        yield "root", f"{document['root_id']}, {document['depth']} levels above"


def _parent(service: RestClient, parent: Mapping[str, Any] | None) -> str:
    """The parent with the name of its task; with the task's id if the parent has been removed."""
    if parent is None:
        return ""
    execution_id, task_id = parent["execution_id"], parent["task_id"]
    try:
        names = {task["task_id"]: task["name"] for task in service.tasks(execution_id)}
    except ServiceRefusal:
        names = {}
    task = f"task {names[task_id]!r}" if task_id in names else f"task {task_id}"
    return f"{execution_id}, {task}"


def _signals(tasks: Iterable[Document]) -> Iterator[str]:
    """The signals that tasks wait for."""
    for task in tasks:
        if (awaited := awaited_in(task)) is not None and awaited.signal is not None:
            yield awaited.signal


def _task_row(task: Document, times: Times) -> tuple[str, ...]:
    return (
        task["name"],
        task["status"],
        str(task["attempt"] or ""),
        took(task["started_at"], task["finished_at"]),
        _notes(task, times),
    )


def _notes(task: Document, times: Times) -> str:
    awaited, error = awaited_in(task), task["error"]
    words = "" if awaited is None else wait_words(awaited, times)
    return "; ".join(filter(None, (words, "" if error is None else str(error["message"]))))


def _children_table(children: list[Document], tasks: Iterable[Document], names: WorkflowNames, times: Times) -> Table:
    by_id = {task["task_id"]: task["name"] for task in tasks}
    ids = short_ids(child["id"] for child in children)
    rows = [
        (
            ids[child["id"]],
            by_id.get(child["parent"]["task_id"], "") if child["parent"] else "",
            names.of(child["workflow_id"]),
            child["status"],
            times.brief(child["created_at"]),
            took(child["started_at"], child["finished_at"]),
        )
        for child in children
    ]
    return Table(("child", "of task", "workflow", "status", "created", "took"), rows, ["of task", "workflow"])
