"""The commands `list`, `workflows` and `history`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from app.api.grpc.generated import workflow_pb2 as pb
from app.cli.execution_ids import found_over_rest, short_ids
from app.cli.names import PATIENCE_SECONDS, WorkflowNames
from app.cli.refused_names import near_keys
from app.cli.screen.console import results
from app.cli.screen.drawing import message_line
from app.cli.screen.progress import duration
from app.cli.screen.tables import Table
from app.cli.screen.times import Times
from app.cli.screen.waiting import wait_line
from app.cli.targets import Services
from app.client.entries import awaited_in, failure_of, instant, json_id, status_word
from app.client.errors import ClientError
from app.client.grpc_client import GrpcClient
from app.client.rest_client import RestClient
from app.domain.waiting import signal_command

Document = dict[str, Any]


def list_newest(
    services: Services, status: str | None, workflow: str | None, limit: int, times: Times, *, as_json: bool
) -> None:
    """Print at most `limit` executions, newest first. The REST API provides the names of the workflows."""
    wanted = pb.ListExecutionsRequest(workflow_id=workflow or "", status=status.upper() if status else None)
    with GrpcClient(services.grpc) as client, near_keys(services.rest):
        documents = map(_execution, client.executions(wanted, limit))
        if as_json:
            print_json(documents)
            return
        found = list(documents)
    with _names(services.rest, found) as names:
        ids = short_ids(whole for one in found for whole in (one["execution_id"], one["origin_id"]) if whole)
        rows = [_execution_row(document, ids, names, times) for document in found]
    columns = ("execution", "workflow", "status", "created", "took", "notes")
    results().rows(Table(columns, rows, ["workflow"], wraps=False))


def list_workflows(rest_url: str, times: Times, *, as_json: bool) -> None:
    columns = ("id", "key", "rev", "tasks", "updated", "name")
    with RestClient(rest_url) as service:
        print_documents(columns, service.workflows(), lambda found: _workflow_row(found, times), as_json=as_json)


def show_history(rest_url: str, execution: str, times: Times, *, as_json: bool) -> None:
    """Print the events that an execution has had so far."""
    columns = ("#", "occurred", "done", "status", "message")
    with RestClient(rest_url) as service:
        whole = found_over_rest(service, execution)
        events = service.history(whole)
        print_documents(columns, events, lambda found: _event_row(found, whole, times), as_json=as_json)


def print_documents(
    columns: Sequence[str],
    documents: Iterable[Document],
    row: Callable[[Document], Sequence[str]],
    *,
    as_json: bool,
) -> None:
    """Print a table, or one JSON object per line."""
    if as_json:
        print_json(documents)
    else:
        results().rows(Table(columns, map(row, documents)))


def print_json(documents: Iterable[Document]) -> None:
    output = results()
    for document in documents:
        output.json_line(document)


@contextmanager
def _names(rest_url: str, executions: Sequence[Document]) -> Iterator[WorkflowNames]:
    """The names from the REST API, if it is that of the same service: if it knows the first of the executions."""
    with RestClient(rest_url, PATIENCE_SECONDS) as service:
        try:
            same = bool(executions) and bool(service.execution(executions[0]["execution_id"]))
        except ClientError:
            same = False
        yield WorkflowNames(service if same else None)


def _execution(summary: pb.ExecutionSummary) -> Document:
    failure = failure_of(summary)
    return {
        "execution_id": summary.execution_id,
        "workflow_id": json_id(summary.workflow_id),
        "revision": summary.revision,
        "status": status_word(summary.status),
        "created_at": instant(summary, "created_at"),
        "started_at": instant(summary, "started_at"),
        "finished_at": instant(summary, "finished_at"),
        "error": None if failure is None else asdict(failure),
        "origin_id": summary.origin_execution_id or None,
    }


def _execution_row(document: Document, ids: Mapping[str, str], names: WorkflowNames, times: Times) -> Sequence[str]:
    error, origin = document["error"], document["origin_id"]
    notes = [f"repeats {ids[origin]}"] if origin else []
    notes += [] if error is None else [error["message"]]
    return (
        ids[document["execution_id"]],
        names.of(document["workflow_id"]),
        document["status"],
        times.brief(document["created_at"]),
        took(document["started_at"], document["finished_at"]),
        "; ".join(notes),
    )


def _workflow_row(document: Document, times: Times) -> Sequence[str]:
    return (
        str(document["id"]),
        document["key"] or "",
        str(document["revision"]),
        str(len(document["tasks"])),
        times.full(document["updated_at"]),
        document["name"],
    )


def _event_row(document: Document, execution_id: str, times: Times) -> Sequence[str]:
    return (
        str(document["sequence"]),
        times.full(document["occurred_at"], "milliseconds"),
        f"{document['progress_percent']}%",
        document["status"],
        _told(document, execution_id, times),
    )


def _told(document: Document, execution_id: str, times: Times) -> str:
    if (awaited := awaited_in(document)) is None:
        return message_line(document["task_name"], document["message"])
    command = signal_command(execution_id, awaited.signal or "")
    return wait_line(document["task_name"], document["attempt"], awaited, command, times)


def took(started: str | None, finished: str | None) -> str:
    """How long it took, or has taken until now; empty if it has not started."""
    if started is None:
        return ""
    end = datetime.now(UTC) if finished is None else datetime.fromisoformat(finished)
    return duration((end - datetime.fromisoformat(started)).total_seconds())
