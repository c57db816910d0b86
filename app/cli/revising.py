"""`workflow revisions`, `restore` and `delete`: what changed in a definition, its old revisions, and its end."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from app.cli.listing import print_documents
from app.cli.refused_names import near_keys
from app.cli.screen.console import results
from app.cli.screen.times import Times
from app.client.rest_client import RestClient

Document = dict[str, Any]


def list_revisions(rest_url: str, ref: str, limit: int, times: Times, *, as_json: bool) -> None:
    """Print at most `limit` revisions, newest first, with the changes of each."""
    columns = ("rev", "created", "by", "tasks", "changes")
    with RestClient(rest_url) as service, near_keys(rest_url):
        found = _with_changes(service, ref, limit)
        print_documents(columns, found, lambda revision: _row(revision, times), as_json=as_json)


def restore(rest_url: str, ref: str, revision: int) -> None:
    with RestClient(rest_url) as service, near_keys(rest_url):
        before = service.workflow(ref)["revision"]
        after = service.restore_revision(ref, revision)
    name = after["key"] or after["id"]
    if after["revision"] == before:
        results().say(f"unchanged  {name}  revision {before} is as revision {revision} was")
    else:
        results().say(f"restored   {name}  revision {before} → {after['revision']}, as revision {revision} was")


def delete(rest_url: str, ref: str, *, force: bool) -> None:
    with RestClient(rest_url) as service, near_keys(rest_url):
        deleted = service.delete_workflow(ref, force=force)
    name, own_id = deleted["key"] or deleted["id"], deleted["id"]
    results().say(f"deleted    {name}  revision {deleted['revision']}; its revisions remain, by the id {own_id}")


def summary(changes: Mapping[str, Any]) -> str:
    """The changes of a revision on one line: fields, then tasks added, removed and changed."""
    tasks = changes["tasks"]
    said = [", ".join(changes["workflow"])] if changes["workflow"] else []
    said += [f"{mark}{name}" for mark, names in (("+", tasks["added"]), ("-", tasks["removed"])) for name in names]
    said += [f"{name}: {', '.join(fields)}" for name, fields in tasks["changed"].items()]
    return "; ".join(said)


def _with_changes(service: RestClient, ref: str, limit: int) -> Iterator[Document]:
    for revision in islice(service.revisions(ref), limit):
        # By id: since the first page was read, the key may have moved to another workflow.
        changes = service.revision_changes(str(revision["workflow_id"]), revision["revision"])
        yield {**revision, "changes": {part: changes[part] for part in ("workflow", "tasks")}}


def _row(document: Document, times: Times) -> tuple[str, ...]:
    return (
        str(document["revision"]),
        times.full(document["created_at"]),
        document.get("requested_by") or "",
        str(document["task_count"]),
        summary(document["changes"]),
    )
