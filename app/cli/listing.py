"""The commands `list`, `workflows` and `history`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from app.api.grpc.generated import workflow_pb2 as pb
from app.cli.screen.console import results
from app.cli.screen.progress import duration
from app.client.entries import failure_of, json_id, status_word
from app.client.grpc_client import GrpcClient
from app.client.rest_client import RestClient
from app.domain.documents import rfc3339

LARGEST_PAGE = 200

Document = dict[str, Any]


def list_newest(target: str, status: str | None, workflow: str | None, limit: int, *, as_json: bool) -> None:
    """Print at most `limit` executions, newest first."""
    wanted = pb.ListExecutionsRequest(
        workflow_id=workflow or "",
        status=status.upper() if status else None,
    )
    columns = ("execution", "workflow", "rev", "status", "created", "took", "repeats", "error")
    with GrpcClient(target) as client:
        print_documents(columns, _newest(client, wanted, limit), _execution_row, as_json=as_json)


def list_workflows(rest_url: str, *, as_json: bool) -> None:
    columns = ("id", "key", "rev", "tasks", "updated", "name")
    with RestClient(rest_url) as service:
        print_documents(columns, service.workflows(), _workflow_row, as_json=as_json)


def show_history(rest_url: str, execution_id: str, *, as_json: bool) -> None:
    """Print the events that an execution has had so far."""
    columns = ("#", "occurred", "done", "status", "task", "attempt", "message")
    with RestClient(rest_url) as service:
        print_documents(columns, service.history(execution_id), _event_row, as_json=as_json)


def print_documents(
    columns: Sequence[str],
    documents: Iterable[Document],
    row: Callable[[Document], Sequence[str]],
    *,
    as_json: bool,
) -> None:
    output = results()
    if not as_json:
        output.rows(columns, (row(document) for document in documents))
        return
    for document in documents:
        output.json_line(document)


def _newest(client: GrpcClient, wanted: pb.ListExecutionsRequest, limit: int) -> Iterator[Document]:
    """Page by page, until the limit or the last page."""
    missing = limit
    while missing > 0:
        wanted.page_size = min(missing, LARGEST_PAGE)
        page = client.list_executions(wanted)
        for summary in page.executions:
            yield _execution(summary)
        missing -= len(page.executions)
        wanted.page_token = page.next_page_token
        if not page.next_page_token:
            return


def _execution(summary: pb.ExecutionSummary) -> Document:
    failure = failure_of(summary)
    return {
        "execution_id": summary.execution_id,
        "workflow_id": json_id(summary.workflow_id),
        "revision": summary.revision,
        "status": status_word(summary.status),
        "created_at": _instant(summary, "created_at"),
        "started_at": _instant(summary, "started_at"),
        "finished_at": _instant(summary, "finished_at"),
        "error": None if failure is None else asdict(failure),
        "origin_id": summary.origin_execution_id or None,
    }


def _instant(summary: pb.ExecutionSummary, field: str) -> str | None:
    if not summary.HasField(field):
        return None
    stamp: Timestamp = getattr(summary, field)
    return rfc3339(stamp.ToDatetime(UTC))


def _execution_row(document: Document) -> Sequence[str]:
    error = document["error"]
    return (
        document["execution_id"],
        str(document["workflow_id"]),
        str(document["revision"]),
        document["status"],
        readable(document["created_at"]),
        _took(document["started_at"], document["finished_at"]),
        document["origin_id"] or "",
        "" if error is None else error["message"],
    )


def _workflow_row(document: Document) -> Sequence[str]:
    return (
        str(document["id"]),
        document["key"] or "",
        str(document["revision"]),
        str(len(document["tasks"])),
        readable(document["updated_at"]),
        document["name"],
    )


def _event_row(document: Document) -> Sequence[str]:
    return (
        str(document["sequence"]),
        readable(document["occurred_at"], "milliseconds"),
        f"{document['progress_percent']}%",
        document["status"],
        document["task_name"] or "",
        str(document["attempt"] or ""),
        document["message"],
    )


def readable(instant: str | None, precision: str = "seconds") -> str:
    """The instant in UTC, `2026-01-02 03:04:05Z`."""
    if instant is None:
        return ""
    return datetime.fromisoformat(instant).astimezone(UTC).replace(tzinfo=None).isoformat(" ", precision) + "Z"


def _took(started: str | None, finished: str | None) -> str:
    if started is None:
        return ""
    end = datetime.now(UTC) if finished is None else datetime.fromisoformat(finished)
    return duration((end - datetime.fromisoformat(started)).total_seconds())
